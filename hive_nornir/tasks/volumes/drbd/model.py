"""What a replicated volume should be, and what is seen of it on a hive."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["JUST_CREATED", "NEW_TAG", "Known", "Observation", "Peer", "Resource", "bytes_of"]

NEW_TAG = "hive_nornir_new"
"""LVM's tag of a logical volume that we made and that never held data. It goes when the file system has been made, or the copy joined."""

JUST_CREATED = 4
"""DRBD's generation of a copy that never had data (drbd_meta_data.h, UUID_JUST_CREATED)."""

Known = Literal["yes", "no", "unknown"]
_UNITS: dict[str, int] = {unit: 1 << 10 * power for power, unit in enumerate("kmgt", 1)}


def bytes_of(size: str) -> int:
    """The bytes of `100M` or `20G`, as LVM counts them (lvm(8): input units are powers of 1024).

    :raises ValueError: it is no such size.
    """
    found = re.fullmatch(r"(\d+)([kmgt])", size.strip().lower())
    if not found:
        raise ValueError(f"{size!r} is no size, such as 100M or 20G")
    return int(found[1]) * _UNITS[found[2]]


@dataclass(frozen=True)
class Resource:
    """A replicated volume as it is defined.

    :param minor: device id; the port is 7000 + it.
    :param addresses: host -> address inside the site, of all hives of the stage in order. Hosts go by the name that `uname -n` says.
    :param diskful: hosts that keep a copy.
    :param group: LVM's volume group; `pool` its thin pool, "" for none.
    :param may_begin: whether it may be made anew where no host holds it (not with `no_format`).
    """

    name: str
    size: int
    fstype: str
    minor: int
    addresses: Mapping[str, str]
    diskful: tuple[str, ...]
    group: str = "drbdvg"
    pool: str = "drbdpool"
    may_begin: bool = True

    @property
    def device(self) -> str:
        """What is mounted."""
        return f"/dev/drbd{self.minor}"

    @property
    def disk(self) -> str:
        """The logical volume of a copy."""
        return f"/dev/{self.group}/{self.name}"

    @property
    def port(self) -> int:
        """Where each host listens for the others (firewall: DRBD-7)."""
        return 7000 + self.minor

    @property
    def unit(self) -> str:
        """What brings it up at boot (DRBD-9)."""
        return f"drbd-resource@{self.name}.service"

    @property
    def file(self) -> str:
        """Its resource file."""
        return f"/etc/drbd.d/{self.name}.res"


@dataclass(frozen=True)
class Peer:
    """Another host as one host sees it.

    :param connection: `Connected`, `Connecting`, `StandAlone` …
    :param disk: `UpToDate`, `Inconsistent`, `DUnknown`, `Diskless` …
    :param replication: `Established`, `SyncTarget` …
    :param in_sync: percent.
    """

    connection: str
    disk: str
    replication: str = "Established"
    in_sync: float = 100.0


@dataclass(frozen=True)
class Observation:
    """What is seen of a volume on one hive.

    :param problems: why something is not known, or cannot be; nothing is done while there are any.
    :param missing: why DRBD cannot be used on the host at all, "" if it can.
    :param formatter: the host has the program that makes the file system.
    :param group_free: bytes that are free in the volume group, or in its thin pool; None when it is not there.
    :param extent: bytes that LVM rounds sizes up to.
    :param disk_size: of the logical volume; None when there is none.
    :param disk_new: it has our tag of one that never held data.
    :param metadata: DRBD's, on the logical volume; `no` only if that is certain.
    :param signature: the file system or whatever else is on it; "" if certainly nothing, None if that is not known.
    :param node_id: the host's number in the metadata or in the kernel; None when it has none.
    :param generation: of the data; None when it is not known.
    :param up: the kernel has the resource.
    :param state: of the host's own copy: `UpToDate`, `Inconsistent`, `Diskless` …; "" when the resource is down.
    :param client: it is meant to be diskless.
    :param peers: by host.
    :param minor_taken_by: the resource that has the device id, "" if none but this one.
    :param mounted: where.
    :param answers: the host can be reached.
    :param device_size: bytes of the replicated device; None when the resource is down.
    """

    host: str
    problems: tuple[str, ...] = ()
    missing: str = ""
    formatter: bool = True
    group_free: int | None = None
    extent: int = 4 << 20
    disk_size: int | None = None
    disk_new: bool = False
    metadata: Known = "no"
    signature: str | None = ""
    node_id: int | None = None
    generation: int | None = None
    up: bool = False
    role: str = ""
    state: str = ""
    client: bool = False
    quorum: bool = True
    peers: Mapping[str, Peer] = field(default_factory=dict)
    minor_taken_by: str = ""
    mounted: tuple[str, ...] = ()
    answers: bool = True
    device_size: int | None = None

    @property
    def attached(self) -> bool:
        """DRBD has the copy in use, so that its metadata are there."""
        return self.up and not self.client and self.state not in ("", "Diskless", "Detaching", "Failed", "DUnknown")

    def shown(self) -> str:
        """In one line: `p-hive0: Outdated, generation 3F5C12, 104 MiB`."""
        if self.problems:
            return f"{self.host}: {'; '.join(self.problems)}"
        words = [self.state or ("down" if self.metadata == "yes" else "no copy")]
        words += [f"generation {self.generation:016X}"] if self.generation is not None else []
        words += [f"{self.disk_size >> 20} MiB"] if self.disk_size is not None else []
        words += [f"mounted at {', '.join(self.mounted)}"] if self.mounted else []
        return f"{self.host}: {', '.join(words)}"
