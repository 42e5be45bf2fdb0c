"""What the daemon tells, and whether it is believed."""

from __future__ import annotations

import json
import time
from ipaddress import ip_address

import pytest

from hive_vip import status
from hive_vip.desired import Claim, Wanted
from hive_vip.labels import Refusal
from hive_vip.links import Link
from hive_vip.snapshot import Swarm
from tests.vip.fakes import NODE, bound, claim, entry, ledger, vip

ADDRESS = ip_address("10.0.0.9")
BOUND = [Link("eth0", [bound("10.0.0.9/24")])]


@pytest.fixture
def book(tmp_path):
    found = ledger(tmp_path)
    found.entries[ADDRESS] = entry("10.0.0.9")
    return found


def told(tmp_path, book, wanted, errors=None, labels=None, trouble="", links=BOUND, running=True):
    """What `hive-vip status` says after the daemon said this."""
    path, lock = tmp_path / "status.json", tmp_path / "lock"
    status.write(path, status.describe(wanted, Swarm("manager", NODE), book, errors or {}, labels or {}, trouble), 30)
    daemon = status.SingleInstance(lock) if running else None
    try:
        state = status.read(path, lock, links)
        return state, status.healthy(state)
    finally:
        if daemon:
            daemon.release()


def test_all_is_well(tmp_path, book):
    state, healthy = told(tmp_path, book, Wanted([claim("10.0.0.9", ports="80", container="172.18.0.3")], {"runs": ["web"]}))
    assert healthy
    assert (state["swarm"], state["node"], state["running"], state["error"]) == ("manager", NODE, True, "")
    assert state["hooks"] == [
        {"service": "web", "label": "HIVE_VIP", "value": "10.0.0.9", "here": True, "state": "bound", "error": "", "interface": "eth0"},
        {"service": "web", "label": "HIVE_MARK", "value": "runs", "here": True, "state": "set", "error": ""},
    ]
    assert (tmp_path / "status.json").stat().st_mode & 0o777 == 0o644


def test_an_address_that_should_be_there_and_is_not_makes_it_unwell(tmp_path, book):
    wanted = Wanted([claim("10.0.0.9")])
    state, healthy = told(tmp_path, book, wanted, links=[Link("eth0")])  # it went since
    assert (state["hooks"][0]["state"], healthy) == ("missing", False)
    book.entries.clear()
    state, healthy = told(tmp_path, book, wanted, {ADDRESS: "no interface"})
    assert (state["hooks"][0]["state"], state["hooks"][0]["error"], healthy) == ("missing", "no interface", False)


def test_a_label_that_is_refused_makes_it_unwell_only_where_the_service_runs(tmp_path, book):
    refused = [Refusal("web", "HIVE_VIP1", "no address")]
    assert told(tmp_path, book, Wanted(refusals=refused, running_here={"web"}))[1] is False
    assert told(tmp_path, book, Wanted(refusals=refused))[1] is True
    # A port is no virtual IP.
    assert told(tmp_path, book, Wanted(refusals=[Refusal("web", "HIVE_DNAT_PORTS", "no port")], running_here={"web"}))[1] is True
    assert told(tmp_path, book, Wanted(marks={"runs": ["web"]}), labels={"runs": "taken"})[1] is False


def test_one_elsewhere_and_one_whose_router_is_being_tried_are_well(tmp_path, book):
    book.entries[ADDRESS] = entry("10.0.0.9", router=None)
    state, healthy = told(tmp_path, book, Wanted([claim("10.0.0.9", router="10.0.0.1"), Claim(vip("10.0.0.10"))]))
    assert ([hook["state"] for hook in state["hooks"]], healthy) == (["checking", "elsewhere"], True)


def test_a_container_that_cannot_be_reached_is_told(tmp_path, book):
    state, _ = told(tmp_path, book, Wanted([claim("10.0.0.9", ports="80")]))
    assert "needs an overlay network" in state["hooks"][0]["error"]


def test_a_daemon_that_does_not_run_or_hangs_is_not_believed(tmp_path, book, monkeypatch):
    state, healthy = told(tmp_path, book, Wanted(), running=False)
    assert (state["running"], healthy) == (False, False)
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() - 1000)
    status.write(tmp_path / "status.json", {"hooks": []}, 30)
    monkeypatch.undo()
    assert not status.healthy({**json.loads((tmp_path / "status.json").read_text()), "running": True})


def test_before_the_first_word_it_is_unwell(tmp_path):
    state = status.read(tmp_path / "none", tmp_path / "lock", [])
    assert (state["error"], state["running"], status.healthy(state)) == ("the daemon has told nothing yet", False, False)


def test_there_is_one_daemon_at_a_time(tmp_path):
    first = status.SingleInstance(tmp_path / "run" / "lock")
    with pytest.raises(BlockingIOError):
        status.SingleInstance(tmp_path / "run" / "lock")
    first.release()
    status.SingleInstance(tmp_path / "run" / "lock").release()
