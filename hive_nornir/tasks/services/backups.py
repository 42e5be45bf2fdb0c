"""What the repository's backups have to know of services that are deployed or removed (spec images-networks-volumes-services.md 5)."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from hive_nornir.operations import files
from hive_nornir.tasks.repository import backup_scripts

if TYPE_CHECKING:
    from hive_nornir.tasks.site_object import SiteObject

__all__ = ["backup_descriptions"]


def backup_descriptions(thing: SiteObject, services: Collection[str], *, whole: bool, remove: bool) -> str | None:
    """The repository backs up these services as they are defined, or, with `remove`, no more.

    :param thing: the repository.
    :param whole: they are all of the stage: descriptions of others, which are no more, go.
    :returns: why this does not apply.
    """
    if thing.shell(thing.name).run(f"[ -d {backup_scripts.FOLDER} ]", deadline=20).exit_code:
        return "the role backup-tools has not been run here"
    described = {} if remove else backup_scripts.descriptions(thing.site)
    group = str(thing.variables.get("hive_admin_group") or thing.variables["hive_safe_admin"])
    own = {service: text for service, text in described.items() if service in services}
    gone = [] if whole and not remove else [files.absent(f"{backup_scripts.FOLDER}/{name}") for name in services if name not in own]
    thing.through_shell(thing.name, [*backup_scripts.written(thing.site, own, group, whole=whole and not remove), *gone])
    return None
