"""Extends a replicated volume to the size of its definition while it is in use (spec operations.md 3)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hive_nornir.errors import OperationFailed, UsageError
from hive_nornir.operations import commands
from hive_nornir.operations.core import Change, Observed, Operation, quote
from hive_nornir.tasks.volumes.drbd.build import WAIT_SECONDS
from hive_nornir.tasks.volumes.drbd.decide import decide, next_step
from hive_nornir.tasks.volumes.drbd.definition import resource_of
from hive_nornir.tasks.volumes.drbd.looking import look
from hive_nornir.tasks.volumes.drbd.model import Observation, Resource
from hive_nornir.tasks.volumes.drbd.observe import probe
from hive_nornir.tasks.volumes.drbd.steps import known
from hive_nornir.tasks.volumes.hives import on_each, short, volume_name

if TYPE_CHECKING:
    from hive_nornir.tasks.site_object import SiteObject

__all__ = ["grow_volume", "room_for", "unused"]

_FILE_SYSTEM_SECONDS = 1800.0


def grow_volume(thing: SiteObject) -> None:
    """Each copy, the replicated device and the file system in it are as large as the definition says; nothing is ever made smaller.

    A step for a play over volumes. Nothing has to be stopped; all copies must be there and up to date.

    :raises UsageError: it is no replicated volume.
    :raises OperationFailed: a volume group has too little room, a copy is not up to date, or the volume is larger than defined.
    """
    if "drbd" not in thing.variables["hive_volume"]:
        raise UsageError(f"volume {volume_name(thing)} is not replicated by hive-nornir", "its size is the storage's own business")
    wanted = resource_of(thing)
    servers = {short(server): server for server in thing.site.hives}
    seen = look(thing, wanted, list(servers.values()))
    plan = decide(wanted, seen, servers)
    if plan.begin or plan.new_metadata or next_step(wanted, seen).what != "done":
        raise OperationFailed(
            f"volume {wanted.name}: not all of its copies are up to date: {'; '.join(each.shown() for each in seen.values())}",
            "`hive-nornir run build-volumes` first",
        )
    room_for(wanted, seen)
    on_each(wanted.diskful, lambda host: thing.through_shell(servers[host], [_disk(wanted, host)]))
    first = wanted.diskful[0]
    thing.through_shell(servers[first], [_device(wanted, first)])
    if not thing.check:
        _until_up_to_date(thing, wanted, list(servers.values()))
    user = next((host for host, each in seen.items() if each.mounted), first)
    with thing.own_shell(servers[user]) as shell:
        thing.through_shell(servers[user], [_file_system(wanted)], shell)


def room_for(wanted: Resource, seen: Mapping[str, Observation]) -> None:
    """Every volume group has the room.

    :raises OperationFailed: naming those that have not.
    """
    small = []
    for host in wanted.diskful:
        more, free = wanted.size - (seen[host].disk_size or 0), seen[host].group_free or 0
        if more > free:
            small.append(f"{host}: {free >> 20} MiB")
    if small:
        raise OperationFailed(f"volume {wanted.name} is to be {wanted.size >> 20} MiB; free: {'; '.join(small)}", "make room first")


def unused(seen: Observation) -> bool:
    """Whether the copy is larger than the device in it and its metadata: a bit for each 4 KiB and each of at most 31 hosts, and a log."""
    if seen.disk_size is None or seen.device_size is None:
        return False
    return seen.disk_size - seen.device_size > seen.disk_size * 31 // (4096 * 8) + (1 << 20)


def _disk(wanted: Resource, host: str) -> Operation:
    path = quote(f"{wanted.group}/{wanted.name}")

    def due(seen: Observed) -> Change | None:
        size = known(wanted, host, seen).disk_size or 0
        if size >= wanted.size:
            return None
        before, after = f"{size >> 20} MiB", f"{wanted.size >> 20} MiB"
        return Change(f"{before} -> {after}", f"lvextend -q -L {wanted.size}b {path}", f"- {before}\n+ {after}")

    return Operation(f"logical volume {wanted.group}/{wanted.name} on {host}", probe(wanted), due)


def _device(wanted: Resource, host: str) -> Operation:
    """DRBD takes the size that all copies have."""

    def due(seen: Observed) -> Change | None:
        found = known(wanted, host, seen)
        smaller = (found.disk_size or 0) < wanted.size  # only in a plan
        return Change("resize", f"drbdadm resize {quote(wanted.name)}") if smaller or unused(found) else None

    return Operation(f"device {wanted.device}", probe(wanted), due)


def _until_up_to_date(thing: SiteObject, wanted: Resource, servers: Sequence[str]) -> None:
    """What is new of the copies is brought in step; the file system may grow meanwhile, so too long a time is no failure."""
    give_up = time.monotonic() + WAIT_SECONDS
    while (step := next_step(wanted, look(thing, wanted, servers))).what == "wait" and time.monotonic() < give_up:
        thing.progress(f"volume {wanted.name}: {step.text}")
        thing.run.stop.wait(1.0)


def _file_system(wanted: Resource) -> Operation:
    """Where it is mounted; elsewhere it is mounted for a moment, where nobody else sees it.

    What is on the disk does not tell the size of a file system that is mounted, so its own program is asked, which does nothing if nothing
    is due.
    """
    device = wanted.device
    grow = {"ext4": f"resize2fs {device} 2>&1", "xfs": 'xfs_growfs "$1" 2>&1'}[wanted.fstype]
    apart = (
        f'd=$(mktemp -d) && mount -t {wanted.fstype} {device} "$d" || exit 1; set -- "$d"; c=0; ( {grow} ) || c=$?\n'
        'umount "$d" && rmdir "$d"; exit $c'
    )
    script = (
        f"hv_m=$(findmnt -rno TARGET -S {device} | head -n 1) || :\n"
        f'if [ -n "$hv_m" ]; then set -- "$hv_m"; {grow}\nelse unshare -m sh -c {quote(apart)}; fi'
    )
    return commands.command(f"file system of {wanted.name}", script, changed_when=_grown, deadline=_FILE_SYSTEM_SECONDS)


def _grown(said: str) -> bool:
    """What resize2fs and xfs_growfs say when nothing was due."""
    return "Nothing to do" not in said and "unchanged" not in said
