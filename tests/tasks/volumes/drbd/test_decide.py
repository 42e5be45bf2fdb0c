"""What may be done about a replicated volume: every state that hives may be in, and that none of them loses data."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hive_nornir.errors import OperationFailed
from hive_nornir.tasks.volumes.drbd.decide import Next, Plan, decide, next_step
from hive_nornir.tasks.volumes.drbd.grow import room_for, unused
from hive_nornir.tasks.volumes.drbd.model import JUST_CREATED, Observation, Peer
from hive_nornir.tasks.volumes.drbd.observe import UNNAMED
from tests.tasks.volumes.drbd.volumes import (
    BLANK,
    CREATED,
    DATA,
    DOWN,
    FORMATTED,
    FRESH,
    GOOD,
    HOSTS,
    MIB,
    NEVER,
    SEEDED,
    seen,
)

OTHERS = HOSTS[1:]


@pytest.mark.parametrize(
    ("hives", "plan"),
    [
        ((NEVER, NEVER, NEVER), Plan(begin=True, new_disks=HOSTS, new_metadata=HOSTS)),
        # interrupted at any point, the beginning is gone on with
        ((BLANK, NEVER, NEVER), Plan(begin=True, new_disks=OTHERS, new_metadata=HOSTS)),
        ((CREATED, BLANK, NEVER), Plan(begin=True, new_disks=HOSTS[2:], new_metadata=OTHERS)),
        ((FRESH, FRESH, CREATED), Plan(begin=True)),
        ((SEEDED, SEEDED, SEEDED), Plan(begin=True)),
        ((FORMATTED, FORMATTED, FORMATTED), Plan(settled=HOSTS)),
        ((GOOD, FORMATTED, GOOD), Plan(settled=("p-hive1",))),
        # nothing to do
        ((GOOD, GOOD, GOOD), Plan()),
        ((DOWN, DOWN, DOWN), Plan()),
        # whichever hive is blank joins, the first one too
        ((NEVER, GOOD, GOOD), Plan(new_disks=("p-hive0",), new_metadata=("p-hive0",))),
        ((replace(NEVER, formatter=False), GOOD, GOOD), Plan(new_disks=("p-hive0",), new_metadata=("p-hive0",))),
        ((BLANK, GOOD, GOOD), Plan(new_metadata=("p-hive0",))),
        ((NEVER, DOWN, NEVER), Plan(new_disks=("p-hive0", "p-hive2"), new_metadata=("p-hive0", "p-hive2"))),
        ((CREATED, GOOD, DOWN), Plan(settled=("p-hive0",))),
        ((GOOD, replace(GOOD, state="Inconsistent"), GOOD), Plan()),
    ],
)
def test_what_is_done_first(hives: tuple[Observation, ...], plan: Plan) -> None:
    assert decide(DATA, seen(*hives), HOSTS) == plan


FOREIGN = replace(BLANK, disk_new=False, signature="xfs")
OUTDATED = replace(GOOD, state="Outdated", generation=0xBEEF)


@pytest.mark.parametrize(
    ("hives", "said"),
    [
        (
            (replace(NEVER, problems=("LVM cannot tell",)), GOOD, GOOD),
            "not everything is known, so nothing is done: p-hive0: LVM cannot tell",
        ),
        ((replace(NEVER, missing="it is a container"), NEVER, NEVER), r"cannot be replicated: p-hive0: it is a container.*nfs: \{\}"),
        ((replace(NEVER, missing="it has no DRBD 9"), NEVER, NEVER), "run setup-hosts with the role drbd"),
        ((replace(NEVER, minor_taken_by="other"), NEVER, NEVER), "device id 1 belongs to another volume: p-hive0: other"),
        ((NEVER, replace(NEVER, formatter=False), NEVER), "p-hive1 has no mkfs.ext4.*install e2fsprogs"),
        ((NEVER, replace(NEVER, group_free=None), NEVER), "p-hive1 has no drbdvg/drbdpool"),
        ((NEVER, NEVER, replace(NEVER, group_free=99 * MIB)), "needs 100 MiB; free: p-hive2: 99 MiB"),
        ((replace(GOOD, disk_size=None), GOOD, GOOD), "has a copy in use that is not /dev/drbdvg/data"),
        ((FOREIGN, NEVER, NEVER), "with xfs on it and without DRBD's metadata"),
        ((replace(BLANK, disk_new=False), GOOD, GOOD), "which hive-nornir did not make"),
        ((replace(GOOD, signature="xfs"), GOOD, GOOD), "is ext4 by definition; found: p-hive0: xfs"),
        ((replace(GOOD, disk_size=104 * MIB), GOOD, GOOD), "larger on p-hive0: 104 MiB.*no volume is ever made smaller"),
        ((OUTDATED, OUTDATED, OUTDATED), "no copy that is up to date: p-hive0: Outdated, generation 000000000000BEEF, 100 MiB"),
        ((OUTDATED, OUTDATED, NEVER), "no copy that is up to date"),
        ((replace(FORMATTED, signature=UNNAMED), SEEDED, SEEDED), "making its file system was interrupted.*--destroy"),
    ],
)
def test_what_is_left_alone(hives: tuple[Observation, ...], said: str) -> None:
    with pytest.raises(OperationFailed) as error:
        decide(DATA, seen(*hives), HOSTS)
    assert re.search(said, str(error.value), re.DOTALL), str(error.value)


def test_no_format_makes_no_new_volume_and_lets_a_hive_join() -> None:
    wanted = replace(DATA, may_begin=False)
    with pytest.raises(OperationFailed, match="no_format forbids"):
        decide(wanted, seen(NEVER, NEVER, NEVER), HOSTS)
    assert decide(wanted, seen(NEVER, GOOD, GOOD), HOSTS).new_metadata == ("p-hive0",)


def test_a_new_volume_needs_all_hives_and_an_old_one_those_that_are_chosen() -> None:
    with pytest.raises(OperationFailed, match="made on all at once: p-hive1, p-hive2 would be left out"):
        decide(DATA, seen(NEVER, NEVER, NEVER), HOSTS[:1])
    with pytest.raises(OperationFailed, match="made on all at once: p-hive2 would be left out"):
        decide(DATA, seen(NEVER, NEVER), HOSTS)
    assert decide(DATA, seen(NEVER, GOOD, NEVER), HOSTS[:1]) == Plan(new_disks=("p-hive0",), new_metadata=("p-hive0",))
    assert decide(DATA, seen(NEVER, GOOD), OTHERS) == Plan()


def test_a_diskless_hive_gets_nothing_and_its_copy_is_not_taken_away() -> None:
    wanted = replace(DATA, diskful=HOSTS[:2])
    assert decide(wanted, seen(NEVER, NEVER, replace(NEVER, group_free=None)), HOSTS).new_disks == HOSTS[:2]
    with pytest.raises(OperationFailed, match="is to keep no copy"):
        decide(wanted, seen(GOOD, GOOD, GOOD), HOSTS)
    with pytest.raises(OperationFailed, match="no hive keeps a copy"):
        decide(replace(DATA, diskful=()), seen(NEVER, NEVER, NEVER), HOSTS)


def test_a_volume_that_is_smaller_than_defined_is_told() -> None:
    small = replace(GOOD, disk_size=96 * MIB)
    [note] = decide(DATA, seen(small, GOOD, GOOD), HOSTS).notes
    assert note.startswith("volume data is 100 MiB by definition and smaller on p-hive0: 96 MiB; `hive-nornir volume grow data`")


@pytest.mark.parametrize(
    ("hives", "step"),
    [
        ((FRESH, FRESH, FRESH), Next("seed", "p-hive0")),
        ((SEEDED, SEEDED, SEEDED), Next("format", "p-hive0")),
        ((SEEDED, FRESH, SEEDED), Next("wait", text="all copies are of the first generation")),
        ((FORMATTED, FORMATTED, FORMATTED), Next("done")),
        ((GOOD, GOOD, GOOD), Next("done")),
        ((GOOD, DOWN, GOOD), Next("wait", text="it comes up on p-hive1")),
        ((GOOD, replace(FRESH, disk_new=False), GOOD), Next("wait", text="p-hive1 (0 %) is being brought up to date")),
    ],
)
def test_what_is_done_next(hives: tuple[Observation, ...], step: Next) -> None:
    assert next_step(DATA, seen(*hives)) == step


def test_hosts_that_are_not_in_touch_are_waited_for() -> None:
    found = next_step(DATA, seen(FRESH, FRESH, FRESH, connection="Connecting"))
    assert found.what == "wait"
    assert "p-hive0 and p-hive1, p-hive0 and p-hive2, p-hive1 and p-hive2 get in touch (port 7001)" in found.text


def test_a_copy_that_is_being_made_need_not_be_waited_for() -> None:
    hives = seen(GOOD, GOOD, replace(GOOD, state="Inconsistent"))
    target = replace(hives["p-hive2"], peers={**hives["p-hive2"].peers, "p-hive0": Peer("Connected", "UpToDate", "SyncTarget", 43.2)})
    assert next_step(DATA, {**hives, "p-hive2": target}) == Next("wait", text="p-hive2 (43 %) is being brought up to date", syncing=True)


def test_a_split_brain_is_the_operators() -> None:
    with pytest.raises(OperationFailed, match=r"p-hive0 and p-hive1.*do not talk to each other"):
        next_step(DATA, seen(GOOD, GOOD, GOOD, connection="StandAlone"))


def test_a_volume_without_a_file_system_that_we_did_not_begin_is_not_formatted() -> None:
    found = next_step(DATA, seen(*[replace(GOOD, signature="")] * 3))
    assert found.what == "done"
    assert "has no file system" in found.text


ANY = st.builds(
    Observation,
    host=st.just(""),
    problems=st.sampled_from(((), (), (), ("unknown",))),
    group_free=st.sampled_from((None, 900 * MIB)),
    disk_size=st.sampled_from((None, 96 * MIB, 100 * MIB, 128 * MIB)),
    disk_new=st.booleans(),
    metadata=st.sampled_from(("yes", "no", "unknown")),
    signature=st.sampled_from(("", "", "ext4", "xfs", UNNAMED, None)),
    node_id=st.sampled_from((None, 0)),
    generation=st.sampled_from((None, JUST_CREATED, 0xABC0)),
    up=st.booleans(),
    role=st.sampled_from(("", "Primary", "Secondary")),
    state=st.sampled_from(("", "Diskless", "Inconsistent", "Outdated", "Consistent", "UpToDate", "Failed")),
    mounted=st.sampled_from(((), (), ("/v",))),
).map(lambda found: found if found.disk_size is not None else replace(found, metadata="no", signature=""))
REAL = st.sampled_from((NEVER, BLANK, CREATED, FRESH, SEEDED, FORMATTED, GOOD, DOWN, OUTDATED, FOREIGN))
HIVES = st.lists(st.one_of(REAL, ANY), min_size=1, max_size=3)


def may_hold_data(found: Observation) -> bool:
    """Somebody's data may be on it: said without asking what is tested."""
    if found.disk_size is None:
        return found.up and found.state in ("Inconsistent", "Outdated", "Consistent", "UpToDate")
    return not found.disk_new or found.signature != "" or bool(found.mounted) or found.role == "Primary" or found.metadata == "unknown"


