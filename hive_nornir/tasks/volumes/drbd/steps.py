"""The steps by which a replicated volume is made, each of which looks once more before it changes anything."""

from __future__ import annotations

from dataclasses import replace

from hive_nornir.errors import OperationFailed
from hive_nornir.operations import files, services
from hive_nornir.operations.core import Change, Observed, Operation, quote
from hive_nornir.tasks.volumes.drbd.decide import kind_of
from hive_nornir.tasks.volumes.drbd.model import NEW_TAG, Observation, Resource
from hive_nornir.tasks.volumes.drbd.observe import NOTHING, observed, probe, signature

__all__ = ["adjusted", "brought_up", "described", "disk", "file_system", "first_generation", "known", "metadata", "not_new"]

_PEERS = 7  # room for hives that come later; metadata cannot be given more (drbdmeta(8), max-peers)
_FORMAT_SECONDS = 3600.0


def disk(wanted: Resource, host: str) -> Operation:
    """The logical volume is there; a new one holds nothing that DRBD could take for its own, and has our tag."""
    path = quote(f"{wanted.group}/{wanted.name}")

    def decide(seen: Observed) -> Change | None:
        if seen.exit_code == 0:
            return None
        return Change(f"create, {wanted.size >> 20} MiB", _thin(wanted) if wanted.pool else _thick(wanted), f"+ {wanted.disk}")

    operation = Operation(f"logical volume {wanted.group}/{wanted.name} on {host}", f"lvs {path} >/dev/null 2>&1", decide)
    return replace(operation, disturbs="its disk is there")


def _thin(wanted: Resource) -> str:
    """What was never written of a thin volume reads as zeros."""
    group, name = quote(wanted.group), quote(wanted.name)
    return f"lvcreate -q -y -V {wanted.size}b --thinpool {quote(wanted.pool)} --addtag {NEW_TAG} -n {name} {group}"


def _thick(wanted: Resource) -> str:
    """It may lie where another one was, with that one's metadata; so it gets its name when both ends are zero."""
    group, name, draft = quote(wanted.group), quote(wanted.name), f"{wanted.name}.{NEW_TAG}"
    path = quote(f"/dev/{wanted.group}/{draft}")
    zero = f"dd if=/dev/zero of={path} bs=1M count=1 oflag=direct status=none"
    return "\n".join(
        [
            f"[ ! -b {path} ] || lvremove -q -y {path}",  # of a run that was cut off
            f"lvcreate -q -y -W y -L {wanted.size}b --addtag {NEW_TAG} -n {quote(draft)} {group}",
            zero,
            f"{zero} seek=$(($(blockdev --getsize64 {path}) / 1048576 - 1))",
            f"lvrename -q {group} {quote(draft)} {name}",
        ]
    )


def described(wanted: Resource, host: str, text: str) -> Operation:
    """Its resource file, which names the secret that the hosts share."""
    operation = files.content(wanted.file, text, mode=0o600, secret=True)
    return replace(operation, name=f"{operation.name} on {host}")


def metadata(wanted: Resource, host: str, *, joins: bool) -> Operation:
    """DRBD's metadata are on the copy; made only on one that certainly holds nothing, and never by force.

    :param joins: another host holds the data, so that this copy is no new one from now on.
    """
    peers = max(_PEERS, len(wanted.addresses) - 1)
    joined = f"\nlvchange -q --deltag {NEW_TAG} {quote(f'{wanted.group}/{wanted.name}')}" if joins else ""
    create = f"drbdadm create-md --max-peers={peers} {quote(wanted.name)}{joined}"

    def decide(seen: Observed) -> Change | None:
        found = known(wanted, host, seen)
        if found.metadata == "yes":
            return None
        if kind_of(wanted, found) != "blank":
            raise OperationFailed(f"volume {wanted.name}: {host} has no {wanted.disk}")
        return Change("create", create, f"+ metadata for {peers} other hosts at the end of {wanted.disk}")

    return Operation(f"DRBD's metadata of {wanted.name} on {host}", probe(wanted), decide)


