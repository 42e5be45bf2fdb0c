"""The model of the host's packet filter (spec setup-hosts.md 3.2): rules, who owns them, and the texts made from them. Pure.

Everything of ours is in chains of our own, so that what Docker, fail2ban and others put into INPUT and FORWARD stays theirs (F-2):

    INPUT       -> HIVE-INPUT      the order of the specification, from `accept established` to `reject`
    FORWARD     -> HIVE-FORWARD    rejects what nobody before accepted
    DOCKER-USER -> HIVE-PUBLISHED  who may reach which published port of a container (F-5)
                   HIVE-SERVICE    the named sets of rules, called from HIVE-INPUT

DOCKER-USER is the chain that Docker calls before all of its own rules and leaves to the administrator. Docker makes it if it is not there,
and keeps what is in it; so we make it too, and it does not matter who comes first.

Each part is a file of rules on the host, in /etc/hive-nornir/firewall.d/v4 and v6. Both the live chains and the persisted file are made
from all of these files in the order of their names (F-1), so that every role can bring its own part at its own time:

    10-established 20-strict-source-ip 30-gwbridge 35-docker-internal 40-services 50-icmp 60-internal-network 70-loopback 80-ssh 90-reject
    published-NAME… set-NAME…
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from hive_nornir.errors import UsageError

__all__ = [
    "BASELINE_PARTS",
    "CHAINS",
    "FAMILIES",
    "HOOKS",
    "JUMPS",
    "PARTS_FOLDER",
    "REJECT",
    "STRICT_PART",
    "Family",
    "Ruleset",
    "baseline",
    "live_head",
    "network",
    "persisted_file",
    "persisted_head",
    "strict_ssh",
]

Family = Literal["v4", "v6"]
FAMILIES: tuple[Family, ...] = ("v4", "v6")
PARTS_FOLDER = "/etc/hive-nornir/firewall.d"
CHAINS = ("HIVE-INPUT", "HIVE-SERVICE", "HIVE-FORWARD", "HIVE-PUBLISHED")
# What of ours is called from whose chain; HOOKS: the chains among these that need not exist before.
JUMPS = {"INPUT": "HIVE-INPUT", "FORWARD": "HIVE-FORWARD", "DOCKER-USER": "HIVE-PUBLISHED"}
HOOKS = ("DOCKER-USER",)
# Parts that `baseline` may bring; the other numbers belong to other roles.
BASELINE_PARTS = ("10-established", "30-gwbridge", "35-docker-internal", "40-services", "50-icmp", "70-loopback", "80-ssh", "90-reject")
STRICT_PART = "20-strict-source-ip"
REJECT: Mapping[Family, str] = {
    "v4": "REJECT --reject-with icmp-host-prohibited",
    "v6": "REJECT --reject-with icmp6-adm-prohibited",
}

_NEW = "-m conntrack --ctstate NEW"
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


def baseline(ssh_ports: Collection[int], family: Family, gateway_ports: Collection[int] = (), *, slow_logins: bool = False) -> Ruleset:
    """What every server has (spec 3.2, orders 1, 3, 4, 5, 7, 8 and 9; which of Docker's connections F-5 is not about).

    :param ssh_ports: on which sshd is to be reached, the one in use among them (hazard L-3).
    :param gateway_ports: TCP ports of the host that its own containers may reach through docker_gwbridge (P-8).
    :param slow_logins: sshd waits for logins for ever, so that one client must not take all places (hazard L-19).
    """
    gateways = (f"-A HIVE-INPUT -i docker_gwbridge -p tcp {_NEW} -m tcp --dport {port} -j ACCEPT" for port in sorted(set(gateway_ports)))
    parts = {
        "10-established": ("-A HIVE-INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",),
        "30-gwbridge": tuple(gateways),
        "35-docker-internal": tuple(f"-A HIVE-PUBLISHED -i {bridge} -j RETURN" for bridge in ("docker0", "docker_gwbridge")),
        "40-services": ("-A HIVE-INPUT -j HIVE-SERVICE",),
        "50-icmp": (f"-A HIVE-INPUT -p {_ICMP[family]} -j ACCEPT",),
        "70-loopback": ("-A HIVE-INPUT -i lo -j ACCEPT",),
        "80-ssh": tuple(rule for port in sorted(set(ssh_ports)) for rule in _ssh(port, slow_logins)),
        "90-reject": (f"-A HIVE-INPUT -j {REJECT[family]}", f"-A HIVE-FORWARD -j {REJECT[family]}"),
    }
    if family == "v6":
        # Answers of DHCPv6 come from another address than the one that was asked (RFC 8415), so they are not ESTABLISHED.
        parts["50-icmp"] += (f"-A HIVE-INPUT -d fe80::/64 -p udp {_NEW} -m udp --dport 546 -j ACCEPT",)
    return Ruleset({name: rules for name, rules in parts.items() if rules})


def strict_ssh(ports: Collection[int], sources: Collection[str], family: Family) -> tuple[str, ...]:
    """SSH from these sources only, each limited to 5 new connections a second after a burst of 20 (spec 3.2, order 2; SSI-1).

    :param sources: addresses and networks of either family.
    """
    version = 4 if family == "v4" else 6
    networks = sorted({net for source in sources if (net := network(source)).version == version}, key=lambda net: (net[0], net.prefixlen))
    limit = "-m limit --limit 5/sec --limit-burst 20"
    return tuple(
        f"-A HIVE-INPUT -s {net} -p tcp {_NEW} -m tcp --dport {port} {limit} -j ACCEPT" for net in networks for port in sorted(set(ports))
    )


def _ssh(port: int, slow_logins: bool) -> list[str]:
    """SSH from anywhere; each address for itself, so that nobody uses up what an operator needs."""
    new = f"-A HIVE-INPUT -p tcp {_NEW} -m tcp --dport {port}"
    slower = "-m hashlimit --hashlimit-above 5/sec --hashlimit-burst 20 --hashlimit-mode srcip --hashlimit-name hive_ssh"
    return [*([f"{new} {slower} -j DROP"] if slow_logins else []), f"{new} -j ACCEPT"]


def persisted_file(ruleset: Ruleset) -> str:
    """The file that the boot service loads: our chains and the calls of them, never what others added at run time (F-3)."""
    return "\n".join([*persisted_head(), *ruleset.rules, "COMMIT", ""])


def persisted_head() -> list[str]:
    """The lines of the persisted file that come before the rules."""
    return [
        "# Made by hive-nornir from /etc/hive-nornir/firewall.d; run the role iptables instead of editing this.",
        "*filter",
        *(f":{chain} ACCEPT [0:0]" for chain in ("INPUT", "FORWARD", "OUTPUT")),
        *(f":{chain} - [0:0]" for chain in (*HOOKS, *CHAINS)),
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
