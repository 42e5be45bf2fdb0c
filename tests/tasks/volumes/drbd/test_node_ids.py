"""DRBD's numbers of the hosts never change (pitfall 2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from hive_nornir.errors import OperationFailed
from hive_nornir.inventory.context import SiteContext
from hive_nornir.tasks.volumes.drbd.node_ids import assign, forget, recorded, remember
from tests.tasks.volumes.drbd.volumes import HOSTS


def test_a_new_volume_numbers_its_hosts_by_their_names() -> None:
    assert assign(["b", "c", "a"], {}, {}) == {"a": 0, "b": 1, "c": 2}


def test_a_host_that_comes_later_renumbers_nobody() -> None:
    """p-hive10 sorts before p-hive2, which would become another node."""
    assert assign([*HOSTS, "p-hive10"], dict(zip(HOSTS, range(3), strict=True)), {})["p-hive10"] == 3
    assert assign([*HOSTS, "p-hive10"], dict(zip(HOSTS, range(3), strict=True)), {})["p-hive2"] == 2


def test_a_host_that_goes_keeps_its_number() -> None:
    assert assign(["a", "c", "d"], {"a": 0, "b": 1, "c": 2}, {}) == {"a": 0, "b": 1, "c": 2, "d": 3}


def test_what_was_made_elsewhere_is_taken_over_from_its_metadata() -> None:
    assert assign(HOSTS, {}, {"p-hive2": 1, "p-hive1": 2}) == {"p-hive2": 1, "p-hive1": 2, "p-hive0": 0}


@pytest.mark.parametrize(
    ("known", "found", "said"),
    [({"p-hive0": 0}, {"p-hive0": 4}, "has DRBD's node id 4 and is recorded with 0"), ({"gone": 1}, {"p-hive0": 1}, "have the same")],
)
def test_a_contradiction_is_told(known: dict[str, int], found: dict[str, int], said: str) -> None:
    with pytest.raises(OperationFailed, match=said):
        assign(HOSTS, known, found)


def test_the_numbers_are_recorded_for_the_stage_and_the_volume(tmp_path: Path) -> None:
    context = SiteContext.resolve(tmp_path, "private", {})
    assert recorded(context, "data") == {}
    remember(context, "data", {"p-hive0": 0})
    remember(context, "other", {"p-hive0": 3})
    assert recorded(context, "data") == {"p-hive0": 0}
    assert recorded(SiteContext.resolve(tmp_path, "staging", {}), "data") == {}
    forget(context, "data")
    assert (recorded(context, "data"), recorded(context, "other")) == ({}, {"p-hive0": 3})
    forget(context, "other")
    assert "drbd_node_map" not in (tmp_path / ".hive" / "persistents.yml").read_text()
