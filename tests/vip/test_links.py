"""Interfaces and addresses, as `ip -j addr` told them on real hosts."""

from __future__ import annotations

import json

from hive_vip.links import named, parse
from tests.vip.fakes import recorded

# A macvlan is listed like a VLAN; a tunnel has no neighbours; names may have any sign.
ODD = json.dumps(
    [
        {
            "ifname": "eth0.5",
            "link": "eth0",
            "flags": ["BROADCAST", "UP"],
            "link_type": "ether",
            "address": "d6:e1:80:ef:a0:2e",
            "addr_info": [],
        },
        {
            "ifname": "v@x+",
            "altnames": ["enp0s1"],
            "flags": ["BROADCAST"],
            "link_type": "ether",
            "address": "7e:c9:fd:40:9d:fd",
            "addr_info": [
                {"family": "inet", "local": "10.6.0.1", "address": "10.6.0.2", "prefixlen": 30, "scope": "global"},
                {"family": "inet", "local": "10.7.0.1", "prefixlen": 24, "scope": "global", "secondary": True},
            ],
        },
        {"ifname": "t1", "flags": ["POINTOPOINT", "NOARP"], "link_type": "none", "addr_info": []},
        {},
    ]
)


def test_a_recorded_host():
    found = {link.name: link for link in parse(recorded("addresses.json"))}
    assert list(found) == ["lo", "docker0", "docker_gwbridge", "veth3ef3a7f", "veth20d60e8", "eth0"]
    eth0 = found["eth0"]
    assert (eth0.mac, found["lo"].mac) == ("02:42:0a:69:41:05", "")
    assert [(str(b.address), b.prefix, str(b.network), b.scope) for b in eth0.bound] == [
        ("10.105.65.5", 24, "10.105.65.0/24", "global"),
        ("10.105.65.200", 24, "10.105.65.0/24", "global"),
        ("fd77:1::200", 64, "fd77:1::/64", "global"),
        ("fd77:1::11", 64, "fd77:1::/64", "global"),
        ("fe80::42:aff:fe69:4105", 64, "fe80::/64", "link"),
    ]


def test_vlans_point_to_point_links_and_odd_names():
    vlan, odd, tunnel = parse(ODD)
    assert (vlan.name, vlan.aliases) == ("eth0.5", ("eth0.5@eth0",))
    assert [(str(b.network), str(b.peer)) for b in odd.bound] == [("10.6.0.0/30", "10.6.0.2"), ("10.7.0.0/24", "None")]
    assert (odd.aliases, tunnel.mac) == (("enp0s1",), "")


def test_an_interface_is_found_by_any_of_its_names():
    links = parse(ODD)
    assert [link and link.name for link in (named(links, name) for name in ("eth0.5", "eth0.5@eth0", "v@x+", "enp0s1", "eth0"))] == [
        "eth0.5",
        "eth0.5",
        "v@x+",
        "v@x+",
        None,
    ]


def test_nothing_printed_is_no_interface():
    assert parse("") == []
