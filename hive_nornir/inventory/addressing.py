"""Addresses of the hosts, and the parts of `internal_cidr` (spec inventory.md 2.3, 2.4 and 4). Pure arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from hive_nornir.errors import UsageError

__all__ = [
    "MAX_INTERNAL_PREFIX",
    "HostAddress",
    "InternalNetworks",
    "Subnet",
    "assign_addresses",
    "internal_networks",
    "internal_networks_v6",
    "zone_of",
]

MAX_INTERNAL_PREFIX = 26
"""A smaller internal_cidr has eighths below /29, too small for the networks that stand in them."""

_ZONE_SUFFIXES = ("-a", "-b", "-c")


@dataclass(frozen=True)
class Subnet:
    """A pool of addresses for hosts.

    :param skip: how many usable addresses at its beginning belong to the infrastructure: its router, and what clouds keep.
    :param addresses: the addresses themselves, when the site lists them; `skip` does not count then.
    """

    name: str
    cidr: str
    skip: int
    available_zone: str | int | None = None
    addresses: tuple[str, ...] = field(default=())

    @property
    def network(self) -> IPv4Network:
        """The network; its mask is the hosts' `hive_netmask`."""
        return IPv4Network(self.cidr)

    @property
    def capacity(self) -> int:
        """How many hosts it has room for: without network and broadcast address and what is skipped."""
        return len(self.addresses) if self.addresses else max(0, self.network.num_addresses - 2 - self.skip)

    def address(self, index: int) -> str:
        """The address of its host number `index`, from 0, below `capacity`."""
        return self.addresses[index] if self.addresses else str(self.network.network_address + 1 + self.skip + index)


@dataclass(frozen=True)
class HostAddress:
    """Where a host stands."""

    address: str
    subnet: Subnet

    @property
    def netmask(self) -> str:
        """Such as 255.255.255.224."""
        return str(self.subnet.network.netmask)


def assign_addresses(count: int, subnets: Sequence[Subnet]) -> list[HostAddress]:
    """Addresses for `count` hosts: host i stands in subnet i modulo their number, each subnet counts for itself.

    :param subnets: at least one.
    :raises UsageError: when a subnet is too small; it says what is needed and what is there.
    """
    number = len(subnets)
    for index, subnet in enumerate(subnets):
        needed = (count - index + number - 1) // number
        if needed > subnet.capacity:
            raise UsageError(
                f"{count} hosts need {needed} addresses in {subnet.cidr}, it has {subnet.capacity}",
                f"take a larger network; of its usable addresses the first {subnet.skip} are kept for the infrastructure",
            )
    return [HostAddress(subnets[i % number].address(i // number), subnets[i % number]) for i in range(count)]


def zone_of(index: int, subnet: Subnet, region: str, provider: str, suffixes: Sequence[str] | None) -> str | int:
    """The availability zone of host number `index` (spec inventory.md 2.4).

    :param suffixes: of `az_suffix_list`; None for -a, -b, -c.
    """
    if subnet.available_zone:
        return subnet.available_zone
    if provider == "azure":
        return index % 3 + 1
    chosen = suffixes or _ZONE_SUFFIXES
    return region + chosen[index % len(chosen)]


@dataclass(frozen=True)
class InternalNetworks:
    """What Docker's networks get of `internal_cidr` (spec inventory.md 4, setup-hosts.md 1.1).

    :param bip: docker0's own address with the length of its prefix, as dockerd's `bip` wants it.
    :param zabbix_bridge: the address of the host in the Zabbix network.
    """

    default_network: str
    ingress: str
    ingress_gateway: str
    gwbridge: str
    bip: str
    registry: str
    zabbix: str
    zabbix_bridge: str
    zabbix_server: str
    zabbix_web: str
    zabbix_db: str


def internal_networks(internal_cidr: str) -> InternalNetworks:
    """Cut `internal_cidr` into its parts: two quarters, then four eighths.

    :param internal_cidr: an IPv4 network of prefix length 26 or less.
    """
    whole = IPv4Network(internal_cidr)
    default, ingress, *_ = whole.subnets(prefixlen_diff=2)
    gwbridge, docker0, registry, zabbix = list(whole.subnets(prefixlen_diff=3))[4:]
    bridge, server, web, database = (str(zabbix[offset]) for offset in (1, 2, 3, 4))
    return InternalNetworks(
        default_network=str(default),
        ingress=str(ingress),
        ingress_gateway=str(ingress[1]),
        gwbridge=str(gwbridge),
        bip=f"{docker0[1]}/{docker0.prefixlen}",
        registry=str(registry),
        zabbix=str(zabbix),
        zabbix_bridge=bridge,
        zabbix_server=server,
        zabbix_web=web,
        zabbix_db=database,
    )


def internal_networks_v6(internal_cidr_v6: str) -> str:
    """The part of `internal_cidr_v6` that docker_gwbridge gets: the eighth number 4.

    :param internal_cidr_v6: an IPv6 network of prefix length 125 or less.
    """
    return str(list(IPv6Network(internal_cidr_v6).subnets(prefixlen_diff=3))[4])
