"""What a probe prints, as recorded on a virtual machine with DRBD 9.2.14, LVM 2.03 and drbd-utils 9.22."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from hive_nornir.tasks.volumes.drbd.model import NEW_TAG, Observation, Peer, bytes_of
from hive_nornir.tasks.volumes.drbd.observe import observed, probe
from tests.tasks.volumes.drbd.volumes import DATA, MIB

UP = (Path(__file__).parents[3] / "data" / "drbd" / "up.txt").read_text()


def changed(**sections: tuple[int, str]) -> str:
    """The recording, with other sections in their places."""
    text = UP
    for name, (code, body) in sections.items():
        assert re.search(rf"^@@{name} ", text, re.M), name
        text = re.sub(rf"^@@{name} \d+\n.*?(?=^@@|\Z)", lambda _: f"@@{name} {code}\n{body}\n", text, flags=re.M | re.S)  # noqa: B023
    return text


def look(**sections: tuple[int, str]) -> Observation:
    return observed(DATA, "p-hive0", changed(**sections))


POOL = "drbdvg|drbdpool|943718400|twi-aot---||1.44"
DOWN = {"status": (0, "[\n]\n"), "generation": (1, "head: cannot open")}
NO_METADATA = (0, "No valid meta data found")
NONE = {"metadata": (0, ""), "raid": (0, ""), "signature": (0, ""), **DOWN}


def test_a_resource_that_is_up() -> None:
    good = Peer("Connected", "UpToDate", "Established", 100.0)
    assert look() == Observation(
        "p-hive0",
        group_free=int(943718400 * (1 - 1.44 / 100)),
        extent=4 * MIB,
        disk_size=100 * MIB,
        metadata="yes",
        signature="ext4",
        node_id=0,
        generation=0x701187033967422E,
        up=True,
        role="Secondary",
        state="UpToDate",
        peers={"p-hive1": good, "p-hive2": good},
        device_size=102340 * 1024,
    )


def test_what_every_command_is_asked_for_is_read() -> None:
    assert re.findall(r"^@@(\w+)", UP, re.M) == re.findall(r'printf "@@%s %s\\n%s\\n" (\w+)', probe(DATA))


def test_a_resource_that_is_down_tells_its_generation_by_its_metadata() -> None:
    found = look(**DOWN)
    assert (found.up, found.state, found.metadata, found.generation, found.node_id) == (False, "", "yes", 0x701187033967422E, 0)


def test_what_lvm_does_not_list_is_not_there() -> None:
    found = look(volumes=(0, POOL), **NONE)
    assert (found.disk_size, found.metadata, found.signature, found.problems) == (None, "no", "", ())
    assert look(volumes=(5, "  Cannot process volume group"), **NONE).problems


def test_a_new_volume_has_our_tag_and_nothing_else() -> None:
    listed = f"  drbdvg|data|104857600|Vwi-a-t---|{NEW_TAG}|0.00\n{POOL}\n  WARNING: something|of|LVM"
    found = look(volumes=(0, listed), metadata=NO_METADATA, raid=(2, ""), signature=(2, ""), **DOWN)
    assert (found.disk_new, found.metadata, found.signature, found.problems) == (True, "no", "", ())


@pytest.mark.parametrize(
    ("metadata", "raid"),
    [
        ((0, "open(/dev/drbdvg/data) failed: Input/output error"), (2, "")),
        ((0, ""), (2, "")),
        ((127, "drbdmeta: not found"), (2, "")),
        (NO_METADATA, (0, "drbd")),  # of an older format
        (NO_METADATA, (8, "ambivalent")),
        ((0, 'Found meta data is "unclean", please apply-al first'), (2, "")),
    ],
)
def test_that_there_are_no_metadata_is_believed_of_two_witnesses_only(metadata: tuple[int, str], raid: tuple[int, str]) -> None:
    """Pitfall 1: a probe that fails for whatever reason."""
    found = look(metadata=metadata, raid=raid, **DOWN)
    assert found.metadata == "unknown"
    assert "whether it has DRBD's metadata is not known" in found.problems[0]


def test_a_copy_that_cannot_be_read_is_not_empty() -> None:
    found = look(signature=(9, "dd: error reading: Input/output error"), **DOWN)
    assert found.signature is None
    assert "what is on its copy is not known" in found.problems[0]


@pytest.mark.parametrize(
    ("sections", "missing"),
    [
        ({"container": (0, "docker")}, "it is a container"),
        ({"module": (0, "8.4.11")}, "its DRBD is 8.4.11, and 9 is needed"),
        ({"module": (1, "modinfo: ERROR: Module drbd not found.")}, "it has no DRBD 9"),
        ({"missing": (0, "drbdmeta\nlvs")}, "it has no drbdmeta, lvs"),
    ],
)
def test_where_there_is_no_drbd(sections: dict[str, tuple[int, str]], missing: str) -> None:
    assert look(**sections).missing.startswith(missing)


def test_the_program_that_formats_is_missed_only_when_it_is_needed() -> None:
    found = look(formatter=(127, ""))
    assert (found.formatter, found.missing, found.problems) == (False, "", ())


def test_what_cannot_be_is_a_problem() -> None:
    assert observed(DATA, "p-hive1", UP).problems == ("it calls itself p-hive0, and DRBD goes by that name",)
    assert observed(DATA, "p-hive0", "").problems == ("its state could not be read: no answer",)
    assert "drbdsetup status says" in look(status=(20, "netlink error")).problems[0]
    inactive = f"drbdvg|data|104857600|Vwi---t---||\n{POOL}"
    assert "not active" in look(volumes=(0, inactive), **DOWN).problems[0]


def test_another_resource_with_the_device_id() -> None:
    other = re.search(r"^@@status 0\n(.*?)^@@", UP, re.M | re.S)[1].replace('"name": "data"', '"name": "other"')  # type: ignore[index]
    assert look(status=(0, other)).minor_taken_by == "other"


def test_a_plain_volume_group_has_what_is_free_in_it() -> None:
    plain = replace(DATA, pool="")
    assert observed(plain, "p-hive0", UP).group_free == 117440512
    assert observed(replace(DATA, group="other"), "p-hive0", UP).group_free is None


@pytest.mark.parametrize(("size", "number"), [("100M", 100 * MIB), ("20g", 20 << 30), ("4k", 4096), ("1T", 1 << 40)])
def test_sizes_are_counted_as_lvm_does(size: str, number: int) -> None:
    assert bytes_of(size) == number


def test_a_word_is_no_size() -> None:
    with pytest.raises(ValueError, match="'much' is no size"):
        bytes_of("much")
