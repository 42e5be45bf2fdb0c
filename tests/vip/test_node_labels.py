"""The node's labels become what they have to be."""

from __future__ import annotations

import pytest

from hive_vip import node_labels
from hive_vip.errors import SwarmSilentError
from hive_vip.snapshot import Swarm
from tests.vip.fakes import NODE, FakeEngine, ledger


def converge(engine, book, *wanted):
    return node_labels.converge(engine, book, wanted, engine.look(), {"hives"})


def test_one_is_set_noted_and_taken_away(tmp_path):
    engine, book = FakeEngine(Swarm("manager", NODE, node_labels={"hives": "true"})), ledger(tmp_path)
    assert converge(engine, book, "web") == {}
    assert engine.look().node_labels == {"hives": "true", "web": "true"}
    assert ledger(tmp_path).marks == {"web": NODE}
    assert converge(engine, book, "web") == {}
    assert converge(engine, ledger(tmp_path)) == {}
    assert engine.look().node_labels == {"hives": "true"}
    assert ledger(tmp_path).marks == {}
    assert engine.marked == ["set node label web", "unset node label web"]


def test_one_that_was_set_although_nobody_said_so_is_ours(tmp_path):
    engine, book = FakeEngine(Swarm("manager", NODE)), ledger(tmp_path)
    engine.broken = True
    with pytest.raises(SwarmSilentError):
        converge(engine, book, "web")
    engine.swarm = Swarm("manager", NODE, node_labels={"web": "true"})
    engine.broken = False
    assert converge(engine, ledger(tmp_path)) == {}
    assert engine.look().node_labels == {}


def test_one_that_could_not_be_taken_away_is_ours_still(tmp_path):
    engine, book = FakeEngine(Swarm("manager", NODE)), ledger(tmp_path)
    converge(engine, book, "web")
    engine.broken = True
    with pytest.raises(SwarmSilentError):
        converge(engine, book)
    assert ledger(tmp_path).marks == {"web": NODE}


def test_one_of_somebody_else_is_told_and_left_alone(tmp_path):
    engine, book = FakeEngine(Swarm("manager", NODE, node_labels={"web": "true"})), ledger(tmp_path)
    assert "not this daemon" in converge(engine, book, "web")["web"]
    assert (engine.marked, converge(engine, book)) == ([], {})
    assert engine.look().node_labels == {"web": "true"}


def test_when_the_host_joins_anew_the_labels_of_before_are_forgotten(tmp_path):
    book = ledger(tmp_path)
    book.marks = {"web": "node-before"}
    engine = FakeEngine(Swarm("manager", NODE))
    converge(engine, book)
    assert (engine.marked, ledger(tmp_path).marks) == ([], {})
