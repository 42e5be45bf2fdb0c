"""The filters of ansible.utils that count in networks: ipsubnet, nthhost, ipmath."""

from __future__ import annotations

from typing import Any

from hive_nornir.inventory.ip_value import Address, parse_address

__all__ = ["ipmath", "ipsubnet", "nthhost"]


def nthhost(value: Any, query: Any = "") -> Any:
    """The address with this index in a network, from the end when negative; False when there is none."""
    address = parse_address(value)
    try:
        index = int(query)
    except (TypeError, ValueError):
        return False
    number = address.nth(index) if address is not None else None
    return False if address is None or number is None else address.at(number)


def ipsubnet(value: Any, query: Any = "", index: Any = None) -> Any:
    """Subnets of a network, the networks around an address, or the rank of one network in another.

    :param query: nothing (the value as a network), a prefix length, or a network that contains the value.
    :param index: which subnet, or how many steps inwards from the network around an address.
    :return: False when the value is no address; how many there are, as a text, when no index is given.
    :raises ValueError: the value is not inside of the network.
    """
    address = parse_address(value)
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


def _subnet(address: Address, prefix: int, index: int | None) -> Any:
    count = 1 << prefix - address.net.prefixlen if prefix >= address.net.prefixlen else 0
    if index is None:
        return str(count) if count else False
    if not -count <= index < count:
        return False
    # Counted, not listed: a /48 has 65,536 subnets of /64.
    width = (32 if address.net.version == 4 else 128) - prefix
    return f"{address.at(int(address.net.first) + (index % count << width))}/{prefix}"


def _rank(address: Address, outer: str) -> str:
    import netaddr

    network = netaddr.IPNetwork(outer)
    if not address.inside(outer):
        raise ValueError(f"{address.text} is not in the network {outer}")
    return str((int(address.net.first) - int(network.first)) // int(address.net.size) + 1)


def ipmath(value: Any, amount: int) -> str:
    """An address this many further on, or back.

    :raises ValueError: the value is no address.
    """
    address = parse_address(value)
    if address is None:
        raise ValueError(f"{value!r} is not an address")
    return address.at(int(address.net.ip) + int(amount))
