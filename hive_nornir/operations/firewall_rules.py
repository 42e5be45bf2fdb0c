"""The model of the host's packet filter (spec setup-hosts.md 3.2): rules, who owns them, and the texts made from them. Pure.

Everything of ours is in chains of our own, so that what Docker, fail2ban and others put into INPUT and FORWARD stays theirs (F-2):

    INPUT   -> HIVE-INPUT    the order of the specification, from `accept established` to `reject`
    FORWARD -> HIVE-FORWARD  rejects what nobody before accepted
               HIVE-SERVICE  the named sets of rules, called from HIVE-INPUT

Each part is a file of rules on the host, in /etc/hive-nornir/firewall.d/v4 and v6. Both the live chains and the persisted file are made
from all of these files in the order of their names (F-1), so that every role can bring its own part at its own time:

    10-established 20-strict-source-ip 30-gwbridge 40-services 50-icmp 60-internal-network 70-loopback 80-ssh 90-reject set-NAME…
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from hive_nornir.errors import UsageError

__all__ = [
    "BASELINE_PARTS",
    "CHAINS",
    "JUMPS",
    "STRICT_PART",
    "Family",
    "NamedSet",
    "Ruleset",
    "baseline",
    "live_head",
    "network",
    "persisted_file",
    "persisted_head",
]

Family = Literal["v4", "v6"]
CHAINS = ("HIVE-INPUT", "HIVE-SERVICE", "HIVE-FORWARD")
JUMPS = {"INPUT": "HIVE-INPUT", "FORWARD": "HIVE-FORWARD"}
# Parts that `baseline` may bring; the other numbers belong to other roles.
BASELINE_PARTS = ("10-established", "30-gwbridge", "40-services", "50-icmp", "70-loopback", "80-ssh", "90-reject")
STRICT_PART = "20-strict-source-ip"

_SET_NAME = re.compile(r"[a-z0-9_]{1,40}")
_REJECT = {"v4": "icmp-host-prohibited", "v6": "icmp6-adm-prohibited"}
_ICMP = {"v4": "icmp", "v6": "ipv6-icmp"}


@dataclass(frozen=True)
class Ruleset:
    """The parts of one address family: name to rules, each as iptables-save(8) writes it, `-A HIVE-INPUT -i lo -j ACCEPT`."""

    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def rules(self) -> tuple[str, ...]:
        """All rules in the order of their parts."""
        return tuple(rule for name in sorted(self.parts) for rule in self.parts[name])

    def chain(self, name: str) -> tuple[str, ...]:
        """The rules of one chain."""
        return tuple(rule for rule in self.rules if rule.startswith(f"-A {name} "))


@dataclass(frozen=True)
class NamedSet:
    """A consumer's ports, open to its sources (spec 3.2).

    :param name: `docker_api_swarm`; in the comment `allow NAME` of its rules.
    :param protocol: tcp or udp.
    :param ports: numbers, or ranges `7000:7999`.
    :param sources: addresses and networks of either family; none at all means no rule at all.
    """

    name: str
    protocol: Literal["tcp", "udp"]
    ports: Sequence[int | str]
    sources: Collection[str]

    def __post_init__(self) -> None:
        if not _SET_NAME.fullmatch(self.name):
            raise UsageError(f"{self.name!r} cannot be the name of a set of rules", "small letters, digits and _ only")
        # iptables-extensions(8), multiport: up to 15 ports, a range counts as two.
        if not 1 <= sum(2 if ":" in port else 1 for port in _ports(self.ports)) <= 15:
            raise UsageError(
                f"the set of rules {self.name} has no ports, or more than fit into one rule", "at most 15, a range counts as two"
            )
        for source in self.sources:
            network(source)

    @property
    def part(self) -> str:
        """The name of its part of a ruleset."""
        return f"set-{self.name}"

    def rules(self, family: Family) -> tuple[str, ...]:
        """One rule a source, in order of address."""
        version = 4 if family == "v4" else 6
        networks = {net for source in self.sources if (net := network(source)).version == version}
        new = f"-p {self.protocol} -m conntrack --ctstate NEW -m multiport --dports {','.join(_ports(self.ports))}"
        tail = f'-m comment --comment "allow {self.name}" -j ACCEPT'
        # From anywhere is no condition, and iptables-save does not print it.
        sources = [f"-s {net} " if net.prefixlen else "" for net in sorted(networks, key=lambda net: (net.network_address, net.prefixlen))]
        return tuple(f"-A HIVE-SERVICE {source}{new} {tail}" for source in sources)


def baseline(ssh_ports: Collection[int], family: Family, gateway_ports: Collection[int] = ()) -> Ruleset:
    """What every server has (spec 3.2, orders 1, 3, 4, 5, 7, 8 and 9).

    :param ssh_ports: on which sshd is to be reached, the one in use among them (hazard L-3).
    :param gateway_ports: TCP ports of the host that its own containers may reach through docker_gwbridge (P-8).
    """
    new = "-m conntrack --ctstate NEW"
    forward = f"-A HIVE-FORWARD -j REJECT --reject-with {_REJECT[family]}"
    parts = {
        "10-established": ("-A HIVE-INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",),
        "30-gwbridge": tuple(
            f"-A HIVE-INPUT -i docker_gwbridge -p tcp {new} -m tcp --dport {p} -j ACCEPT" for p in sorted(set(gateway_ports))
        ),
        "40-services": ("-A HIVE-INPUT -j HIVE-SERVICE",),
        "50-icmp": (f"-A HIVE-INPUT -p {_ICMP[family]} -j ACCEPT",),
        "70-loopback": ("-A HIVE-INPUT -i lo -j ACCEPT",),
        "80-ssh": tuple(f"-A HIVE-INPUT -p tcp {new} -m tcp --dport {port} -j ACCEPT" for port in sorted(set(ssh_ports))),
        "90-reject": (f"-A HIVE-INPUT -j REJECT --reject-with {_REJECT[family]}", forward),
    }
    if family == "v6":
        # Answers of DHCPv6 come from another address than the one that was asked (RFC 8415), so they are not ESTABLISHED.
        parts["50-icmp"] += (f"-A HIVE-INPUT -d fe80::/64 -p udp {new} -m udp --dport 546 -j ACCEPT",)
    return Ruleset({name: rules for name, rules in parts.items() if rules})


def persisted_file(ruleset: Ruleset) -> str:
    """The file that the boot service loads: our chains and the calls of them, never what others added at run time (F-3)."""
    return "\n".join([*persisted_head(), *ruleset.rules, "COMMIT", ""])


def persisted_head() -> list[str]:
    """The lines of the persisted file that come before the rules."""
    return [
        "# Made by hive-nornir from /etc/hive-nornir/firewall.d; run the role iptables instead of editing this.",
        "*filter",
        *(f":{chain} ACCEPT [0:0]" for chain in ("INPUT", "FORWARD", "OUTPUT")),
        *(f":{chain} - [0:0]" for chain in CHAINS),
        *(f"-A {chain} -j {own}" for chain, own in JUMPS.items()),
    ]


def live_head(chains: Sequence[str] = CHAINS) -> list[str]:
    """The first lines for `iptables-restore --noflush`: with it, only the chains that are named here are emptied (F-2)."""
    return ["*filter", *(f":{chain} - [0:0]" for chain in chains)]


def network(source: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """The network of an address or a network, host bits cleared.

    :raises UsageError: it is neither.
    """
    try:
        return ipaddress.ip_network(source, strict=False)
    except ValueError as error:
        raise UsageError(f"{source!r} is no address and no network", "the packet filter takes no names") from error


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
