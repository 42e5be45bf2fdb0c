"""The address filters of ansible.utils that sites use, on netaddr: ipaddr, ipv4, ipv6, ipsubnet, nthhost, ipwrap, ipmath.

The results are those of the collection, version 4; its documentation ("Using the ipaddr filter") is out of date in places.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hive_nornir.errors import nearest
from hive_nornir.inventory.filters_subnet import ipmath, ipsubnet, nthhost
from hive_nornir.inventory.ip_value import Address, parse_address

__all__ = ["IP_FILTERS"]


def _neighbour(address: Address, distance: int) -> str | None:
    first, last = address.usable
    number = int(address.net.ip) + distance
    return address.at(number) if not address.single and first <= number <= last else None


def _peer(address: Address) -> str | None:
    if address.net.size == 2:  # the other one of a /31
        return address.at(int(address.net.ip) ^ 1)
    first, last = address.usable
    if address.net.size == 4 and address.is_host:  # the other usable one of a /30
        return address.at(first + last - int(address.net.ip))
    return None


def _host_prefix(address: Address) -> str | None:
    """`address/prefix` of what a host can have: neither the network's nor the broadcast address."""
    usable = address.net.size <= 2 or address.net.ip not in (address.net.network, address.net.broadcast)
    return address.host_prefix if usable else None


def _as_ipv4(address: Address) -> str | None:
    from netaddr import AddrConversionError

    if address.net.version == 4:
        return address.text
    try:
        return str(address.net.ipv4())
    except AddrConversionError:
        return None


def _to_6to4(address: Address) -> str | None:
    if address.net.version != 4 or address.private:
        return None
    number = int(address.net.ip)
    return f"2002:{number >> 16:04x}:{number & 0xFFFF:04x}::1/48"


def _unless_single(read: Callable[[Address], Any]) -> Callable[[Address], Any]:
    return lambda address: None if address.single else read(address)


_QUERIES: dict[str, Callable[[Address], Any]] = {
    "": lambda a: a.text,
    "6to4": _to_6to4,
    "address": lambda a: str(a.net.ip) if a.is_host else None,
    "address/prefix": _host_prefix,
    "bool": lambda a: True,  # noqa: ARG005 - an address is true, anything else did not get here
    "broadcast": lambda a: str(a.net.broadcast) if a.net.broadcast else None,
    "cidr": lambda a: str(a.net),
    "first_usable": _unless_single(lambda a: a.at(a.usable[0])),
    "gateway": _host_prefix,
    "host": lambda a: a.host_prefix if a.is_host else None,
    "host/prefix": _host_prefix,
    "hostmask": lambda a: str(a.net.hostmask),
    "int": lambda a: int(a.net.ip) if a.single else f"{int(a.net.ip)}/{a.net.prefixlen}",
    "ip": lambda a: str(a.net.ip) if a.is_host else None,
    "ip/prefix": _unless_single(lambda a: a.host_prefix if a.is_host else None),
    "ip_netmask": _unless_single(lambda a: f"{a.net.ip} {a.net.netmask}" if a.is_host else None),
    "ipv4": _as_ipv4,
    "ipv6": lambda a: a.text if a.net.version == 6 else str(a.net.ipv6()),
    "last_usable": _unless_single(lambda a: a.at(a.usable[1])),
    "link-local": lambda a: a.text if a.inside("169.254.0.0/16") or a.inside("fe80::/10") else None,
    "loopback": lambda a: a.text if a.inside("127.0.0.0/8") or a.inside("::1/128") else None,
    "multicast": lambda a: a.text if a.net.is_multicast() else None,
    "net": _unless_single(lambda a: None if a.is_host else a.text),
    "netmask": lambda a: str(a.net.netmask),
    "network": lambda a: str(a.net.network),
    "network/prefix": lambda a: str(a.net.cidr),
    "network_id": lambda a: str(a.net.network),
    "network_netmask": lambda a: f"{a.net.network} {a.net.netmask}",
    "network_wildcard": lambda a: f"{a.net.network} {a.net.hostmask}",
    "next_usable": lambda a: _neighbour(a, 1),
    "peer": _peer,
    "prefix": lambda a: int(a.net.prefixlen),
    "previous_usable": lambda a: _neighbour(a, -1),
    "private": lambda a: a.text if a.private else None,
    "public": lambda a: a.text if not a.private and a.net.is_unicast() and not a.net.is_loopback() and not a.net.is_reserved() else None,
    "range_usable": _unless_single(lambda a: f"{a.at(a.usable[0])}-{a.at(a.usable[1])}"),
    "revdns": lambda a: a.net.ip.reverse_dns,
    "router": _host_prefix,
    "size": lambda a: int(a.net.size),
    "size_usable": lambda a: 0 if a.single else a.usable[1] - a.usable[0] + 1,
    "subnet": lambda a: str(a.net.cidr),
    "type": lambda a: "address" if a.is_host else "network",
    "unicast": lambda a: a.text if a.net.is_unicast() else None,
    "version": lambda a: int(a.net.version),
    "wildcard": lambda a: str(a.net.hostmask),
    "wrap": lambda a: _wrapped(a.text) if a.net.version == 6 else a.text,
}


def ipaddr(value: Any, query: Any = "", version: int | None = None) -> Any:
    """What `query` asks of an address or network; of a list, the answers of its addresses.

    :param query: a word of the documentation, a network that the value must be in, or an index of an address in the network.
    :return: False when the value is no address (of this version) or the query does not fit it.
    :raises ValueError: an unknown query.
    """
    if isinstance(value, (list, tuple)):
        return [answer for item in value if (answer := ipaddr(item, query, version)) is not False]
    address = parse_address(value)
    read = _query(query)
    # Asking for an IPv4 form of an IPv6 address is what ipv6('ipv4') is for, so the version is that of the value.
    if address is None or version not in (None, address.net.version):
        return False
    answer = read(address)
    return False if answer is None else answer


def _query(query: Any) -> Callable[[Address], Any]:
    known = _QUERIES.get(str(query))
    if known is not None:
        return known
    try:
        index = int(query)
    except ValueError:
        if parse_address(query) is None:
            raise ValueError(f"ipaddr knows no query {query!r}: {nearest(str(query), [*_QUERIES])}") from None
        return lambda address: address.text if address.inside(str(query)) else None
    return lambda address: _at_index(address, index)


def _at_index(address: Address, index: int) -> str | None:
    if address.single:
        return address.text
    number = address.nth(index)
    return None if number is None else f"{address.at(number)}/{address.net.prefixlen}"


def _wrapped(text: str) -> str:
    head, slash, tail = text.partition("/")
    return f"[{head}]{slash}{tail}"


def ipwrap(value: Any) -> Any:
    """IPv6 addresses in brackets, anything else as it is."""
    if isinstance(value, (list, tuple)):
        return [ipwrap(item) for item in value]
    address = parse_address(value)
    return _wrapped(address.text) if address is not None and address.net.version == 6 else value


IP_FILTERS: dict[str, Callable[..., Any]] = {
    "ipaddr": ipaddr,
    "ipmath": ipmath,
    "ipsubnet": ipsubnet,
    "ipv4": lambda value, query="": ipaddr(value, query, 4),
    "ipv6": lambda value, query="": ipaddr(value, query, 6),
    "ipwrap": ipwrap,
    "nthhost": nthhost,
}
