"""An address or a network as the address filters see it."""

from __future__ import annotations

from typing import Any

__all__ = ["Address", "parse_address"]

_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10", "fec0::/10")


class Address:
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
        """Whether it is one address, without a prefix or with the longest."""
        return bool(self.net.size == 1)

    @property
    def is_host(self) -> bool:
        """A host's address, not that of a network; a /31 or /127 has hosts only."""
        return self.single or bool(self.net.ip != self.net.network or (not self.net.broadcast and self.net.version == 4))

    @property
    def host_prefix(self) -> str:
        """`address/prefix`."""
        return f"{self.net.ip}/{self.net.prefixlen}"

    @property
    def usable(self) -> tuple[int, int]:
        """First and last address that a host can have, as numbers."""
        edge = 1 if self.net.size > 2 else 0  # a /31 has no network address (RFC 3021)
        return int(self.net.first) + edge, int(self.net.last) - edge

    def at(self, number: int) -> str:
        """The address with a number, of the same IP version."""
        import netaddr

        return str(netaddr.IPAddress(number, self.net.version))

    def inside(self, other: str) -> bool:
        """Whether all of it lies in a network."""
        import netaddr

        network = netaddr.IPNetwork(other)
        return bool(network.version == self.net.version and network.first <= self.net.first and self.net.last <= network.last)

    def nth(self, index: int) -> int | None:
        """The address with this index, as a number, from the end when negative; None when there is none."""
        size = int(self.net.size)
        return int(self.net.first) + index % size if -size <= index < size else None

    @property
    def private(self) -> bool:
        """Whether it cannot be reached from the Internet."""
        return any(self.inside(network) for network in _PRIVATE)


def parse_address(value: Any) -> Address | None:
    """A text or number as an address; None when it is none."""
    import netaddr

    try:
        return Address(value)
    except (ValueError, TypeError, netaddr.AddrFormatError):
        return None
