"""The host's interfaces and their addresses, from `ip -j addr` (SWX-10). Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from hive_vip.labels import IPAddress

__all__ = ["Bound", "Link", "named", "parse"]


@dataclass(frozen=True)
class Bound:
    """An address of an interface.

    :param network: what is reached through it; on a point-to-point link the other end's.
    :param peer: the other end of a point-to-point link, or None.
    :param scope: global, link, host …
    """

    address: IPAddress
    prefix: int
    network: IPv4Network | IPv6Network
    peer: IPAddress | None = None
    scope: str = "global"


@dataclass(frozen=True)
class Link:
    """An interface.

    :param aliases: other names for it: those it was given, and `eth0.5@eth0`, as listings for people show a VLAN.
    :param mac: of an Ethernet interface; "" of others, which have no neighbours to be told.
    """

    name: str
    bound: Sequence[Bound] = ()
    mac: str = ""
    aliases: Sequence[str] = ()


def parse(text: str) -> list[Link]:
    """The interfaces, from what `ip -j addr show` printed."""
    return [_link(each) for each in json.loads(text or "[]") if each.get("ifname")]


def named(links: Iterable[Link], name: str) -> Link | None:
    """The interface of this name, else the one with this alias."""
    known = list(links)
    exact = (link for link in known if link.name == name)
    return next(exact, None) or next((link for link in known if name in link.aliases), None)


def _link(data: dict[str, Any]) -> Link:
    name = data["ifname"]
    aliases = [*data.get("altnames", []), *([f"{name}@{data['link']}"] if data.get("link") else [])]
    ethernet = data.get("link_type") == "ether" and "NOARP" not in data.get("flags", [])
    bound = tuple(_bound(each) for each in data.get("addr_info", []) if each.get("local"))
    return Link(name, bound, data.get("address", "") if ethernet else "", tuple(aliases))


def _bound(data: dict[str, Any]) -> Bound:
    local, prefix = ip_address(data["local"]), int(data["prefixlen"])
    peer = ip_address(data["address"]) if data.get("address") else None
    network = ip_network((peer or local, prefix), strict=False)
    return Bound(local, prefix, network, peer, data.get("scope", "global"))
