"""Which addresses go where, and which go."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from hive_vip.links import Link, parse
from hive_vip.placing import decide
from tests.vip.fakes import bound, by_address, claim, entry, recorded

ETH0 = Link("eth0", [bound("10.0.0.4/24"), bound("fd00::4/64"), bound("fe80::4/64", scope="link")])
ETH1 = Link("eth1", [bound("10.0.0.130/25"), bound("192.168.1.4/24")], aliases=["eth1@eth0"])
LO = Link("lo", [bound("127.0.0.1/8", scope="host")])
LINKS = [LO, ETH0, ETH1]


def steps(here=(), links=LINKS, entries=(), held=()):
    return [str(step) for step in decide(by_address(*here), links, {e.address: e for e in entries}, held).steps]


def error(claimed, links=LINKS, entries=()):
    found = decide(by_address(claimed), links, {e.address: e for e in entries})
    assert not [step for step in found.steps if step.action == "add"]
    return found.errors[claimed.vip.address]


def with_address(text: str, name: str = "eth0"):
    return [Link(link.name, [*link.bound, bound(text)], link.mac, link.aliases) if link.name == name else link for link in LINKS]


@pytest.mark.parametrize(
    ("address", "more", "place"),
    [
        ("10.0.0.9", {}, "10.0.0.9/24 on eth0"),
        ("10.0.0.200", {}, "10.0.0.200/25 on eth1"),  # the longest prefix
        ("192.168.1.9", {}, "192.168.1.9/24 on eth1"),
        ("fd00::9", {}, "fd00::9/64 on eth0"),
        ("172.16.0.9", {"interface": "eth1", "prefix": 32}, "172.16.0.9/32 on eth1"),
        ("172.16.0.9", {"interface": "eth1@eth0", "prefix": 16}, "172.16.0.9/16 on eth1"),
    ],
)
def test_an_address_goes_to_its_network_or_to_the_named_interface(address, more, place):
    assert steps([claim(address, **more)]) == [f"add {place} (HIVE_VIP of web)"]


@pytest.mark.parametrize(
    ("address", "more", "reason"),
    [
        ("172.16.0.9", {}, "no interface has a network with 172.16.0.9; name one: 172.16.0.9@INTERFACE"),
        ("127.0.0.9", {}, "no interface has a network"),
        ("fd01::9", {}, "no interface has a network"),
        ("10.0.0.9", {"interface": "eth7", "prefix": 24}, "there is no interface eth7"),
        ("10.0.0.0", {}, "10.0.0.0/24 is no address of a host"),
        ("192.168.1.255", {}, "192.168.1.255/24 is no address of a host"),
        ("fd00::", {}, "fd00::/64 is no address of a host"),
        ("10.0.0.4", {}, "10.0.0.4 is on eth0 already, and it was not this daemon that added it"),
        ("192.168.1.4", {"interface": "eth0", "prefix": 32}, "192.168.1.4 is on eth1 already"),
    ],
)
def test_an_address_that_cannot_be_here_is_told(address, more, reason):
    assert reason in error(claim(address, **more))


def test_the_other_end_of_a_link_is_no_virtual_ip():
    link = Link("tun0", [bound("10.6.0.2/30", peer=ip_address("10.6.0.2"))])
    assert "other end" in error(claim("10.6.0.2"), [link])
    assert steps([claim("10.6.0.1")], [link]) == ["add 10.6.0.1/30 on tun0 (HIVE_VIP of web)"]


def test_an_address_that_is_ours_and_there_is_left_alone_or_noted_under_its_new_label():
    ours = entry("10.0.0.9")
    assert steps([claim("10.0.0.9")], with_address("10.0.0.9/24"), [ours]) == []
    assert steps([claim("10.0.0.9", service="new", label="HIVE_VIP3")], with_address("10.0.0.9/24"), [ours]) == [
        "own 10.0.0.9/24 on eth0 (HIVE_VIP3 of new)"
    ]


def test_an_address_of_ours_that_nobody_wants_goes_and_no_other():
    assert steps([], with_address("10.0.0.9/24"), [entry("10.0.0.9")]) == ["remove 10.0.0.9/24 on eth0 (HIVE_VIP of web)"]
    assert steps([], with_address("10.0.0.9/25"), [entry("10.0.0.9")]) == [
        "forget 10.0.0.9/24 on eth0 (HIVE_VIP of web)"
    ]  # somebody else's
    assert steps([], with_address("10.0.0.9/24")) == []


def test_an_address_that_somebody_took_away_comes_back():
    assert steps([claim("10.0.0.9")], LINKS, [entry("10.0.0.9")]) == [
        "forget 10.0.0.9/24 on eth0 (HIVE_VIP of web)",
        "add 10.0.0.9/24 on eth0 (HIVE_VIP of web)",
    ]


def test_a_changed_interface_or_prefix_moves_the_address():
    moved = claim("10.0.0.9", interface="eth1", prefix=32)
    assert steps([moved], with_address("10.0.0.9/24"), [entry("10.0.0.9")]) == [
        "remove 10.0.0.9/24 on eth0 (HIVE_VIP of web)",
        "add 10.0.0.9/32 on eth1 (HIVE_VIP of web)",
    ]


def test_an_address_outlives_its_network_that_goes_for_a_while():
    links = [Link("eth0", [bound("10.0.0.9/24")])]
    found = decide(by_address(claim("10.0.0.9")), links, {ip_address("10.0.0.9"): entry("10.0.0.9")})
    assert (found.steps, list(found.errors)) == ((), [ip_address("10.0.0.9")])


def test_a_router_is_to_be_tried_first_and_whenever_it_is_another():
    behind = claim("10.0.0.9", router="10.0.0.1")
    [step] = decide(by_address(behind), LINKS, {}).steps
    assert (step.action, step.entry.router) == ("add", None)
    there = with_address("10.0.0.9/24")
    assert steps([behind], there, [entry("10.0.0.9", router=None)])[0].startswith("introduce")
    assert steps([behind], there, [entry("10.0.0.9", router="10.0.0.2")])[0].startswith("introduce")
    assert steps([behind], there, [entry("10.0.0.9", router="10.0.0.1")]) == []
    [step] = decide(by_address(claim("10.0.0.9")), there, {ip_address("10.0.0.9"): entry("10.0.0.9", router="10.0.0.1")}).steps
    assert (step.action, step.entry.router) == ("own", "")  # no router any more


def test_one_that_failed_is_taken_away_and_not_tried_before_its_time():
    behind = claim("10.0.0.9", router="10.0.0.1")
    assert steps([behind], with_address("10.0.0.9/24"), [entry("10.0.0.9", router=None)], [behind.vip]) == [
        "remove 10.0.0.9/24 on eth0 (HIVE_VIP of web)"
    ]
    assert steps([behind], LINKS, [], [behind.vip]) == []


def test_a_recorded_host_has_room_for_another_address_and_keeps_ours():
    links = parse(recorded("addresses.json"))
    ours = entry("10.105.65.200")
    assert steps([claim("10.105.65.200"), claim("10.105.65.201")], links, [ours]) == ["add 10.105.65.201/24 on eth0 (HIVE_VIP of web)"]
