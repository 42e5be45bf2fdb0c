"""The address filters of ansible.utils that sites use, on netaddr: ipaddr, ipv4, ipv6, ipsubnet, nthhost, ipwrap, ipmath.

The results are those of the collection's documentation ("Using the ipaddr filter").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hive_nornir.errors import nearest

__all__ = ["IP_FILTERS"]

_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10", "fec0::/10")


class _Address:
    """An address, perhaps with a prefix; netaddr's network with the questions that the filters ask."""

    def __init__(self, value: Any) -> None:
        import netaddr

        if isinstance(value, bool) or value in ("", None):
            raise ValueError("not an address")
        head, slash, tail = str(value).partition("/")
        first = netaddr.IPAddress(int(head) if head.isdigit() else head, flags=0)
        self.net = netaddr.IPNetwork(f"{first}/{tail}" if slash else str(first))
        self.text = str(self.net) if slash else str(first)

    @property
    def single(self) -> bool:
        return bool(self.net.size == 1)

    @property
    def is_host(self) -> bool:
        """A host's address, not that of a network; a /31 or /127 has hosts only."""
        return self.single or bool(self.net.ip != self.net.network or (not self.net.broadcast and self.net.version == 4))

    @property
    def host_prefix(self) -> str:
        return f"{self.net.ip}/{self.net.prefixlen}"

    @property
    def usable(self) -> tuple[int, int]:
        """First and last address that a host can have, as numbers."""
        edge = 1 if self.net.size > 2 else 0  # a /31 has no network address (RFC 3021)
        return int(self.net.first) + edge, int(self.net.last) - edge

    def at(self, number: int) -> str:
        import netaddr

        return str(netaddr.IPAddress(number, self.net.version))

    def inside(self, other: str) -> bool:
        import netaddr

        network = netaddr.IPNetwork(other)
        return bool(network.version == self.net.version and network.first <= self.net.first and self.net.last <= network.last)

    @property
    def private(self) -> bool:
        return any(self.inside(network) for network in _PRIVATE)


def _neighbour(address: _Address, distance: int) -> str | None:
    first, last = address.usable
    number = int(address.net.ip) + distance
    return address.at(number) if not address.single and first <= number <= last else None


def _peer(address: _Address) -> str | None:
    if address.net.size == 2:  # the other one of a /31
        return address.at(int(address.net.ip) ^ 1)
    first, last = address.usable
    if address.net.size == 4 and address.is_host:  # the other usable one of a /30
        return address.at(first + last - int(address.net.ip))
    return None


def _as_ipv4(address: _Address) -> str | None:
    try:
        return str(address.net.ipv4())
    except (ValueError, ArithmeticError):
        return None


def _to_6to4(address: _Address) -> str | None:
    if address.net.version != 4 or address.private:
        return None
    number = int(address.net.ip)
    return f"2002:{number >> 16:04x}:{number & 0xFFFF:04x}::1/48"


def _unless_single(read: Callable[[_Address], Any]) -> Callable[[_Address], Any]:
    return lambda address: None if address.single else read(address)


_host_prefix = _unless_single(lambda a: a.host_prefix if a.is_host else None)

_QUERIES: dict[str, Callable[[_Address], Any]] = {
    "": lambda a: a.text,
    "6to4": _to_6to4,
    "address": lambda a: str(a.net.ip) if a.is_host else None,
    "address/prefix": _host_prefix,
    "bool": lambda a: True,  # noqa: ARG005 - an address is true, anything else did not get here
    "broadcast": lambda a: str(a.net.broadcast) if a.net.broadcast else None,
    "cidr": lambda a: str(a.net.cidr),
    "first_usable": _unless_single(lambda a: a.at(a.usable[0])),
    "gateway": _host_prefix,
    "host": lambda a: a.host_prefix if a.is_host else None,
    "host/prefix": _host_prefix,
    "hostmask": lambda a: str(a.net.hostmask),
    "int": lambda a: int(a.net.ip) if a.single else f"{int(a.net.ip)}/{a.net.prefixlen}",
    "ip": lambda a: str(a.net.ip) if a.is_host else None,
    "ip/prefix": _host_prefix,
    "ip_netmask": _unless_single(lambda a: f"{a.net.ip} {a.net.netmask}"),
    "ipv4": _as_ipv4,
    "ipv6": lambda a: str(a.net.ipv6()),
    "last_usable": _unless_single(lambda a: a.at(a.usable[1])),
    "link-local": lambda a: a.text if a.inside("169.254.0.0/16") or a.inside("fe80::/10") else None,
    "loopback": lambda a: a.text if a.inside("127.0.0.0/8") or a.inside("::1/128") else None,
    "multicast": lambda a: a.text if a.net.is_multicast() else None,
    "net": _unless_single(lambda a: None if a.is_host else a.text),
    "netmask": _unless_single(lambda a: str(a.net.netmask)),
    "network": _unless_single(lambda a: str(a.net.network)),
    "network/prefix": _unless_single(lambda a: str(a.net.cidr)),
    "network_netmask": _unless_single(lambda a: f"{a.net.network} {a.net.netmask}"),
    "next_usable": lambda a: _neighbour(a, 1),
    "peer": _peer,
    "prefix": lambda a: int(a.net.prefixlen),
    "previous_usable": lambda a: _neighbour(a, -1),
    "private": lambda a: a.text if a.private else None,
    "public": lambda a: a.text if not a.private and a.net.is_unicast() and not a.net.is_loopback() and not a.net.is_reserved() else None,
    "range_usable": _unless_single(lambda a: f"{a.at(a.usable[0])}-{a.at(a.usable[1])}"),
    "revdns": lambda a: a.net.ip.reverse_dns,
    "size": lambda a: int(a.net.size),
    "size_usable": lambda a: a.usable[1] - a.usable[0] + 1,
    "subnet": lambda a: str(a.net.cidr),
    "type": lambda a: "address" if a.is_host else "network",
    "unicast": lambda a: a.text if a.net.is_unicast() else None,
    "version": lambda a: int(a.net.version),
    "wildcard": lambda a: str(a.net.hostmask),
    "wrap": lambda a: _wrapped(a.text),
}


