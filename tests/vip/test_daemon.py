"""The loop: when it looks, what it does when nobody answers, and how it ends."""

from __future__ import annotations

import json
import logging
import signal
import threading
import time
from math import inf

import pytest

from hive_vip import daemon as daemon_module
from hive_vip.daemon import AFTER_FAILURE, HEARTBEAT, SOON, Daemon
from hive_vip.errors import EngineSilentError, SwarmSilentError
from hive_vip.settings import Settings
from hive_vip.snapshot import Swarm
from tests.vip.fakes import HERE_SWARM as HERE
from tests.vip.fakes import NODE, OTHER, FakeEngine, FakeHost, ledger, service, task

WEB = service("web", HIVE_VIP="10.0.0.9", HIVE_MARK="runs")
ELSEWHERE = Swarm("manager", NODE, [WEB], [task("web", OTHER)])


class Running:
    """A daemon whose clock is ours."""

    def __init__(self, folder, **settings):
        self.folder = folder
        self.host, self.engine = FakeHost(), FakeEngine(HERE)
        self.daemon = Daemon(Settings(**settings), self.engine, self.host, ledger(folder), folder / "status.json")

    @property
    def has(self):
        return "10.0.0.9" in self.host.bound()

    def status(self):
        return json.loads((self.folder / "status.json").read_text())


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def running(tmp_path, clock):
    return Running(tmp_path)


def test_it_looks_again_after_the_interval(running):
    assert running.daemon.turn() == 30
    assert running.has
    assert running.engine.look().node_labels == {"runs": "true"}
    running.engine.swarm = ELSEWHERE
    assert running.daemon.turn() == 30
    assert not running.has


def test_it_looks_soon_again_while_a_container_starts_or_something_fails(running):
    web = service("web", HIVE_VIP="10.0.0.9", HIVE_DNAT_PORTS="80")
    running.engine.swarm = Swarm("manager", NODE, [web], [task("web", state="starting")])
    assert running.daemon.turn() == SOON
    running.engine.swarm, running.engine.broken = HERE, True
    assert running.daemon.turn() == AFTER_FAILURE
    assert running.status()["error"] == "update out of sequence"


def test_an_engine_may_be_silent_for_ten_seconds(running, clock):
    running.daemon.turn()
    clock[0] += 25  # since the last look
    running.engine.swarm = EngineSilentError("refused")
    assert running.daemon.turn() == SOON
    clock[0] += 9.5
    assert running.daemon.turn() == pytest.approx(0.5)
    assert running.has
    clock[0] += 0.5
    assert running.daemon.turn() == AFTER_FAILURE
    assert not running.has
    assert (running.status()["swarm"], running.status()["error"]) == ("unreachable", "refused")
    # It waits, and does not end; what it stood for comes back.
    running.engine.swarm = HERE
    running.daemon.turn()
    assert running.has


def test_each_silence_has_its_own_ten_seconds(running, clock):
    for _ in range(5):
        running.engine.swarm = HERE
        running.daemon.turn()
        running.engine.swarm = EngineSilentError("refused")
        running.daemon.turn()
        clock[0] += 6
        running.daemon.turn()
        assert running.has


@pytest.mark.parametrize(("grace", "gone"), [(30.0, True), (inf, False)])
def test_a_swarm_may_be_without_leader_as_long_as_an_election_takes_or_for_ever(tmp_path, clock, grace, gone):
    running = Running(tmp_path, quorum_grace=grace)
    running.daemon.turn()
    running.engine.swarm = SwarmSilentError("no leader")
    running.daemon.turn()
    clock[0] += 29
    running.daemon.turn()
    assert running.has
    clock[0] += 1000
    running.daemon.turn()
    assert running.has is not gone


def test_labels_stay_while_nobody_answers_and_go_when_they_can(running, clock, tmp_path):
    running.daemon.turn()
    labelled = running.engine.look()
    running.engine.swarm = EngineSilentError("refused")
    running.daemon.turn()
    clock[0] += 11
    running.daemon.turn()
    assert ledger(tmp_path).marks == {"runs": NODE}
    running.engine.swarm = Swarm("manager", NODE, [WEB], [task("web", OTHER)], {}, labelled.node_labels)
    running.daemon.turn()
    assert running.engine.look().node_labels == {}


