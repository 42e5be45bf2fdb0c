"""What the backup runner has to know of services: a description for each that says what is backed up, from the inventory (BKT-4).

It holds commands, and no shell is generated of them. Roles of setup-hosts and deploy-services call this alike.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from hive_nornir.errors import UsageError
from hive_nornir.inventory.definitions.service import BackupScript
from hive_nornir.operations import files
from hive_nornir.operations.core import Change, Observed, Operation, quote
from hive_nornir.tasks.servers.docker.daemon import API_PORT

if TYPE_CHECKING:
    from hive_nornir.inventory.site_inventory import SiteInventory

__all__ = ["FOLDER", "descriptions", "written"]

FOLDER = "/var/lib/hive-backup.d"
BUILT_IN = ("hive-zabbix", "hive-registry")
_RESERVED = "hive-"
_DEFAULT_EXTENSION = "tar.gz"


def descriptions(site: SiteInventory) -> dict[str, dict[str, Any]]:
    """Service -> its description, of all that have something to back up.

    :raises UsageError: an entry is wrong, or two have the same name, by which their files are called.
    """
    found = {service: _entries(service, site.scope(service).get("hive_backup_scripts") or []) for service in site.services}
    owners: dict[str, str] = dict.fromkeys(BUILT_IN, "the repository server")
    for service, entries in found.items():
        if entries and service.startswith(_RESERVED):
            raise UsageError(f"service {service}: names that begin with {_RESERVED} are reserved for backups", "call the service otherwise")
        for entry in entries:
            if entry["name"] in owners:
                raise UsageError(
                    f"service {service}: a backup of {owners[entry['name']]} is called {entry['name']!r} too",
                    "their files would be called alike: give each entry of backup_scripts a name of its own",
                )
            owners[entry["name"]] = service
    managers = [f"{name}:{API_PORT}" for name in _first_before_others(site)]
    return {
        service: {"hive": site.hive_name, "service": service, "managers": managers, "entries": entries}
        for service, entries in found.items()
        if entries
    }


def written(site: SiteInventory, described: Mapping[str, Mapping[str, Any]], group: str, *, whole: bool = True) -> list[Operation]:
    """The descriptions in their folder, which exists; and none of services that are no more.

    :param described: as `descriptions` gives them.
    :param group: that may read them; commands may hold secrets, so nobody else does, and they are not shown.
    :param whole: they are those of all services, so that others go.
    """
    texts = {service: json.dumps(description, indent=1) + "\n" for service, description in described.items()}
    own = [files.content(f"{FOLDER}/{service}", text, mode=0o640, group=group, secret=True) for service, text in texts.items()]
    return [*own, _no_others(site.hive_name, texts)] if whole else own


def _entries(service: str, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    try:
        checked = [BackupScript.model_validate(each) for each in given]
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(each) for each in first["loc"])
        raise UsageError(f"service {service}: backup_scripts: {place}: {first['msg']}", "what its templates make is not right") from error
    return [
        {
            "name": each.name,
            "ext": each.ext or _DEFAULT_EXTENSION,
            "cleanup_days_before": each.cleanup_days_before,
            "directory": each.directory or "",
            "backup_command": each.backup_command or "",
            "backup_file": each.backup_file or "",
            "restore_command": each.restore_command or "",
            "restore_file": each.restore_file or "",
            "batch_scripts": each.batch_scripts or [],
        }
        for each in checked
    ]


def _first_before_others(site: SiteInventory) -> list[str]:
    """Whose engines know where a service is: the first hive, and the others should that be down."""
    return list(dict.fromkeys([*site.groups["first_hive"], *site.hives]))


def _no_others(hive: str, services: Collection[str]) -> Operation:
    """M-3. What other hives have in the folder of a shared repository is theirs; what hive-builder generated is replaced."""
    own = quote(f'"hive": "{hive}"')
    theirs = f"""grep -qs '"hive": ' "$hv_f" && ! grep -qsF {own} "$hv_f\""""
    probe = f'cd {FOLDER} 2>/dev/null || exit 0\nfor hv_f in *; do [ -f "$hv_f" ] || continue; {theirs} || echo "$hv_f"; done'

    def decide(seen: Observed) -> Change | None:
        others = sorted(set(seen.text.splitlines()) - set(services))
        if not others:
            return None
        remove = f"cd {FOLDER}; rm -f -- {' '.join(map(quote, others))}"
        return Change(f"remove {', '.join(others)}", remove, "\n".join(f"- {name}" for name in others))

    return Operation(f"no other descriptions in {FOLDER}", probe, decide)
