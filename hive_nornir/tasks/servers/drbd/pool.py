"""DRBD-4, DRBD-5, L-14: the disk for replicated volumes, its partition, volume group and thin pool.

Nothing that holds anything is touched: neither a disk with partitions (unless the site says so, and then only the room behind them), nor
one with a file system, a RAID or another volume group on it, nor the system's own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Change, Observed, Operation, quote

__all__ = ["Disk", "VolumeGroup", "pool_size", "volume_group"]

_COLUMNS = "NAME,PKNAME,TYPE,SIZE,FSTYPE,MOUNTPOINT,MODEL,SERIAL"
MIB = 1 << 20
_SECTORS = MIB // 512  # partx(8) counts in sectors of 512 bytes, whatever the disk's own are


@dataclass(frozen=True)
class VolumeGroup:
    """A volume group as it should be.

    :param pool: thin pool in it, "" for none.
    :param candidates: devices in the order in which they are tried.
    :param label: msdos or gpt, for a disk without a partition table.
    :param behind_partitions: whether the room behind the partitions of a disk may be taken.
    """

    name: str
    pool: str
    candidates: Sequence[str]
    label: str
    behind_partitions: bool


@dataclass(frozen=True)
class Disk:
    """A candidate that is there.

    :param path: as the site calls it; `device` is what it leads to.
    :param sectors: of 512 bytes.
    :param partitions: their last sectors, from the table on the disk.
    :param taken: why it may not be touched, "" if it may.
    """

    path: str
    device: str
    sectors: int
    partitions: tuple[int, ...]
    shown: str
    taken: str


def volume_group(wanted: VolumeGroup) -> Operation:
    """The volume group exists; a new one is made on the first disk that is empty.

    :raises OperationFailed: when applied to a host without such a disk, naming what each candidate holds, and where the volume group is
        there without its pool.
    """

    def decide(seen: Observed) -> Change | None:
        known, _, looks = seen.text.partition("@@disks\n")
        if known.strip():
            _with_pool(wanted, known)
            return None
        disks = _disks(looks)
        disk = next((disk for disk in disks if not disk.taken and (wanted.behind_partitions or not disk.partitions)), None)
        if disk is None:
            found = "; ".join(f"{each.path} {each.taken or 'has partitions'}" for each in disks) or "none of them is there"
            raise OperationFailed(
                f"there is no empty disk for the volume group {wanted.name}: {found}",
                f"attach one, or name it in hive_mirrored_disk_devices; looked for {', '.join(wanted.candidates)}",
            )
        start, end = _room(disk)
        size = pool_size(end - start)
        if size < 16:
            raise OperationFailed(f"{disk.path} has no room for {wanted.name}: {end - start} MiB", "attach a larger disk")
        lines = [f"+ partition {start} MiB to {end} MiB of {disk.shown}", f"+ volume group {wanted.name}"]
        lines += [f"+ thin pool {wanted.pool} of {size} MiB"] if wanted.pool else []
        return Change(f"make it on {disk.shown}", _make(wanted, disk, start, end, size), "\n".join(lines))

    return Operation(f"volume group {wanted.name}", _probe(wanted), decide, deadline=300)


def pool_size(partition: int) -> int:
    """MiB of the thin pool on a partition of so many MiB: room is left for metadata and a spare (DRBD-5)."""
    return 16 * (((partition - 8) * 8192 // 8193) // 16)


def _with_pool(wanted: VolumeGroup, known: str) -> None:
    """DRBD-3: what is there is left as it is; without the pool no volume could be made in it.

    :param known: the volume group's name, and its pool's type if that is there.
    """
    if wanted.pool and "thin-pool" not in known.split():
        raise OperationFailed(
            f"the volume group {wanted.name} is there and has no thin pool {wanted.pool}",
            f"make it: lvcreate --type thin-pool -c 1024k -Z n -L SIZE -n {wanted.pool} {wanted.name}; "
            'or set poolname: "" in hive_mirrored_disk_devices',
        )


def _room(disk: Disk) -> tuple[int, int]:
    """First and last MiB of the new partition (DRBD-4)."""
    start = max(disk.partitions) // _SECTORS + 1 if disk.partitions else 1
    return start, (disk.sectors - 34) // _SECTORS


def _probe(wanted: VolumeGroup) -> str:
    names = " ".join(map(quote, wanted.candidates))
    pool = f"lvs --noheadings -o segtype {quote(f'{wanted.name}/{wanted.pool}')} 2>/dev/null; " if wanted.pool else ""
    return (
        f"vgs --noheadings -o vg_name {quote(wanted.name)} 2>/dev/null; {pool}echo @@disks\n"
        f"for hv_c in {names}; do\n"
        'hv_d=$(readlink -f -- "$hv_c"); [ -b "$hv_d" ] || continue\n'
        'printf "@@disk %s %s %s\\n" "$hv_c" "$hv_d" "$(blockdev --getsz "$hv_d")"\n'
        f'lsblk -Pbo {_COLUMNS} "$hv_d"\n'
        "partx -sgo START,SECTORS \"$hv_d\" 2>/dev/null | sed 's/^ */@part /'\n"
        # Where a new partition would begin; of a table that was wiped, its former partition may still be there.
        f'hv_t=$(blkid -p -O {MIB} -o value -s TYPE "$hv_d"); [ $? = 2 ] || echo "@left ${{hv_t:-something}}"\n'
        "done"
    )


def _disks(text: str) -> list[Disk]:
    """The candidates that are there, each once."""
    found: dict[str, Disk] = {}
    for part in text.split("@@disk ")[1:]:
        head, _, rest = part.partition("\n")
        path, device, sectors = head.split()
        rows = [dict(re.findall(r'([A-Z]+)="([^"]*)"', line)) for line in rest.splitlines() if line.startswith("NAME=")]
        ends = tuple(int(start) + int(size) - 1 for start, size in re.findall(r"^@part (\d+) +(\d+) *$", rest, re.MULTILINE))
        left = "" if ends else "".join(re.findall("^@left (.+)$", rest, re.MULTILINE))
        if rows:
            found.setdefault(device, Disk(path, device, int(sectors), ends, _shown(path, rows[0]), _taken(rows, bool(ends), left)))
    return list(found.values())


def _shown(path: str, row: dict[str, str]) -> str:
    words = [path, f"({int(row.get('SIZE') or 0) / 1e9:.1f} GB", row.get("MODEL", "").strip(), row.get("SERIAL", "").strip()]
    return " ".join(filter(None, words)) + ")"


def _taken(rows: Sequence[dict[str, str]], partitioned: bool, left: str) -> str:
    """Why a disk may not be touched, from what lies on it.

    :param left: what is found where the first partition was, of a disk that has none any more.
    """
    disk, parts = rows[0], rows[1:]
    if disk.get("TYPE") != "disk":
        return f"is a {disk.get('TYPE') or 'device of an unknown kind'}"
    if disk.get("FSTYPE") or disk.get("MOUNTPOINT"):
        return f"holds {disk.get('FSTYPE') or disk.get('MOUNTPOINT')}"
    if parts and not partitioned:
        return f"is used by {parts[0].get('NAME')}"
    return f"holds {left} in a partition that its table has lost" if left else ""


def _make(wanted: VolumeGroup, disk: Disk, start: int, end: int, size: int) -> str:
    """Shell: partition, physical volume, volume group, thin pool; what was made goes again when a later one of them fails.

    Nothing is forced: pvcreate refuses what holds anything. parted may add to the partitions of a disk in use, as the system's is.
    """
    device, group = quote(disk.device), quote(wanted.name)
    table = "" if disk.partitions else f"mklabel {wanted.label} "
    add = f"parted -sm -a none {device} {table}unit B mkpart primary {start * MIB} {end * MIB - 1} print"
    pool = f"lvcreate -q -y --type thin-pool -L {size}m -c 1024k -Z n -n {quote(wanted.pool)} {group}"
    return "\n".join(
        [
            "hv_undo=; trap 'hv_c=$?; [ $hv_c = 0 ] || eval \"$hv_undo\"; exit $hv_c' EXIT",
            f"hv_t=$({add})",
            f"hv_p=$(printf '%s\\n' \"$hv_t\" | sed -n 's/^\\([0-9]*\\):{start * MIB}B:.*/\\1/p')",
            f'hv_undo="parted -s {device} rm $hv_p"',
            f'parted -s {device} set "$hv_p" lvm on\nudevadm settle',
            # The kernel's name of it: NVMe's has a p, by-path links have -part (P-30).
            f"hv_s() {{ grep -lx {start * _SECTORS} /sys/class/block/{quote(disk.device.removeprefix('/dev/'))}/*/start; }}",
            'i=0; until hv_n=$(hv_s) && hv_n=${hv_n%/start} && hv_n=/dev/${hv_n##*/} && [ -b "$hv_n" ]; do',
            '  i=$((i+1)); [ $i -lt 50 ] || { echo "the kernel does not show the new partition" >&2; exit 1; }; sleep 0.2\ndone',
            'pvcreate -q "$hv_n"; hv_undo="pvremove -q $hv_n; $hv_undo"',
            f'vgcreate -q {group} "$hv_n"; hv_undo="vgremove -q {group}; $hv_undo"',
            *([pool] if wanted.pool else []),
        ]
    )
