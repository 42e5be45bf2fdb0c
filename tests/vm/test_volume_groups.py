"""Volume groups on real disks: which disk is taken, how it is cut, and what is never touched (DRBD-3 to DRBD-5)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hive_nornir.connections.shell import SshTransport
from hive_nornir.operations.core import Outcome
from hive_nornir.operations.engine import Engine
from hive_nornir.tasks.servers.drbd.pool import VolumeGroup, pool_size, volume_group
from tests.vm.conftest import Server

DEFAULT = ("/dev/sdc", "/dev/sdb", "/dev/vdc", "/dev/vdb", "/dev/sda")
LVM = {"dos": "8e", "gpt": "E6D6D379-F507-44C2-A23C-238F2A3DF928"}


def say(shell: SshTransport, script: str) -> str:
    done = shell.run(f"set -e\n{script}", deadline=60)
    assert done.exit_code == 0, (script, done.stderr.decode())
    return done.stdout.decode()


def wanted(candidates: Sequence[str] = DEFAULT, *, pool: str = "drbdpool", label: str = "msdos", behind: bool = False) -> VolumeGroup:
    return VolumeGroup("drbdvg", pool, candidates, label, behind)


def outcome(shell: SshTransport, group: VolumeGroup, *, check: bool = False) -> Outcome:
    [found] = Engine(shell, "p-hive0", check=check).run([volume_group(group)])
    return found


def made(shell: SshTransport, group: VolumeGroup) -> Outcome:
    """The volume group is made, and then there is nothing left to do."""
    found = outcome(shell, group)
    assert found.status == "changed", (found.error, found.stderr)
    assert outcome(shell, group).status == "unchanged"
    return found


def partitions(shell: SshTransport, disk: str) -> dict[str, tuple[int, int, str]]:
    """Node -> first sector, number of sectors, type; the label's own word under ""."""
    said = say(shell, f"sfdisk -d {disk}")
    rows = re.findall(r"^(/dev/\S+) : start= *(\d+), size= *(\d+), type=([\w-]+)", said, re.MULTILINE)
    label = re.findall(r"^label: (\w+)", said, re.MULTILINE)[0]
    return {"": (0, 0, label), **{node: (int(start), int(size), kind) for node, start, size, kind in rows}}


def thin_pool(shell: SshTransport, name: str = "drbdvg/drbdpool") -> tuple[str, str, str, str]:
    """Type, chunk size and size in MiB, and whether new blocks are zeroed."""
    said = say(shell, f"lvs --noheadings --units m --nosuffix --separator , -o segtype,chunk_size,lv_size,zero {name}")
    kind, chunk, size, zero = said.strip().split(",")
    return kind, chunk, size, zero


def test_the_first_empty_disk_is_planned_cut_and_left_alone_afterwards(disks: Server, shell: SshTransport) -> None:
    before = disks.disk("HIVE-EMPTY").last_written
    plan = outcome(shell, wanted(), check=True)
    assert plan.status == "would-change"
    assert plan.summary == "make it on /dev/vdb (2.1 GB HIVE-EMPTY)"
    assert plan.diff.splitlines() == [
        "+ partition 1 MiB to 2047 MiB of /dev/vdb (2.1 GB HIVE-EMPTY)",
        "+ volume group drbdvg",
        "+ thin pool drbdpool of 2032 MiB",
    ]
    assert disks.disk("HIVE-EMPTY").last_written == before, "a plan wrote on the disk"

    made(shell, wanted())
    assert disks.disk("HIVE-EMPTY").last_written > before
    assert partitions(shell, "/dev/vdb") == {"": (0, 0, "dos"), "/dev/vdb1": (2048, 2046 * 2048, "8e")}
    assert say(shell, "pvs --noheadings -o pv_name,vg_name").split() == ["/dev/vdb1", "drbdvg"]
    assert thin_pool(shell) == ("thin-pool", "1.00", f"{pool_size(2046)}.00", "")
    # There is room for the spare of the pool's metadata, and a volume can be made that is larger than what is written on it.
    assert say(shell, "lvs -a --noheadings -o lv_name drbdvg").split() == [
        "drbdpool",
        "[drbdpool_tdata]",
        "[drbdpool_tmeta]",
        "[lvol0_pmspare]",
    ]
    say(shell, "lvcreate -q -V 10g --thinpool drbdvg/drbdpool -n volume 2>&1; mkfs.ext4 -q /dev/drbdvg/volume")

    settled = disks.disk("HIVE-EMPTY").last_written
    assert outcome(shell, wanted(("/dev/vdd",))).status == "unchanged", "a volume group that is there is looked for on no disk"
    assert disks.disk("HIVE-EMPTY").last_written == settled

    say(shell, "lvremove -q -y drbdvg/drbdpool")
    without = outcome(shell, wanted())
    assert "drbdvg is there and has no thin pool drbdpool" in str(without.error)
    assert outcome(shell, wanted(pool="")).status == "unchanged"


