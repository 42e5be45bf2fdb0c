"""Volumes on the infrastructure's file service, whose data no hive's death takes away (spec images-networks-volumes-services.md 3.6)."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from hive_nornir.errors import OperationFailed, UsageError
from hive_nornir.inventory.providers.sandbox import names
from hive_nornir.operations import commands
from hive_nornir.operations.core import Change, Observed, Operation, quote
from hive_nornir.tasks.volumes.docker_volume import DockerVolume
from hive_nornir.tasks.volumes.hives import hives_of, on_each, short, volume_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from hive_nornir.tasks.site_object import SiteObject

__all__ = ["FOLDERS", "no_shared_folder", "shared_folder", "shared_volume"]

FOLDERS: Mapping[str, str] = {"sandbox": names.FILES}
"""Provider -> the folder on each of its servers that is one file service for all."""

_EXTERNAL = "driver: local with driver_opts type, device and o mounts an NFS server of your own"


def shared_volume(name: str, variables: Mapping[str, Any]) -> DockerVolume:
    """The Docker volume of a volume with `nfs`.

    :param variables: of the mother or a server of the stage: `hive_provider`.
    :raises UsageError: the infrastructure has no file service that we know.
    """
    provider = str(variables["hive_provider"])
    folder = FOLDERS.get(provider)
    if folder is None:
        raise UsageError(f"volume {name}: hive-nornir knows no file service of provider {provider}", _EXTERNAL)
    return DockerVolume(name, options={"type": "none", "o": "bind", "device": str(PurePosixPath(folder, name))})


def shared_folder(thing: SiteObject) -> None:
    """The volume's folder is on the file service, and every hive sees that.

    Its owner and mode are left as they are: they belong to the service that uses it.
    """
    volume = _volume(thing)
    servers = hives_of(thing)
    folder = PurePosixPath(volume.options["device"])
    on_each(servers, lambda server: thing.through_shell(server, [_service(server, str(folder.parent))]))
    made = commands.command(f"folder {folder}", f"mkdir -m 755 {quote(str(folder))}", creates=str(folder))
    thing.through_shell(servers[0], [made])


def no_shared_folder(thing: SiteObject) -> None:
    """The volume's folder and what is in it are gone."""
    folder = _volume(thing).options["device"]
    server = hives_of(thing)[0]

    def decide(seen: Observed) -> Change | None:
        if not seen.text.strip():
            return None
        return Change(f"delete it, with {seen.text.strip()} MiB", f"find {quote(folder)} -xdev -depth -delete", f"- {folder}")

    look = f"[ ! -d {quote(folder)} ] || du -smx {quote(folder)} | cut -f1"
    thing.through_shell(server, [Operation(f"no folder {folder}", look, decide, deadline=600)])


def _volume(thing: SiteObject) -> DockerVolume:
    return shared_volume(volume_name(thing), thing.site.scope(thing.site.mother))


def _service(server: str, folder: str) -> Operation:
    def decide(seen: Observed) -> None:
        if seen.exit_code:
            raise OperationFailed(
                f"{short(server)} was made before the sandbox had a file service: nothing is mounted at {folder}",
                "rebuild the stage: `hive-nornir build-infra --destroy`, then `hive-nornir all`",
            )

    return Operation(f"file service at {folder}", f"mountpoint -q {quote(folder)}", decide)
