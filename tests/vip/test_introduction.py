"""An address is announced, its router tried, and the daemon goes on meanwhile."""

from __future__ import annotations

import queue
import time
from ipaddress import ip_address

import pytest

from hive_vip import introduction
from hive_vip.introduction import Introduction
from tests.vip.fakes import FakeHost, entry

ROUTER = ip_address("10.0.0.1")


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(introduction, "BETWEEN_ANNOUNCEMENTS", 0.01)
    monkeypatch.setattr(introduction, "BETWEEN_TRIES", 0.03)


def introduce(host, router):
    verdicts: queue.Queue[str] = queue.Queue()
    begun = Introduction(host, entry("10.0.0.9"), router, verdicts.put)
    begun.start()
    return begun, verdicts


def until(true):
    give_up = time.monotonic() + 5
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.005)


def test_it_announces_three_times():
    host = FakeHost()
    _, verdicts = introduce(host, None)
    assert verdicts.get(timeout=5) == ""
    until(lambda: len(host.announced) == 3)


def test_three_announcements_take_two_seconds_and_tries_ten_each(monkeypatch):
    monkeypatch.undo()
    assert (introduction.ANNOUNCEMENTS - 1) * introduction.BETWEEN_ANNOUNCEMENTS == 2
    assert (introduction.TRIES, introduction.BETWEEN_TRIES) == (5, 10)


def test_a_router_that_answers_at_last_is_well_and_each_try_was_announced():
    host = FakeHost()
    _, verdicts = introduce(host, ROUTER)
    until(lambda: len(host.announced) >= 4)
    host.answering.add(ROUTER)
    assert verdicts.get(timeout=5) == ""


def test_a_router_that_never_answers_is_told_after_five_tries():
    host = FakeHost()
    _, verdicts = introduce(host, ROUTER)
    assert verdicts.get(timeout=5) == "the router 10.0.0.1 does not answer: ping: exit code 1"
    assert len(host.announced) == 3 + 5


def test_when_it_is_stopped_it_says_nothing_more():
    host = FakeHost()
    begun, verdicts = introduce(host, ROUTER)
    begun.stop()
    with pytest.raises(queue.Empty):
        verdicts.get(timeout=0.3)
    assert len(host.announced) <= 3


def test_that_it_cannot_announce_does_not_stop_it():
    class Mute(FakeHost):
        def announce(self, _entry):
            raise OSError("Network is down")

    host = Mute()
    host.answering.add(ROUTER)
    _, verdicts = introduce(host, ROUTER)
    assert verdicts.get(timeout=5) == ""