@settings(max_examples=300)
@given(HIVES, st.sets(st.sampled_from(HOSTS), min_size=1), st.booleans())
def test_what_may_hold_data_is_never_given_metadata_nor_made_anew(hives: list[Observation], chosen: set[str], may_begin: bool) -> None:
    found = seen(*hives)
    try:
        plan = decide(replace(DATA, may_begin=may_begin), found, chosen)
    except OperationFailed:
        return
    holders = {host for host, each in found.items() if may_hold_data(each)}
    assert not holders & {*plan.new_metadata, *plan.new_disks}
    assert not (plan.begin and holders), "a new volume beside data"
    assert not (plan.begin and not may_begin)
    assert {*plan.new_metadata, *plan.new_disks, *plan.settled} <= chosen
    assert all(found[host].metadata == "no" for host in plan.new_metadata)
    assert all(found[host].disk_size is None for host in plan.new_disks)


@settings(max_examples=300)
@given(HIVES)
def test_what_may_hold_data_is_never_formatted_nor_declared_equal(hives: list[Observation]) -> None:
    found = seen(*hives)
    try:
        step = next_step(DATA, found)
    except OperationFailed:
        return
    if step.what in ("seed", "format"):
        assert set(found) == set(HOSTS), "a hive that is not seen may hold data"
        assert not [host for host, each in found.items() if may_hold_data(each) or each.disk_size is None]
    if step.what == "seed":
        assert not any(each.state == "UpToDate" for each in found.values())


def test_growing_needs_room_everywhere_and_knows_when_it_is_done() -> None:
    larger = replace(DATA, size=2000 * MIB)
    with pytest.raises(OperationFailed, match=r"to be 2000 MiB; free: p-hive0: 900 MiB; p-hive1: 900 MiB"):
        room_for(larger, seen(GOOD, GOOD, replace(GOOD, group_free=5000 * MIB)))
    room_for(DATA, seen(GOOD, GOOD, GOOD))
    # as seen on a virtual machine, before and after `drbdadm resize`
    assert unused(replace(GOOD, disk_size=159383552, device_size=102340 * 1024))
    assert not unused(replace(GOOD, disk_size=104857600, device_size=102340 * 1024))
