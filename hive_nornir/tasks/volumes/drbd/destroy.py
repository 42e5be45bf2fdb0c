"""Takes a replicated volume away, in an order that leaves nothing failed behind (spec images-networks-volumes-services.md 3.4)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hive_nornir.errors import OperationFailed
from hive_nornir.operations import files, services
from hive_nornir.operations.core import Change, Observed, Operation, quote
from hive_nornir.tasks.volumes.drbd import node_ids
from hive_nornir.tasks.volumes.drbd.looking import look
from hive_nornir.tasks.volumes.drbd.model import Resource
from hive_nornir.tasks.volumes.hives import hives_of, on_each, short

if TYPE_CHECKING:
    from hive_nornir.tasks.site_object import SiteObject

__all__ = ["refuse_mounted", "removed_replicas"]


def refuse_mounted(thing: SiteObject, wanted: Resource) -> None:
    """Whether anybody uses the volume, by whatever way.

    :raises OperationFailed: it is mounted, or opened for writing, on a hive; or one does not answer.
    """
    seen = look(thing, wanted, hives_of(thing))
    if silent := [each.shown() for each in seen.values() if not each.answers]:
        raise OperationFailed(f"volume {wanted.name}: not everything is known: {'; '.join(silent)}", "--limit-server leaves a hive out")
    if used := [each.shown() for each in seen.values() if each.mounted or each.role == "Primary"]:
        raise OperationFailed(f"volume {wanted.name} is in use: {'; '.join(used)}", f"end what uses it: fuser -vm {wanted.device} names it")


def removed_replicas(thing: SiteObject, wanted: Resource) -> None:
    """No hive has the resource, its file, its unit or its copy any more; the device id stays the volume's."""
    servers = hives_of(thing)
    usable = {host for host, each in look(thing, wanted, servers).items() if not each.missing}
    on_each([server for server in servers if short(server) in usable], lambda server: _removed(thing, wanted, server))
    if thing.run.hosts is None and not thing.check and node_ids.recorded(thing.site.context, wanted.name):
        node_ids.forget(thing.site.context, wanted.name)


def _removed(thing: SiteObject, wanted: Resource, server: str) -> None:
    host = short(server)
    stopped, file = services.stopped(wanted.unit), files.absent(wanted.file)
    thing.through_shell(
        server,
        [
            replace(stopped, name=f"{stopped.name} on {host}", disturbs="the resource is down"),
            replace(_down(wanted, host), disturbs="the resource is down"),
            _no_disk(wanted, host),
            replace(file, name=f"{file.name} on {host}"),
            _not_failed(wanted, host),
        ],
    )


def _down(wanted: Resource, host: str) -> Operation:
    name = quote(wanted.name)
    down = f"i=0; until drbdsetup down {name}; do i=$((i+1)); [ $i -lt 10 ] || exit 1; sleep 2; done"  # peers may refuse for a moment

    def decide(seen: Observed) -> Change | None:
        return Change("take it down", down) if seen.exit_code == 0 else None

    look_for = f"[ -e /sys/module/drbd ] && drbdsetup status {name} >/dev/null 2>&1"
    return Operation(f"no resource {wanted.name} on {host}", look_for, decide)


def _no_disk(wanted: Resource, host: str) -> Operation:
    path = quote(f"{wanted.group}/{wanted.name}")

    def decide(seen: Observed) -> Change | None:
        return Change("remove, with all data", f"lvremove -q -y {path}", f"- {wanted.disk}") if seen.exit_code == 0 else None

    return Operation(f"no logical volume {wanted.group}/{wanted.name} on {host}", f"lvs {path} >/dev/null 2>&1", decide)


def _not_failed(wanted: Resource, host: str) -> Operation:
    """Zabbix raises an alarm for a unit that has failed."""
    unit = quote(wanted.unit)

    def decide(seen: Observed) -> Change | None:
        return Change("reset", f"systemctl reset-failed {unit}") if seen.exit_code == 0 else None

    return Operation(f"no failed {wanted.unit} on {host}", f"systemctl -q is-failed {unit}", decide)