def _parsed(value: Any) -> _Address | None:
    import netaddr

    try:
        return _Address(value)
    except (ValueError, TypeError, netaddr.AddrFormatError):
        return None


def ipaddr(value: Any, query: Any = "", version: int | None = None) -> Any:
    """What `query` asks of an address or network; of a list, the answers of its addresses.

    :param query: a word of the documentation, a network that the value must be in, or an index of an address in the network.
    :return: False when the value is no address (of this version) or the query does not fit it.
    :raises ValueError: an unknown query.
    """
    if isinstance(value, (list, tuple)):
        return [answer for item in value if (answer := ipaddr(item, query, version)) is not False]
    address = _parsed(value)
    read = _query(query)
    # Asking for an IPv4 form of an IPv6 address is what ipv6('ipv4') is for, so the version is that of the value.
    if address is None or version not in (None, address.net.version):
        return False
    answer = read(address)
    return False if answer is None else answer


def _query(query: Any) -> Callable[[_Address], Any]:
    known = _QUERIES.get(str(query))
    if known is not None:
        return known
    try:
        index = int(query)
    except ValueError:
        if _parsed(query) is None:
            raise ValueError(f"ipaddr knows no query {query!r}: {nearest(str(query), [*_QUERIES])}") from None
        return lambda address: address.text if address.inside(str(query)) else None
    return lambda address: _at_index(address, index)


def _at_index(address: _Address, index: int) -> str | None:
    if address.single or not -address.net.size <= index < address.net.size:
        return None
    return f"{address.at(_nth(address, index))}/{address.net.prefixlen}"


def _nth(address: _Address, index: int) -> int:
    return int(address.net.first) + (index if index >= 0 else int(address.net.size) + index)


def nthhost(value: Any, query: Any = "") -> Any:
    """The address with this index in a network, from the end when negative; False when there is none."""
    address = _parsed(value)
    try:
        index = int(query)
    except (TypeError, ValueError):
        return False
    if address is None or not -address.net.size <= index < address.net.size:
        return False
    return address.at(_nth(address, index))


def ipsubnet(value: Any, query: Any = "", index: Any = None) -> Any:
    """Subnets of a network, the networks around an address, or the rank of one network in another.

    :param query: nothing (the value as a network), a prefix length, or a network that contains the value.
    :param index: which subnet, or how many steps inwards from the network around an address.
    :return: False when the value is no address; how many there are, as a text, when no index is given.
    :raises ValueError: the value is not inside of the network.
    """
    address = _parsed(value)
    if address is None:
        return False
    if query == "":
        return str(address.net.cidr)
    if not str(query).lstrip("-").isdigit():
        return _rank(address, str(query))
    prefix = int(query)
    if address.single:
        around = address.net.supernet(prefix)
        return str(around[int(index or 0)]) if -len(around) <= int(index or 0) < len(around) else False
    return _subnet(address, prefix, None if index is None else int(index))


def _subnet(address: _Address, prefix: int, index: int | None) -> Any:
    count = 1 << prefix - address.net.prefixlen if prefix >= address.net.prefixlen else 0
    if index is None:
        return str(count) if count else False
    if not -count <= index < count:
        return False
    # Counted, not listed: a /48 has 65,536 subnets of /64.
    width = (32 if address.net.version == 4 else 128) - prefix
    return f"{address.at(int(address.net.first) + (index % count << width))}/{prefix}"


def _rank(address: _Address, outer: str) -> str:
    import netaddr

    network = netaddr.IPNetwork(outer)
    if not address.inside(outer):
        raise ValueError(f"{address.text} is not in the network {outer}")
    return str((int(address.net.first) - int(network.first)) // int(address.net.size) + 1)


def ipmath(value: Any, amount: int) -> str:
    """An address this many further on, or back.

    :raises ValueError: the value is no address.
    """
    address = _parsed(value)
    if address is None:
        raise ValueError(f"{value!r} is not an address")
    return address.at(int(address.net.ip) + int(amount))


def _wrapped(text: str) -> str:
    head, slash, tail = text.partition("/")
    return f"[{head}]{slash}{tail}"


def ipwrap(value: Any) -> Any:
    """IPv6 addresses in brackets, anything else as it is."""
    if isinstance(value, (list, tuple)):
        return [ipwrap(item) for item in value]
    address = _parsed(value)
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
