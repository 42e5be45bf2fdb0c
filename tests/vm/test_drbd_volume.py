"""Replicated volumes on three virtual machines with a real DRBD 9: made, written, failed over, grown, and left alone when in doubt.

DRBD 9 is in no package source that this machine reaches, so its modules must be given: HIVE_TEST_DRBD_MODULES names a folder with drbd.ko,
drbd_transport_tcp.ko and what they need, for the kernel of `image`. Without it, these tests are skipped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hive_nornir.errors import HiveError
from hive_nornir.operations.core import Change, Operation
from hive_nornir.tasks.volumes.drbd import steps
from hive_nornir.tasks.volumes.drbd.grow import grow_volume
from hive_nornir.tasks.volumes.drbd.model import NEW_TAG
from tests.hosts.pair import until
from tests.hosts.sites import changes
from tests.vm.drbd_rig import MODULES, Rig, destroyed, replicated, rig

DEVICE = "/dev/drbd1"
DISK = "/dev/drbdvg/data"
TRACES = "lvs --noheadings -o vg_name,lv_name; ls /etc/drbd.d; drbdsetup status; systemctl list-units --all --no-legend 'drbd-resource@*'"
PLAIN = "{size: 64M, fstype: ext4, vgname: plain}"


@pytest.fixture(scope="module")
def hives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    modules = os.environ.get(MODULES)
    if not modules:
        pytest.skip(f"{MODULES} names no folder with DRBD 9's modules")
    with rig(tmp_path_factory.mktemp("drbd"), Path(modules)) as found:
        yield found


@pytest.fixture
def volume(hives: Rig) -> Rig:
    """The hives, with the volume and a file on it."""
    hives.made(replicated, hives.site())
    write(hives, 1)
    return hives


def write(hives: Rig, number: int) -> None:
    hives.say(number, f"mkdir -p /v; mount {DEVICE} /v; echo kept >/v/word; umount /v")


def read(hives: Rig, number: int) -> str:
    return hives.say(number, f"mkdir -p /v; mount {DEVICE} /v; cat /v/word; umount /v").strip()


def in_step(hives: Rig) -> bool:
    return all(shell.count("UpToDate") == 3 for shell in hives.everywhere("drbdadm status data | tr ' ' '\\n' | grep UpToDate || :"))


def test_a_plan_makes_nothing_and_a_run_makes_one_file_system_for_all(hives: Rig) -> None:
    before = hives.everywhere(TRACES)
    planned = changes(hives.made(replicated, hives.site(), check=True))
    assert any("file system of data: would-change make ext4" in change for change in planned)
    assert hives.everywhere(TRACES) == before
    assert not (hives.root / ".hive" / "private" / "drbd_secret").exists()

    done = changes(hives.made(replicated, hives.site()))
    assert sum("file system of data" in change for change in done) == 1
    assert changes(hives.made(replicated, hives.site())) == []
    assert changes(hives.made(replicated, hives.site(), check=True)) == []
    assert in_step(hives)
    write(hives, 1)
    assert [read(hives, number) for number in range(3)] == ["kept"] * 3
    assert set(hives.everywhere("stat -c '%a %U' /etc/drbd.d/data.res")) == {"600 root\n"}
    assert {said.strip() for said in hives.everywhere(f"lvs --noheadings -o lv_tags {DISK}")} == {""}
    behind = "drbdsetup status data --verbose --statistics | tr ' ' '\\n' | grep out-of-sync | sort -u"
    assert hives.say(0, behind) == "out-of-sync:0\n"


def test_the_first_hive_made_anew_takes_the_data_of_the_others(volume: Rig) -> None:
    """Where hive-builder formats (pitfall 1)."""
    volume.say(0, f"systemctl disable -q --now drbd-resource@data; lvremove -q -y {DISK}; rm /etc/drbd.d/data.res")
    planned = changes(volume.made(replicated, volume.site(), check=True))
    assert not any("file system" in change or "first generation" in change for change in planned)
    done = changes(volume.made(replicated, volume.site()))
    assert any("DRBD's metadata of data on p-hive0: changed create" in change for change in done)
    assert not any("file system" in change or "first generation" in change for change in done)
    until(lambda: in_step(volume), 120)
    assert read(volume, 0) == "kept"
    assert volume.say(0, f"lvs --noheadings -o lv_tags {DISK}").strip() == ""
    assert changes(volume.made(replicated, volume.site())) == []


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("metadata are gone", f"dd if=/dev/zero of={DISK} bs=1M seek=63 count=1 oflag=direct status=none", "with ext4 on it"),
        (
            "metadata and the file system's head are gone",
            f"for at in 0 63; do dd if=/dev/zero of={DISK} bs=1M seek=$at count=1 oflag=direct status=none; done",
            "which hive-nornir did not make",
        ),
        ("another copy", "lvrename -q drbdvg data away; lvcreate -q -y -V 64m --thinpool drbdpool -n data drbdvg", "did not make"),
    ],
    ids=["metadata are gone", "all signs are gone", "another copy"],
)
def test_a_copy_that_is_in_doubt_is_left_alone(volume: Rig, name: str, damage: str, said: str) -> None:
    keep = "systemctl stop drbd-resource@data; lvcreate -q -y -s -kn -n kept drbdvg/data >/dev/null"
    volume.say(0, f"{keep}; {damage}")
    try:
        look = f"sha256sum {DISK}; lvs --noheadings -o lv_name,lv_tags drbdvg"
        before = volume.say(0, look)
        for check in (True, False):
            assert said in volume.why(replicated, volume.site(), check=check), name
        assert volume.say(0, look) == before
        assert read(volume, 2) == "kept"
    finally:
        volume.say(0, f"lvremove -q -y {DISK}; lvs drbdvg/away >/dev/null 2>&1 && lvremove -q -y drbdvg/away; lvrename -q drbdvg kept data")
        volume.say(0, "systemctl start drbd-resource@data")
    volume.made(replicated, volume.site())
    until(lambda: in_step(volume), 120)


def test_without_a_copy_that_is_up_to_date_nothing_is_done(volume: Rig) -> None:
    volume.everywhere("drbdadm down data; drbdmeta 1 v09 /dev/drbdvg/data internal outdate")
    volume.everywhere("drbdadm adjust data")
    until(lambda: all("Outdated" in said for said in volume.everywhere("sleep 1; drbdadm status data")), 90)
    before = volume.everywhere("cat /sys/kernel/debug/drbd/resources/data/volumes/0/data_gen_id")
    for check in (True, False):
        said = volume.why(replicated, volume.site(), check=check)
        assert "has no copy that is up to date: p-hive0: Outdated, generation" in said
    assert volume.everywhere("cat /sys/kernel/debug/drbd/resources/data/volumes/0/data_gen_id") == before
    # the operator's way out (operations.md 4)
    volume.say(1, "drbdadm primary --force data")
    for number in (0, 2):
        volume.say(number, "drbdadm disconnect data; drbdadm connect data")
    until(lambda: in_step(volume), 120)
    volume.say(1, "drbdadm secondary data")
    until(lambda: in_step(volume), 120)
    assert read(volume, 0) == "kept"


def test_a_wrong_definition_changes_nothing(volume: Rig) -> None:
    before = volume.everywhere(TRACES)
    assert "is xfs by definition; found: p-hive0: ext4" in volume.why(replicated, volume.site("{size: 64M, fstype: xfs}"))
    assert "larger on p-hive0: 64 MiB" in volume.why(replicated, volume.site("{size: 32M, fstype: ext4}"))
    assert "larger on p-hive0: 64 MiB" in volume.why(grow_volume, volume.site("{size: 32M, fstype: ext4}"))
    said = volume.why(replicated, volume.site("{size: 64M, fstype: ext4, diskless: [p-hive2]}"))
    assert "p-hive2 has /dev/drbdvg/data, and is to keep no copy" in said
    assert volume.everywhere(TRACES) == before
    assert read(volume, 2) == "kept"


def test_a_volume_grows_while_it_is_mounted(volume: Rig) -> None:
    larger = "{size: 96M, fstype: ext4}"
    report = volume.made(replicated, volume.site(larger))
    assert changes(report) == []
    assert any("smaller on p-hive0: 64 MiB" in note and "volume grow data" in note for note in report.notes)
    volume.say(2, f"mkdir -p /v; mount {DEVICE} /v; df -BM --output=size /v >/run/before")
    assert "free:" in volume.why(grow_volume, volume.site("{size: 4G, fstype: ext4}"))
    done = changes(volume.made(grow_volume, volume.site(larger)))
    assert sum("64 MiB -> 96 MiB" in change for change in done) == 3
    assert int(volume.say(2, "df -BM --output=size /v | tail -1").strip(" M\n")) > 75
    assert volume.say(2, "cat /v/word; umount /v") == "kept\n"
    assert changes(volume.made(grow_volume, volume.site(larger))) == []
    assert volume.made(replicated, volume.site(larger)).notes == []
    volume.made(destroyed, volume.site(larger))


LOGICAL_VOLUME = f"lvcreate -q -y -V 64m --thinpool drbdpool --addtag {NEW_TAG} -n data drbdvg"


@pytest.mark.parametrize("far", ["a logical volume on one", "all but a file system"])
def test_an_interrupted_beginning_is_gone_on_with(hives: Rig, far: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hives.made(destroyed, hives.site())
    if far == "all but a file system":
        with monkeypatch.context() as patch:
            patch.setattr(steps, "file_system", lambda *_: Operation("power", ":", lambda _seen: Change("fails", "exit 1")))
            hives.why(replicated, hives.site())
        assert in_step(hives)
    else:
        hives.say(0, LOGICAL_VOLUME)
    hives.made(replicated, hives.site())
    assert in_step(hives)
    write(hives, 0)
    assert read(hives, 1) == "kept"


def test_a_new_copy_on_old_ground_takes_nothing_of_what_was_there(hives: Rig) -> None:
    """A plain logical volume may lie where another lay, whose metadata and file system are still on the disk."""
    hives.made(destroyed, hives.site())
    hives.made(replicated, hives.site(PLAIN))
    write(hives, 0)
    generation = hives.say(0, "head -n 1 /sys/kernel/debug/drbd/resources/data/volumes/0/data_gen_id")
    hives.made(destroyed, hives.site(PLAIN))
    hives.made(replicated, hives.site(PLAIN))
    assert hives.say(0, "head -n 1 /sys/kernel/debug/drbd/resources/data/volumes/0/data_gen_id") != generation
    assert in_step(hives)
    assert hives.say(1, f"mkdir -p /v; mount {DEVICE} /v; ls /v; umount /v") == "lost+found\n"
    hives.made(destroyed, hives.site(PLAIN))


def test_a_diskless_hive_reaches_the_others_copies(hives: Rig) -> None:
    hives.made(destroyed, hives.site())
    definition = "{size: 64M, fstype: xfs, diskless: [p-hive0]}".replace("xfs", "ext4")
    hives.made(replicated, hives.site(definition))
    write(hives, 0)
    assert read(hives, 2) == "kept"
    assert "data" not in hives.say(0, "lvs --noheadings -o lv_name drbdvg")
    assert changes(hives.made(replicated, hives.site(definition))) == []
    hives.made(destroyed, hives.site(definition))


def test_no_format_makes_no_new_volume(hives: Rig) -> None:
    hives.made(destroyed, hives.site())
    before = hives.everywhere(TRACES)
    site = hives.site()
    site.context.persistents.set("no_format", "true")
    try:
        assert "no_format forbids to make it" in hives.why(replicated, hives.site())
    finally:
        site.context.persistents.unset("no_format")
    assert "is made on all at once: p-hive1, p-hive2 would be left out" in hives.why(replicated, hives.site(), servers=[0])
    assert hives.everywhere(TRACES) == before


def test_destroy_is_refused_while_mounted_and_leaves_nothing(volume: Rig) -> None:
    volume.say(1, f"mount {DEVICE} /v")
    assert "is in use: p-hive1: UpToDate" in volume.why(destroyed, volume.site())
    assert volume.say(1, "cat /v/word; umount /v") == "kept\n"
    planned = changes(volume.made(destroyed, volume.site(), check=True))
    assert sum("remove, with all data" in change for change in planned) == 3
    volume.made(destroyed, volume.site())
    assert changes(volume.made(destroyed, volume.site())) == []
    for said in volume.everywhere(TRACES):
        assert "data" not in said
    assert set(volume.everywhere("systemctl --failed --no-legend | grep drbd || :")) == {""}
    assert "drbd_node_map" not in (volume.root / ".hive" / "persistents.yml").read_text()


def test_what_is_written_outlives_the_death_of_the_host_that_wrote_it(volume: Rig) -> None:
    volume.say(1, f"mkdir -p /v; mount {DEVICE} /v; echo last >/v/late; sync")
    before = volume.say(1, "cat /proc/sys/kernel/random/boot_id")
    volume.machines[1].cut_power()
    until(lambda: "Connecting" in volume.say(2, "drbdadm status data"), 90)
    assert volume.say(2, f"mkdir -p /v; mount {DEVICE} /v; cat /v/late; umount /v") == "last\n"

    def restarted() -> bool:
        with suppress(HiveError):
            volume.shell(1).reopen(5)
            return volume.say(1, "cat /proc/sys/kernel/random/boot_id") != before
        return False

    until(restarted, 300)
    volume.say(1, "systemctl is-enabled drbd-resource@data")
    volume.made(replicated, volume.site())  # in place of Docker's start, which wants the unit
    until(lambda: in_step(volume), 120)
    assert read(volume, 1) == "kept"