def not_new(wanted: Resource, host: str) -> Operation:
    """The copy is one that may hold data."""
    path = quote(f"{wanted.group}/{wanted.name}")

    def decide(seen: Observed) -> Change | None:
        if NEW_TAG not in seen.text.strip().split(","):
            return None
        return Change("no longer called new", f"lvchange -q --deltag {NEW_TAG} {path}", f"- {NEW_TAG}")

    return Operation(f"tag of {wanted.group}/{wanted.name} on {host}", f"lvs --noheadings -o lv_tags {path}", decide)


def brought_up(wanted: Resource, host: str) -> Operation:
    """The resource is up, and will be after every boot."""
    unit = services.running(wanted.unit)
    return replace(unit, name=f"{unit.name} on {host}", disturbs="the resource is up")


def adjusted(wanted: Resource, host: str) -> Operation:
    """The kernel has the resource as its file says."""
    name = quote(wanted.name)

    def decide(seen: Observed) -> Change | None:
        if seen.exit_code:
            raise OperationFailed(f"volume {wanted.name}: drbdadm on {host} does not take its file", stderr=seen.text)
        lines = [line.strip() for line in seen.text.splitlines() if line.strip()]
        # Options may carry the secret: only what is done is told.
        told = "\n".join(f"+ {' '.join(line.split()[:2])}" for line in lines)
        return Change("adjust", f"drbdadm adjust {name}", told) if lines else None

    return Operation(f"resource {wanted.name} on {host}", f"drbdadm -d adjust {name} 2>&1", decide)


def first_generation(wanted: Resource, host: str) -> Operation:
    """All copies, which never held data, are declared equal, so that nothing need be copied first (drbdsetup(8), new-current-uuid)."""
    name = quote(wanted.name)
    wait = f"i=0; until drbdadm dstate {name} | grep -q ^UpToDate; do i=$((i+1)); [ $i -lt 50 ] || exit 1; sleep 0.2; done"
    begin = f"drbdadm new-current-uuid --clear-bitmap {name}/0\n{wait}"

    def decide(seen: Observed) -> Change | None:
        found = known(wanted, host, seen)
        if found.state == "UpToDate":
            return None
        _fresh(wanted, found)
        return Change("declare the empty copies equal", begin)

    return Operation(f"first generation of {wanted.name}", probe(wanted), decide)


def file_system(wanted: Resource, host: str) -> Operation:
    """The file system of a volume that was made anew and is empty; the check is repeated in the script that makes it."""
    gate = f"hv_c=0; ( {signature(wanted.disk)} ) || hv_c=$?\n[ $hv_c = {NOTHING} ] || {{ echo 'it is not empty' >&2; exit 1; }}"
    make = f"{gate}\nmkfs.{wanted.fstype} -q {wanted.device}"

    def decide(seen: Observed) -> Change | None:
        found = known(wanted, host, seen)
        if found.signature == wanted.fstype:
            return None
        _fresh(wanted, found)
        if found.state != "UpToDate":
            raise OperationFailed(f"volume {wanted.name} is not formatted: {found.shown()}")
        return Change(f"make {wanted.fstype}", make, f"+ {wanted.fstype} on {wanted.device}")

    return Operation(f"file system of {wanted.name}", probe(wanted), decide, deadline=_FORMAT_SECONDS)


def known(wanted: Resource, host: str, seen: Observed) -> Observation:
    """What a step's probe saw.

    :raises OperationFailed: not everything is known.
    """
    found = observed(wanted, host, seen.text)
    if found.problems or found.missing:
        raise OperationFailed(f"volume {wanted.name}: {found.shown()}{found.missing}")
    return found


def _fresh(wanted: Resource, found: Observation) -> None:
    if kind_of(wanted, found) != "fresh":
        raise OperationFailed(f"volume {wanted.name} may hold data, and is left alone: {found.shown()}")
