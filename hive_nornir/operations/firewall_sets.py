"""Sets of rules that roles bring by name: whose connections a port takes (spec setup-hosts.md 3.2 and F-5). Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from hive_nornir.errors import UsageError
from hive_nornir.operations.firewall_rules import REJECT, Family, network

__all__ = ["InternalNetwork", "NamedSet", "PublishedSet"]

_SET_NAME = re.compile(r"[a-z0-9_]{1,40}")


@dataclass(frozen=True)
class NamedSet:
    """A consumer's ports, open to its sources (spec 3.2).

    :param name: `docker_api_swarm`; in the comment `allow NAME` of its rules.
    :param protocol: tcp or udp.
    :param ports: numbers, or ranges `7000:7999`.
    :param sources: addresses and networks of either family; none at all means no rule at all.
    :cvar chains: in which its rules are.
    :cvar hooks: chains of others that must call ours for it.
    """

    name: str
    protocol: Literal["tcp", "udp"]
    ports: Sequence[int | str]
    sources: Collection[str]

    chains: ClassVar[tuple[str, ...]] = ("HIVE-SERVICE",)
    hooks: ClassVar[tuple[str, ...]] = ()
    _fewest: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if not _SET_NAME.fullmatch(self.name):
            raise UsageError(f"{self.name!r} cannot be the name of a set of rules", "small letters, digits and _ only")
        # iptables-extensions(8), multiport: up to 15 ports, a range counts as two.
        if not self._fewest <= sum(2 if ":" in port else 1 for port in _ports(self.ports)) <= 15:
            raise UsageError(
                f"the set of rules {self.name} has no ports, or more than fit into one rule", "at most 15, a range counts as two"
            )
        for source in self.sources:
            network(source)

    @property
    def part(self) -> str:
        """The name of its part of a ruleset."""
        return f"set-{self.name}"

    @property
    def comment(self) -> str:
        """The comment of its rules, and of no others."""
        return f"allow {self.name}"

    @property
    def summary(self) -> str:
        """What it lets in, in words."""
        number = len(set(self.sources))
        return f"{self.protocol} {','.join(map(str, self.ports))} for {number} source{'s' if number != 1 else ''}"

    def rules(self, family: Family) -> tuple[str, ...]:
        """One rule a source, in order of address."""
        new = f"-p {self.protocol} -m conntrack --ctstate NEW -m multiport --dports {','.join(_ports(self.ports))}"
        return tuple(f"-A HIVE-SERVICE {source}{new} {self._remark} -j ACCEPT" for source in self._from(family))

    @property
    def _remark(self) -> str:
        return f'-m comment --comment "{self.comment}"'

    def _from(self, family: Family) -> list[str]:
        """The conditions on the source; from anywhere is none, and iptables-save does not print it."""
        version = 4 if family == "v4" else 6
        networks = {net for source in self.sources if (net := network(source)).version == version}
        ordered = sorted(networks, key=lambda net: (net.network_address, net.prefixlen))
        return [f"-s {net} " if net.prefixlen else "" for net in ordered]


@dataclass(frozen=True)
class PublishedSet(NamedSet):
    """Ports that Docker publishes, open to their sources only (F-5).

    Connections to them are translated and forwarded, and never meet INPUT; they are known by the port that they were made to. Those that
    Docker does not translate (IPv6 as long as it does so for IPv4 only) are taken by its proxy, a process of the host, for which the ports
    are opened as a named set's are. Containers that speak to each other in their own network are not translated, and not looked at.

    :param name: in the comment `published NAME` of its rules.
    :param ports: on the host, as published, not the container's own; none at all lifts the restriction.
    :param sources: none at all keeps everybody out.
    """

    chains: ClassVar[tuple[str, ...]] = ("HIVE-SERVICE", "HIVE-PUBLISHED")
    hooks: ClassVar[tuple[str, ...]] = ("DOCKER-USER",)
    _fewest: ClassVar[int] = 0

    @property
    def part(self) -> str:
        """The name of its part of a ruleset."""
        return f"published-{self.name}"

    @property
    def comment(self) -> str:
        """The comment of its rules, and of no others."""
        return f"published {self.name}"

    @property
    def summary(self) -> str:
        """What it lets in, in words."""
        return super().summary if self.ports else "no ports"

    def rules(self, family: Family) -> tuple[str, ...]:
        """What the proxy takes; then for each port whom Docker's own rules may let in, and that nobody else gets there."""
        if not self.ports:
            return ()
        found = [*super().rules(family)]
        for port in _ports(self.ports):
            translated = "-m conntrack --ctstate NEW -m conntrack --ctstate DNAT"
            to = f"-p {self.protocol} {translated} --ctorigdstport {port} --ctdir ORIGINAL {self._remark}"
            found += [f"-A HIVE-PUBLISHED {source}{to} -j RETURN" for source in self._from(family)]
            found.append(f"-A HIVE-PUBLISHED {to} -j {REJECT[family]}")
        return tuple(found)


@dataclass(frozen=True)
class InternalNetwork:
    """The servers' own network, whose every connection is let in (spec 3.2, order 6).

    :param interface: by which it comes; nothing that claims its addresses and comes by another is meant.
    :param source: the network.
    """

    interface: str
    source: str

    part: ClassVar[str] = "60-internal-network"
    comment: ClassVar[str] = "internal network"
    chains: ClassVar[tuple[str, ...]] = ("HIVE-INPUT",)
    hooks: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        network(self.source)
        # What the kernel allows as a name (dev_valid_name), without what would end a word for iptables-restore(8).
        if not re.fullmatch(r"[^\s/\"'\\]{1,15}", self.interface):
            raise UsageError(f"{self.interface!r} is no name of an interface")

    @property
    def summary(self) -> str:
        """What it lets in, in words."""
        return f"{self.source} by {self.interface}"

    def rules(self, family: Family) -> tuple[str, ...]:
        """One rule, of the network's own family."""
        net = network(self.source)
        if net.version != (4 if family == "v4" else 6):
            return ()
        new = f'-i {self.interface} -m conntrack --ctstate NEW -m comment --comment "{self.comment}"'
        return (f"-A HIVE-INPUT -s {net} {new} -j ACCEPT",)


def _ports(ports: Sequence[int | str]) -> list[str]:
    """Ports and ranges in order, each once."""
    found: set[tuple[int, int]] = set()
    for port in ports:
        match = re.fullmatch(r"(\d{1,5})(?:[:-](\d{1,5}))?", str(port))
        low, high = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= low <= high <= 65535:
            raise UsageError(f"{port!r} is no port and no range of ports", "1 to 65535, a range as 7000:7999")
        found.add((low, high))
    return [str(low) if low == high else f"{low}:{high}" for low, high in sorted(found)]
