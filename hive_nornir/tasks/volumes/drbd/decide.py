"""What may be done about a replicated volume, from what is seen of it on all hives. Pure; spec images-networks-volumes-services.md 3.5.

The rule that everything here serves: what holds data, or may hold some, is never formatted, never given new metadata, never removed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from hive_nornir.errors import OperationFailed
from hive_nornir.tasks.volumes.drbd.model import Observation, Resource
from hive_nornir.tasks.volumes.drbd.observe import UNNAMED

__all__ = ["Next", "Plan", "decide", "kind_of", "next_step", "sizes_to_grow"]

Kind = Literal["client", "absent", "blank", "fresh", "data"]
"""client: keeps no copy. absent: has none yet. blank: our logical volume without metadata. fresh: with metadata, but no data ever.
data: holds some."""

_LOOK = "see `drbdadm status` on its hives; the manual's page on DRBD says how to choose the copy that stays"


@dataclass(frozen=True)
class Plan:
    """What is done before the resource comes up.

    :param begin: no host holds the volume: it is made anew, with one file system.
    :param new_disks: hosts that get a logical volume.
    :param new_metadata: hosts that get DRBD's metadata on a copy that certainly holds nothing.
    :param settled: hosts whose copy is no longer to be called new.
    :param notes: for the operator.
    """

    begin: bool = False
    new_disks: tuple[str, ...] = ()
    new_metadata: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Next:
    """What is done next once the resource is up.

    :param what: `wait`; `seed`: declare the copies, which never held data, equal; `format`: make the file system; `done`.
    :param host: where.
    :param text: what is waited for, or is left to be told, in plain words.
    :param syncing: what is waited for is a copy that is being brought up to date, which the service need not wait for.
    """

    what: Literal["wait", "seed", "format", "done"]
    host: str = ""
    text: str = ""
    syncing: bool = False


def kind_of(wanted: Resource, seen: Observation) -> Kind:
    """What a host holds.

    :raises OperationFailed: a copy that is nobody's: it must not be touched.
    """
    if seen.disk_size is None:
        if seen.attached:
            raise OperationFailed(
                f"volume {wanted.name}: DRBD on {seen.host} has a copy in use that is not {wanted.disk}", "see drbdsetup show"
            )
        return "absent" if seen.host in wanted.diskful else "client"
    copy = f"volume {wanted.name}: {seen.host} has {wanted.disk}"
    if seen.host not in wanted.diskful:
        raise OperationFailed(
            f"{copy}, and is to keep no copy (diskless)",
            "if the other copies are up to date and nobody needs this one, take it away: drbdadm detach, then lvremove",
        )
    if seen.metadata == "unknown" or (seen.metadata == "no" and seen.signature is None):
        raise OperationFailed(f"{copy}, and it does not tell whether anything is on it", "see to it, then run again")
    if seen.metadata == "yes":
        return "fresh" if seen.disk_new and seen.signature == "" and not seen.mounted and seen.role != "Primary" else "data"
    if seen.signature:
        raise OperationFailed(
            f"{copy} with {seen.signature} on it and without DRBD's metadata, which would overwrite its end",
            "save its data and take it away (lvremove), or give the volume another name",
        )
    if not seen.disk_new:
        raise OperationFailed(f"{copy}, which hive-nornir did not make", "take it away (lvremove) if nobody needs it")
    if seen.mounted or seen.role == "Primary":
        raise OperationFailed(f"{copy}, which is in use without DRBD's metadata", "see what uses it")
    return "blank"


def decide(wanted: Resource, seen: Mapping[str, Observation], chosen: Collection[str]) -> Plan:
    """What is done before the resource comes up.

    :param seen: of every hive of the stage; one that does not answer, and is not chosen, is left out.
    :param chosen: hosts that may be changed.
    :raises OperationFailed: nothing may be done; with what is seen, and what to do.
    """
    _usable(wanted, seen)
    kinds = {host: kind_of(wanted, each) for host, each in seen.items()}
    empty = [host for host, kind in kinds.items() if kind in ("absent", "blank")]
    holders = [host for host, kind in kinds.items() if kind == "data"]
    if not holders:
        return _begin(wanted, seen, kinds, chosen)
    _same_size(wanted, seen)
    _same_file_system(wanted, seen)
    _whole_file_system(wanted, seen, kinds)
    _some_copy_is_good(wanted, seen, holders)
    joining = tuple(host for host in empty if host in chosen)
    settled = tuple(host for host, each in seen.items() if each.disk_new and host in chosen and kinds[host] in ("data", "fresh"))
    return Plan(
        new_disks=tuple(host for host in joining if kinds[host] == "absent"),
        new_metadata=joining,
        settled=settled,
        notes=sizes_to_grow(wanted, seen),
    )


def _usable(wanted: Resource, seen: Mapping[str, Observation]) -> None:
    """Everything that must be known is, and nothing is in the way."""
    name = f"volume {wanted.name}"
    if missing := {host: each.missing for host, each in seen.items() if each.missing}:
        containers = any("container" in reason for reason in missing.values())
        hint = "in the sandbox use `nfs: {}`, which all its servers share; " if containers else "run setup-hosts with the role drbd; "
        raise OperationFailed(
            f"{name} cannot be replicated: {_listed(missing.items())}", f"{hint}or drbd.available_on: the stages that have DRBD"
        )
    if unknown := [each.shown() for each in seen.values() if each.problems]:
        raise OperationFailed(f"{name}: not everything is known, so nothing is done: {'; '.join(unknown)}", "see to it, then run again")
    if taken := {host: each.minor_taken_by for host, each in seen.items() if each.minor_taken_by}:
        raise OperationFailed(f"{name}: device id {wanted.minor} belongs to another volume: {_listed(taken.items())}", "choose another")
    if without := [host for host, each in seen.items() if host in wanted.diskful and each.group_free is None]:
        raise OperationFailed(
            f"{name}: {', '.join(without)} has no {wanted.group}{f'/{wanted.pool}' if wanted.pool else ''}",
            "setup-hosts makes it on an empty disk; hive_no_mirrored_device: true or diskless: [...] does without",
        )


def _begin(wanted: Resource, seen: Mapping[str, Observation], kinds: Mapping[str, Kind], chosen: Collection[str]) -> Plan:
    name = f"volume {wanted.name}"
    if not wanted.diskful:
        raise OperationFailed(f"{name}: no hive keeps a copy of it", "take one out of diskless")
    if not wanted.may_begin:
        raise OperationFailed(f"{name}: no hive holds it, and no_format forbids to make it", "`hive-nornir unset no_format`")
    if absent := [host for host in wanted.addresses if host not in chosen or host not in seen]:
        raise OperationFailed(
            f"{name} is on no hive that answers, and is made on all at once: {', '.join(absent)} would be left out",
            "run without --limit-server when all hives are there",
        )
    if without := [host for host in wanted.diskful if not seen[host].formatter]:
        package = {"ext4": "e2fsprogs", "xfs": "xfsprogs"}[wanted.fstype]
        raise OperationFailed(f"{name}: {', '.join(without)} has no mkfs.{wanted.fstype}", f"install {package} there")
    disks = tuple(host for host in wanted.diskful if kinds[host] == "absent")
    if small := {host: f"{(seen[host].group_free or 0) >> 20} MiB" for host in disks if (seen[host].group_free or 0) < wanted.size}:
        raise OperationFailed(f"{name} needs {wanted.size >> 20} MiB; free: {_listed(small.items())}", "make room, or a smaller volume")
    return Plan(True, disks, tuple(host for host in wanted.diskful if kinds[host] in ("absent", "blank")))


def _same_size(wanted: Resource, seen: Mapping[str, Observation]) -> None:
    sizes = {host: each.disk_size for host, each in seen.items() if each.disk_size is not None}
    larger = {host: f"{size >> 20} MiB" for host, size in sizes.items() if size >= wanted.size + seen[host].extent}
    if larger:
        raise OperationFailed(
            f"volume {wanted.name} is {wanted.size >> 20} MiB by definition and larger on {_listed(larger.items())}",
            "no volume is ever made smaller: write the larger size",
        )


def _same_file_system(wanted: Resource, seen: Mapping[str, Observation]) -> None:
    """Pitfall 7: a wrong fstype is a mistake in the definition, not a reason to format."""
    known = {host: each.signature for host, each in seen.items() if each.signature and each.signature != UNNAMED}
    if other := {host: found for host, found in known.items() if found != wanted.fstype}:
        raise OperationFailed(
            f"volume {wanted.name} is {wanted.fstype} by definition; found: {_listed(other.items())}", "write the fstype that it has"
        )


def _whole_file_system(wanted: Resource, seen: Mapping[str, Observation], kinds: Mapping[str, Kind]) -> None:
    """A new volume whose formatting was cut off has no file system and is not empty either."""
    holders = [seen[host] for host, kind in kinds.items() if kind == "data"]
    if all(each.disk_new for each in holders) and any(each.signature == UNNAMED for each in holders):
        raise OperationFailed(
            f"volume {wanted.name}: making its file system was interrupted, and what there is of it is left alone",
            f"`hive-nornir run build-volumes --destroy --limit {wanted.name}`, then build-volumes",
        )


def sizes_to_grow(wanted: Resource, seen: Mapping[str, Observation]) -> tuple[str, ...]:
    """A note if copies are smaller than the definition says."""
    sizes = {host: each.disk_size for host, each in seen.items() if each.disk_size is not None}
    smaller = {host: f"{size >> 20} MiB" for host, size in sizes.items() if size < wanted.size}
    if not smaller:
        return ()
    text = f"volume {wanted.name} is {wanted.size >> 20} MiB by definition and smaller on {_listed(smaller.items())}"
    return (f"{text}; `hive-nornir volume grow {wanted.name}` extends it",)


def _some_copy_is_good(wanted: Resource, seen: Mapping[str, Observation], holders: Collection[str]) -> None:
    """Where all that hold data are in touch, one of them must be up to date: another one must not be made of what is not."""
    if any(_up_to_date(each) for each in seen.values()):
        return
    in_touch = all(_connected(seen[one], seen[other]) for one, other in combinations(holders, 2))
    if in_touch and all(seen[host].up for host in holders):
        raise OperationFailed(f"volume {wanted.name} has no copy that is up to date: {_states(seen.values())}", _LOOK)


def next_step(wanted: Resource, seen: Mapping[str, Observation]) -> Next:
    """What is done next once the resource has been brought up.

    :param seen: of every hive that answers, and of no other.
    :raises OperationFailed: nothing can be done without the operator.
    """
    _usable(wanted, seen)
    kinds = {host: kind_of(wanted, each) for host, each in seen.items()}
    links = [(host, peer, link) for host, each in seen.items() for peer, link in each.peers.items()]
    if alone := [f"{host} and {peer}" for host, peer, link in links if link.connection == "StandAlone"]:
        raise OperationFailed(
            f"volume {wanted.name}: {', '.join(alone)} do not talk to each other (split brain?): {_states(seen.values())}", _LOOK
        )
    down = [host for host, each in seen.items() if not each.up]
    if down:
        return Next("wait", text=f"it comes up on {', '.join(down)}")
    apart = [f"{one} and {other}" for one, other in combinations(seen, 2) if not _connected(seen[one], seen[other])]
    if apart:
        return Next("wait", text=f"{', '.join(apart)} get in touch (port {wanted.port})")
    if "data" in kinds.values():
        return _follow(wanted, seen, kinds)
    copies = [seen[host] for host in wanted.diskful if host in seen]
    if len(copies) < len(wanted.diskful) or {kinds[each.host] for each in copies} != {"fresh"}:
        raise OperationFailed(f"volume {wanted.name}: not all of its hives are there: {_states(seen.values())}", "see to them, run again")
    if all(_up_to_date(each) for each in copies):
        return Next("format", copies[0].host)
    if any(_up_to_date(each) for each in copies):
        return Next("wait", text="all copies are of the first generation")
    return Next("seed", copies[0].host)


def _follow(wanted: Resource, seen: Mapping[str, Observation], kinds: Mapping[str, Kind]) -> Next:
    """A volume with data: whether all copies are up to date."""
    _whole_file_system(wanted, seen, kinds)
    if not any(_up_to_date(each) for each in seen.values()):
        return Next("wait", text=f"a copy is up to date: {_states(seen.values())}")
    late = [each for each in seen.values() if each.host in wanted.diskful and not _up_to_date(each)]
    if not late:
        empty = all(seen[host].signature == "" for host in wanted.diskful if host in seen)
        text = f"volume {wanted.name} has no file system; if nobody needs what it holds: mkfs.{wanted.fstype} {wanted.device} on one hive"
        return Next("done", text=text if empty else "")
    progress = (f"{each.host} ({_in_sync(each):.0f} %)" for each in late)
    return Next("wait", text=f"{', '.join(progress)} is being brought up to date", syncing=all(_is_target(each) for each in late))


def _up_to_date(seen: Observation) -> bool:
    return seen.up and seen.state == "UpToDate"


def _is_target(seen: Observation) -> bool:
    return any("SyncTarget" in peer.replication for peer in seen.peers.values())


def _in_sync(seen: Observation) -> float:
    return max((peer.in_sync for peer in seen.peers.values() if "Sync" in peer.replication), default=0.0)


def _connected(one: Observation, other: Observation) -> bool:
    link = one.peers.get(other.host)
    return link is not None and link.connection == "Connected"


def _states(seen: Iterable[Observation]) -> str:
    return "; ".join(each.shown() for each in seen)


def _listed(pairs: Iterable[tuple[str, str]]) -> str:
    return "; ".join(f"{host}: {text}" for host, text in pairs)
