"""The addresses of a host become what they have to be."""

from __future__ import annotations

import time
from ipaddress import ip_address

import pytest

from hive_vip import introduction
from hive_vip.addresses import Addresses
from hive_vip.retries import Retries
from tests.vip.fakes import FakeHost, bound, by_address, claim, ledger

ADDRESS, ROUTER = ip_address("10.0.0.9"), ip_address("10.0.0.1")


class Kept:
    """Addresses with all that is around them."""

    def __init__(self, folder):
        self.host = FakeHost()
        self.ledger = ledger(folder)
        self.now = 0.0
        self.woken = 0
        self.addresses = Addresses(self.host, self.ledger, Retries(lambda: self.now), self.wake)

    def wake(self):
        self.woken += 1

    def converge(self, *claims):
        return self.addresses.converge(by_address(*claims))

    def until_woken(self, times=1):
        give_up = time.monotonic() + 5
        while self.woken < times:
            assert time.monotonic() < give_up
            time.sleep(0.005)


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(introduction, "BETWEEN_ANNOUNCEMENTS", 0.01)
    monkeypatch.setattr(introduction, "BETWEEN_TRIES", 0.01)
    return Kept(tmp_path)


def test_one_is_added_noted_and_removed(kept, tmp_path):
    assert kept.converge(claim("10.0.0.9")) == {}
    assert kept.host.done == ["add 10.0.0.9"]
    assert ledger(tmp_path).entries[ADDRESS].router == ""
    assert kept.converge(claim("10.0.0.9")) == {}
    assert kept.converge() == {}
    assert kept.host.done == ["add 10.0.0.9", "remove 10.0.0.9"]
    assert ledger(tmp_path).entries == {}


def test_it_is_noted_before_it_is_there(kept, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(kept.host, "add", lambda entry: seen.append(entry.address in ledger(tmp_path).entries))
    kept.converge(claim("10.0.0.9"))
    assert seen == [True]


def test_one_that_cannot_be_added_is_not_noted_and_is_tried_later(kept, tmp_path):
    kept.host.broken = "add"
    assert kept.converge(claim("10.0.0.9")) == {ADDRESS: "add does not work"}
    assert ledger(tmp_path).entries == {}
    kept.host.broken = ""
    assert kept.converge(claim("10.0.0.9")) == {ADDRESS: "add does not work"}  # its time has not come
    assert kept.addresses.next() == 15
    kept.now = 15
    assert kept.converge(claim("10.0.0.9")) == {}
    assert kept.host.done == ["add 10.0.0.9"]


def test_one_that_cannot_be_removed_stays_ours(kept, tmp_path):
    kept.converge(claim("10.0.0.9"))
    kept.host.broken = "remove"
    assert kept.converge() == {ADDRESS: "remove does not work"}
    assert ADDRESS in ledger(tmp_path).entries
    kept.host.broken = ""
    assert kept.converge() == {}
    assert "10.0.0.9" not in kept.host.bound()


def test_a_router_that_answers_is_noted(kept, tmp_path):
    kept.host.answering.add(ROUTER)
    behind = claim("10.0.0.9", router="10.0.0.1")
    kept.converge(behind)
    assert ledger(tmp_path).entries[ADDRESS].router is None
    kept.until_woken()
    kept.converge(behind)
    assert ledger(tmp_path).entries[ADDRESS].router == "10.0.0.1"
    assert kept.host.done == ["add 10.0.0.9"]


def test_a_router_that_does_not_costs_the_address_until_it_is_tried_again(kept):
    behind = claim("10.0.0.9", router="10.0.0.1")
    kept.converge(behind)
    kept.until_woken()
    assert "the router 10.0.0.1 does not answer" in kept.converge(behind)[ADDRESS]
    assert kept.host.done == ["add 10.0.0.9", "remove 10.0.0.9"]
    kept.converge(behind)
    assert len(kept.host.done) == 2
    kept.now, kept.host.answering = 15, {ROUTER}
    assert kept.converge(behind) == {}
    kept.until_woken(2)
    assert kept.converge(behind) == {}
    assert kept.ledger.entries[ADDRESS].router == "10.0.0.1"


def test_a_router_that_is_tried_is_not_tried_twice_at_a_time(kept, monkeypatch):
    monkeypatch.setattr(introduction, "BETWEEN_TRIES", 10.0)
    behind = claim("10.0.0.9", router="10.0.0.1")
    for _ in range(5):
        kept.converge(behind)
    assert len(kept.addresses._introductions) == 1
    first = kept.addresses._introductions[ADDRESS]
    kept.converge(claim("10.0.0.9", router="10.0.0.2"))  # another router
    assert first._stopped.is_set()
    kept.converge()
    assert kept.addresses._introductions == {}


def test_a_successor_tries_the_router_that_its_predecessor_had_begun_with(kept, tmp_path):
    behind = claim("10.0.0.9", router="10.0.0.1")
    kept.converge(behind)
    kept.converge()
    kept.addresses.converge(by_address(behind))
    after = Kept(tmp_path)
    after.host = kept.host
    after.host.answering.add(ROUTER)
    after.addresses = Addresses(after.host, after.ledger, Retries(lambda: 0.0), after.wake)
    after.converge(behind)
    after.until_woken()
    after.converge(behind)
    assert after.ledger.entries[ADDRESS].router == "10.0.0.1"


def test_a_verdict_about_what_is_gone_changes_nothing(kept):
    behind = claim("10.0.0.9", router="10.0.0.1")
    kept.converge(behind)
    introduced = kept.addresses._introductions[ADDRESS]
    kept.converge()
    kept.addresses._verdicts.put((introduced, ""))
    kept.converge(claim("10.0.0.9"))
    assert kept.ledger.entries[ADDRESS].router == ""


def test_the_hosts_own_address_is_never_touched(kept):
    assert "not this daemon" in kept.converge(claim("10.0.0.4"))[ip_address("10.0.0.4")]
    kept.converge()
    assert kept.host.done == []
    assert bound("10.0.0.4/24") in kept.host.interfaces[0].bound
