"""Role drbd: replicated disks for the services' volumes (spec setup-hosts.md 4.14)."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator

from hive_nornir.operations import files, firewall, packages, system
from hive_nornir.operations.core import Operation
from hive_nornir.tasks.preconditions import needed
from hive_nornir.tasks.role import Target, Variables, role
from hive_nornir.tasks.servers.base.limits import is_container, skipped
from hive_nornir.tasks.servers.drbd.module import module
from hive_nornir.tasks.servers.drbd.pool import VolumeGroup, volume_group
from hive_nornir.tasks.servers.drbd.resource_unit import resource_unit
from hive_nornir.tasks.servers.drbd.selinux import policy
from hive_nornir.tasks.servers.drbd.source import DrbdKind

__all__ = ["DrbdVariables", "MirroredDisk", "drbd"]

CANDIDATES = (
    "/dev/disk/azure/scsi1/lun0", "/dev/sdc", "/dev/sdb", "/dev/vdc", "/dev/vdb", "/dev/xvdb", "/dev/nvme1n1", "/dev/sda",
)  # fmt: skip
BUFFERS = "131072 1048576 16777216"
_GLOBAL = "# Written by hive-nornir: role drbd.\nglobal {\n    usage-count no;\n    minor-count 128;\n}\ncommon {\n}\n"


class MirroredDisk(BaseModel):
    """Where a volume group's disk is looked for.

    :ivar device_order: paths; the first that is an empty disk is taken.
    :ivar poolname: thin pool in it; "" for none.
    :ivar partitioned: whether the room behind the partitions of a partitioned disk may be taken, as kickstart leaves it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    device_order: tuple[str, ...] = CANDIDATES
    vgname: str = "drbdvg"
    poolname: str = ""
    partitioned: bool = False

    @field_validator("device_order")
    @classmethod
    def _paths(cls, order: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [device for device in order if not device.startswith("/dev/")]:
            raise ValueError(f"{wrong[0]!r} is no path of a device, /dev/vdb is one")
        return order


class DrbdVariables(Variables):
    """What drbd reads."""

    hive_mirrored_disk_size: float | None = Field(None, description="Size of the disk for replicated volumes in GB; none without it.")
    hive_provider: str = Field("", description="The infrastructure; servers of prepared and kickstart bring such a disk themselves.")
    hive_mirrored_disk_devices: tuple[MirroredDisk, ...] = Field(
        (MirroredDisk(poolname="drbdpool"),),
        description="Volume groups: each with device_order, vgname, poolname and partitioned (take the room behind partitions).",
    )
    hive_no_mirrored_device: bool = Field(
        False,
        validation_alias=AliasChoices("hive_no_mirrored_device", "hive_no_mirrored_devices"),
        description="The server keeps no copies itself; it reaches the others'.",
    )
    hive_partition_label: Literal["msdos", "gpt"] = Field("msdos", description="Partition table of a new disk.")
    hive_kernel_version: str = Field("", description="Kernel release that the server is to run; the running one if unset.")
    hive_drbd_source: DrbdKind = Field(
        "auto", description="Where the module comes from: archive, elrepo, linbit, dkms, none, or by distribution and kernel."
    )
    hive_drbd_download_url: str = Field("", description="Archive with the module's and the utilities' packages, or the module's sources.")
    hive_drbd_download_sha256: str = Field("", pattern="^([0-9a-f]{64})?$", description="Its SHA-256; nothing is installed without it.")
    hive_private_ip: str = Field(description="The server's address inside the site, by which copies are kept in step.")
    hive_internal_net_addr: str | None = Field(None, description="Address of the servers' own network, where they have one.")
    hive_internal_net_cidr: int | None = Field(None, description="The length of its prefix.")


def _wanted(v: DrbdVariables) -> bool:
    return v.hive_drbd_source != "none" and (v.hive_mirrored_disk_size is not None or v.hive_provider in ("kickstart", "prepared"))


@role(when=_wanted, condition="hive_mirrored_disk_size is defined, or the provider is kickstart or prepared")
def drbd(host: Target, v: DrbdVariables) -> list[Operation]:
    """Make the container hosts ready to mirror volumes: DRBD 9, and a volume group on the disk that was attached for it.

    The module is that of the kernel which runs after the barrier. A volume group that is there is left as it is; for a new one the first
    empty disk is partitioned, never one that holds anything, nor the system's. Which disk, its serial number and sizes are shown by a
    plan. A replicated volume that does not come up does not keep Docker from starting.
    """
    if "hives" not in host.groups:
        return [skipped("DRBD", "only container hosts keep replicated volumes")]
    sources = [f"{v.hive_internal_net_addr}/{v.hive_internal_net_cidr}"] if v.hive_internal_net_addr and v.hive_internal_net_cidr else [
        str(host.site.scope(name)["hive_private_ip"]) for name in host.site.servers
    ]  # fmt: skip
    return [
        needed(host, "chain HIVE-SERVICE in its packet filter", "iptables-save -t filter | grep -q ^:HIVE-SERVICE", "iptables"),
        *module(host, v.hive_drbd_source, v.hive_kernel_version, v.hive_drbd_download_url, v.hive_drbd_download_sha256),  # DRBD-1
        files.with_folder(files.content("/etc/drbd.d/global_common.conf", _GLOBAL), "/etc/drbd.d"),  # DRBD-2
        packages.present(host.os.manager, host.os.packages.lvm),  # DRBD-3
        *_volume_groups(host, v),
        system.sysctl(host.os.sysctl_file, {"net.ipv4.tcp_rmem": BUFFERS, "net.ipv4.tcp_wmem": BUFFERS}),  # DRBD-6
        *firewall.named_set(host.os, "drbd", "tcp", ["7000:7999"], sources),  # DRBD-7
        *policy(host),  # DRBD-8
        *resource_unit(),  # DRBD-9, DRBD-10
    ]


def _volume_groups(host: Target, v: DrbdVariables) -> list[Operation]:
    """DRBD-4, DRBD-5."""
    if v.hive_no_mirrored_device:
        return []
    if is_container(host.facts):
        return [skipped("volume groups", "a container has no disks of its own")]
    operations = [
        volume_group(VolumeGroup(disk.vgname, disk.poolname, disk.device_order, v.hive_partition_label, disk.partitioned))
        for disk in v.hive_mirrored_disk_devices
    ]
    # The next one is to see that the disk is no longer empty.
    return [replace(operation, disturbs="its disk is taken") for operation in operations[:-1]] + operations[-1:]