def test_without_an_empty_disk_the_error_says_what_each_holds(disks: Server, shell: SshTransport) -> None:
    for behind in (False, True):
        found = outcome(shell, wanted(("/dev/vdc", "/dev/disk/by-id/virtio-HIVE-DATA", "/dev/vda", "/dev/nvme1n1"), behind=behind))
        assert found.status == "failed"
        assert "no empty disk for the volume group drbdvg: /dev/vdc holds ext4; /dev/vda holds ext4" in str(found.error)
    assert say(shell, "vgs --noheadings") == ""


def test_a_gpt_label_on_a_disk_with_large_sectors_by_a_link(disks: Server, shell: SshTransport) -> None:
    assert made(shell, wanted(("/dev/disk/by-id/virtio-HIVE-LARGE",), label="gpt")).summary.endswith("HIVE-LARGE)")
    first, sectors = 256, (299 - 1) * 256
    assert partitions(shell, "/dev/vdd") == {"": (0, 0, "gpt"), "/dev/vdd1": (first, sectors, LVM["gpt"])}
    assert thin_pool(shell)[2] == f"{pool_size(298)}.00"


IN_USE = """
parted -s /dev/vdb mklabel {label} mkpart primary 1MiB 9MiB mkpart primary 16MiB 80MiB mkpart primary 96MiB 300500KiB rm 1
udevadm settle; mkswap -q /dev/vdb2; swapon /dev/vdb2; mkfs.ext4 -q /dev/vdb3; mount /dev/vdb3 /mnt; echo kept >/mnt/kept; sync
"""


def test_the_room_behind_partitions_of_a_disk_in_use_only_if_the_site_says_so(disks: Server, shell: SshTransport) -> None:
    """As a kickstart leaves it: swap and a file system on the only disk, and a number that is free."""
    say(shell, IN_USE.format(label="msdos"))
    before = partitions(shell, "/dev/vdb")
    refused = outcome(shell, wanted(("/dev/vdb",)))
    assert "/dev/vdb has partitions" in str(refused.error)
    assert partitions(shell, "/dev/vdb") == before

    made(shell, wanted(("/dev/vdb",), behind=True))
    # 300500 KiB end in the 294th MiB.
    assert partitions(shell, "/dev/vdb") == {**before, "/dev/vdb1": (294 * 2048, (2047 - 294) * 2048, "8e")}
    assert say(shell, "pvs --noheadings -o pv_name").split() == ["/dev/vdb1"]
    assert say(shell, "swapon --show=NAME --noheadings; findmnt -no SOURCE /mnt; cat /mnt/kept").split() == [
        "/dev/vdb2",
        "/dev/vdb3",
        "kept",
    ]


def test_what_a_lost_partition_table_leaves_behind_is_not_overwritten(disks: Server, shell: SshTransport) -> None:
    say(shell, "parted -s /dev/vdb mklabel msdos mkpart primary 1MiB 100MiB; udevadm settle; mkfs.ext4 -q /dev/vdb1; wipefs -qaf /dev/vdb")
    say(shell, "blockdev --rereadpt /dev/vdb; udevadm settle")
    written = disks.disk("HIVE-EMPTY").last_written
    found = outcome(shell, wanted())
    assert "/dev/vdb holds ext4 in a partition that its table has lost" in str(found.error)
    assert disks.disk("HIVE-EMPTY").last_written == written


def test_what_was_begun_is_taken_back_when_it_cannot_be_ended(disks: Server, shell: SshTransport) -> None:
    """Behind the partitions lies something that no table tells of; and a pool that LVM refuses."""
    say(shell, "parted -s /dev/vdb mklabel gpt mkpart primary 1MiB 10MiB mkpart primary 10MiB 100MiB; udevadm settle")
    say(shell, "mkfs.ext4 -q /dev/vdb2; parted -s /dev/vdb rm 2; udevadm settle")
    before = partitions(shell, "/dev/vdb")
    found = outcome(shell, wanted(behind=True))
    assert found.status == "failed"
    assert "ext4 signature detected" in found.stderr
    assert partitions(shell, "/dev/vdb") == before

    found = outcome(shell, wanted(("/dev/vdd",), pool="no!name"))
    assert found.status == "failed"
    assert say(shell, "vgs --noheadings; pvs --noheadings") == ""
    assert list(partitions(shell, "/dev/vdd")) == [""]
    assert made(shell, wanted(("/dev/vdd",))).status == "changed"