def test_whatever_goes_wrong_the_address_is_given_up_in_time(running, clock, monkeypatch, caplog):
    running.daemon.turn()
    monkeypatch.setattr(daemon_module.desired, "wanted", lambda *_: 1 / 0)
    running.daemon._safe_turn()
    assert running.has
    clock[0] += 11
    running.daemon._safe_turn()
    assert not running.has
    assert "ZeroDivisionError" in caplog.text


def test_an_event_that_had_to_wait_is_told(running, clock, caplog):
    running.daemon.wake()
    clock[0] += 6
    running.daemon.turn()
    assert "an event had to wait 6.0 s" in caplog.text
    caplog.clear()
    running.daemon.turn()
    assert "had to wait" not in caplog.text


def test_the_same_trouble_is_told_once(running, caplog):
    bad = service("bad", HIVE_VIP="10.0.0.300")
    running.engine.swarm = Swarm("manager", NODE, [bad])
    for _ in range(3):
        running.daemon.turn()
    assert caplog.text.count("HIVE_VIP of bad: '10.0.0.300' is no address") == 1


def test_with_something_to_lose_it_asks_whether_anybody_speaks_for_the_swarm(running, monkeypatch):
    waited = []
    monkeypatch.setattr(running.daemon._wake, "wait", waited.append)
    running.daemon.turn()
    running.engine.swarm = SwarmSilentError("no leader")
    running.daemon._rest(30)
    assert waited == [HEARTBEAT]


def test_with_nothing_to_lose_it_does_not(tmp_path, monkeypatch):
    running = Running(tmp_path)
    running.engine.swarm = ELSEWHERE
    running.daemon.turn()
    monkeypatch.setattr(daemon_module, "HEARTBEAT", 0.02)
    monkeypatch.setattr(running.engine, "speaks", lambda: pytest.fail("it asked"))
    running.daemon._rest(0.1)


def run(running, number):
    """Run it until it has converged, and end it by a signal."""

    def send():
        while not running.engine.marked:
            time.sleep(0.01)
        signal.raise_signal(number)

    former = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    sender = threading.Thread(target=send)
    sender.start()
    try:
        running.daemon.run()
    finally:
        sender.join()
        for each, handler in former.items():
            signal.signal(each, handler)


def test_sigterm_takes_everything_back(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    running = Running(tmp_path)
    run(running, signal.SIGTERM)
    assert not running.has
    assert running.engine.look().node_labels == {}
    assert ledger(tmp_path).entries == {}
    assert "everything is taken back" in caplog.text


def test_sighup_leaves_everything_to_a_successor_that_finds_nothing_to_do(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    first = Running(tmp_path)
    run(first, signal.SIGHUP)
    assert first.has
    assert "everything stays as it is" in caplog.text
    successor = Running(tmp_path)
    successor.host, successor.engine = first.host, first.engine
    successor.daemon = Daemon(Settings(), first.engine, first.host, ledger(tmp_path), tmp_path / "status.json")
    done, marked = list(first.host.done), list(first.engine.marked)
    successor.daemon.turn()
    assert (first.host.done, first.engine.marked) == (done, marked)


def test_the_first_signal_counts(running):
    running.daemon.end(hand_over=True)
    running.daemon.end(hand_over=False)
    assert running.daemon._hand_over


def test_at_the_end_nobody_has_to_answer(running):
    running.daemon.turn()
    running.engine.swarm = EngineSilentError("refused")
    running.daemon.release()
    assert not running.has


def test_after_a_boot_a_label_of_before_goes(tmp_path, clock):
    first = Running(tmp_path)
    first.daemon.turn()
    (tmp_path / "run" / "vip.json").unlink()  # as /run is after a boot
    after = Running(tmp_path)
    after.engine.swarm = Swarm("manager", NODE, [WEB], [task("web", OTHER)], {}, {"runs": "true"})
    after.daemon.turn()
    assert after.engine.look().node_labels == {}
