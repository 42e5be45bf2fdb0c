"""Our chains become what they have to be."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from hive_vip import packet_filter
from hive_vip.errors import CommandFailedError
from tests.vip.fakes import FakeHost, by_address, claim, entry, ledger

HERE = by_address(claim("10.0.0.9", container="172.18.0.3", ports="80"), claim("fd00::9", container="fd77::3", ports="53/udp"))


@pytest.fixture
def book(tmp_path):
    found = ledger(tmp_path)
    found.entries = {address: entry(str(address)) for address in HERE}
    return found


def test_rules_are_written_once_in_each_family_and_udp_that_came_before_is_forgotten(book):
    host = FakeHost()
    assert packet_filter.converge(host, book, HERE) == {}
    assert host.done == ["restore 4", "restore 6", "forget flows of fd00::9"]
    assert packet_filter.converge(host, book, HERE) == {}
    assert len(host.done) == 3


def test_a_successor_finds_nothing_to_do(book, tmp_path):
    host = FakeHost()
    packet_filter.converge(host, book, HERE)
    host.done.clear()
    assert packet_filter.converge(host, ledger(tmp_path), HERE) == {}
    assert host.done == []


def test_a_successor_without_ledger_writes_them_anew(book, tmp_path):
    host = FakeHost()
    packet_filter.converge(host, book, HERE)
    before = host.saved(4)
    book.rules.clear()
    host.done.clear()
    assert packet_filter.converge(host, book, HERE) == {}
    assert host.done == ["restore 4", "restore 6", "forget flows of fd00::9"]
    assert host.saved(4) == before


def test_when_nothing_is_wanted_nothing_is_left(book):
    host = FakeHost()
    before = {version: host.saved(version).chains for version in (4, 6)}
    packet_filter.converge(host, book, HERE)
    packet_filter.converge(host, book, {})
    for version in (4, 6):
        left = {name: lines for name, lines in host.saved(version).chains.items() if lines}
        assert left == {name: lines for name, lines in before[version].items() if lines}


def test_what_fails_is_told_of_the_addresses_that_it_concerns_and_tried_again(book):
    host = FakeHost()
    host.broken = "restore"
    assert packet_filter.converge(host, book, HERE) == dict.fromkeys(HERE, "restore does not work")
    host.broken = ""
    assert packet_filter.converge(host, book, HERE) == {}


def test_rules_that_are_not_as_they_were_written_are_told(book, monkeypatch):
    host = FakeHost()
    monkeypatch.setattr(host, "restore", lambda _version, _text: None)
    errors = packet_filter.converge(host, book, HERE)
    assert errors[ip_address("10.0.0.9")] == "the rules of IPv4 are other ones than were written"


def test_a_host_whose_rules_cannot_be_read_keeps_its_other_family(book, monkeypatch):
    host = FakeHost()
    saved = host.saved

    def broken(version):
        if version == 6:
            raise CommandFailedError("ip6tables-save: no such table")
        return saved(version)

    monkeypatch.setattr(host, "saved", broken)
    assert packet_filter.converge(host, book, HERE) == {ip_address("fd00::9"): "ip6tables-save: no such table"}
    assert host.done == ["restore 4"]
