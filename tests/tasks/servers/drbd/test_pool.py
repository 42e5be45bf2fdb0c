"""Which disk is taken, how it is cut, and what is never touched."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Change, Observed
from hive_nornir.tasks.servers.drbd.pool import VolumeGroup, pool_size, volume_group

SECTORS = 41943040  # 20 GiB


def disk(path: str, *rows: str, ends: str = "", kind: str = "disk", filesystem: str = "", device: str = "") -> str:
    name = (device or path).removeprefix("/dev/")
    head = f'NAME="{name}" PKNAME="" TYPE="{kind}" SIZE="{SECTORS * 512}" FSTYPE="{filesystem}" MOUNTPOINT="" MODEL="QEMU" SERIAL="S-1"'
    return "\n".join([f"@@disk {path} {device or path} {SECTORS}", head, *rows, *([ends] if ends else [])]) + "\n"


def part(name: str, mountpoint: str = "", filesystem: str = "ext4") -> str:
    return f'NAME="{name}" PKNAME="vda" TYPE="part" SIZE="1" FSTYPE="{filesystem}" MOUNTPOINT="{mountpoint}" MODEL="" SERIAL=""'


def decide(*disks: str, known: str = "", behind: bool = False, label: str = "msdos") -> Change | None:
    wanted = VolumeGroup("drbdvg", "drbdpool", ("/dev/vdb", "/dev/vda"), label, behind)
    return volume_group(wanted).decide(Observed(f"{known}@@disks\n{''.join(disks)}"))


SYSTEM = disk("/dev/vda", part("vda1", "/"), ends="@part 2048 20969472")
EMPTY = disk("/dev/vdb")


def test_a_volume_group_that_is_there_is_left_alone():
    assert decide(disk("/dev/vdb", filesystem="LVM2_member"), known="  drbdvg\n  thin-pool\n") is None


def test_the_first_empty_disk_is_taken_and_shown_with_its_size_and_serial():
    change = decide(EMPTY, SYSTEM)
    assert change is not None
    assert "/dev/vdb (21.5 GB QEMU S-1)" in change.summary
    assert "/dev/vda" not in change.apply
    assert "/dev/vdb mklabel msdos unit B mkpart primary 1048576 21473787903" in change.apply
    assert "--type thin-pool -L 20464m -c 1024k -Z n -n drbdpool drbdvg" in change.apply
    assert not re.search(r"(pvcreate|vgcreate|lvcreate)[^\n]* -f", change.apply)


def test_the_room_behind_partitions_only_when_the_site_says_so():
    with pytest.raises(OperationFailed, match="no empty disk for the volume group drbdvg: /dev/vda has partitions"):
        decide(SYSTEM)
    change = decide(SYSTEM, behind=True)
    assert change is not None
    assert "unit B mkpart primary 10737418240 21473787903" in change.apply
    assert "mklabel" not in change.apply


@pytest.mark.parametrize(
    ("taken", "why"),
    [
        (disk("/dev/vdb", filesystem="xfs"), "holds xfs"),
        (disk("/dev/vdb", filesystem="LVM2_member"), "holds LVM2_member"),
        (disk("/dev/vdb", part("md0", "/srv")), "is used by md0"),
        (disk("/dev/vdb", kind="rom"), "is a rom"),
        (disk("/dev/vdb", ends="@left xfs"), "holds xfs in a partition that its table has lost"),
        ("", "none of them is there"),
    ],
)
def test_what_holds_anything_is_never_touched(taken, why):
    for behind in (False, True):
        with pytest.raises(OperationFailed, match=why):
            decide(taken, behind=behind)


def test_a_volume_group_without_its_pool_is_an_error_and_left_alone():
    with pytest.raises(OperationFailed, match="drbdvg is there and has no thin pool drbdpool"):
        decide(EMPTY, known="  drbdvg\n")


def test_one_disk_under_two_names_is_one_disk():
    with pytest.raises(OperationFailed, match=r"drbdvg: /dev/vdb holds xfs;"):
        decide(disk("/dev/vdb", filesystem="xfs"), disk("/dev/vda", device="/dev/vdb"), ends := disk("/dev/vdc", kind="loop"))
    assert ends


@given(st.integers(min_value=64, max_value=1 << 26))
def test_the_pool_leaves_room_for_its_metadata(partition: int):
    size = pool_size(partition)
    assert size % 16 == 0
    assert 0 < size <= partition - 8
    assert partition - size <= 8 + 16 + partition // 8193 + 1
