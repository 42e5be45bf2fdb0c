"""The addresses of Docker's own bridges, and that they lie beside every network that the host reaches (DOC-3, DOC-8)."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Interface, IPv4Network, ip_address, ip_network
from pathlib import Path

from hive_nornir.errors import OperationFailed
from hive_nornir.inventory.addressing import internal_networks
from hive_nornir.operations.core import Change, Observed, Operation
from hive_nornir.operations.facts import Interface

__all__ = ["bridge_address", "bridge_ranges", "gwbridge_ranges", "mothers_routes", "no_overlap", "own_networks"]

# What docker0 gets when the site reserves no range: hive-builder's choice, which its existing sites have.
DEFAULT_BIP = "172.17.128.1/16"
# Docker's own: docker0, docker_gwbridge, and br-<id> of every other bridge network.
_OWN_DEVICE = re.compile(r"\bdev (docker0|docker_gwbridge|br-[0-9a-f]{12}|veth\S*)\b")


def bridge_address(internal_cidr: str | None) -> str:
    """docker0's address with its prefix length (spec setup-hosts.md 1.1, slot 5/8)."""
    return internal_networks(internal_cidr).bip if internal_cidr else DEFAULT_BIP


def bridge_ranges(internal_cidr: str | None, interfaces: Sequence[Interface]) -> list[str]:
    """The ranges from which containers speak to their host: docker0's and docker_gwbridge's.

    :param interfaces: of the host; without `internal_cidr` Docker itself chose the range of docker_gwbridge, if that is there (P-33).
    """
    docker0 = str(IPv4Interface(bridge_address(internal_cidr)).network)
    return [docker0, *gwbridge_ranges(internal_cidr, interfaces)]


def gwbridge_ranges(internal_cidr: str | None, interfaces: Sequence[Interface]) -> list[str]:
    """The range from which a service's tasks speak to the host that they are on; none where Docker has not chosen it yet.

    :param interfaces: of the host, as for `bridge_ranges`.
    """
    if internal_cidr:
        return [str(internal_networks(internal_cidr).gwbridge)]
    found = [address for interface in interfaces if interface.name == "docker_gwbridge" for address in interface.addresses]
    return [str(IPv4Interface(address).network) for address in found if "." in address]


def own_networks(internal_cidr: str | None) -> dict[str, IPv4Network]:
    """The ranges that must be free: the whole of `internal_cidr`, or only docker0's when the site reserves none."""
    if internal_cidr:
        return {"hive_internal_cidr": IPv4Network(internal_cidr)}
    return {"docker0": IPv4Interface(DEFAULT_BIP).network}


def no_overlap(internal_cidr: str | None, addresses: Mapping[str, str], mother: str | None = None) -> Operation:
    """Refuse ranges in which a route of the host or the mother or an address of the site lies: Docker would take the traffic (DOC-8, L-8).

    :param addresses: whose -> IPv4 or IPv6 address; servers and the mother.
    :param mother: routes of the mother, as `mothers_routes` gives them, which is asked without; they count for a range that the site chose.
    """
    ranges = own_networks(internal_cidr)
    here = (mothers_routes() if mother is None else mother) if internal_cidr else ""

    def decide(seen: Observed) -> Change | None:
        found = [f"{name} {own} overlaps {what}" for name, own in ranges.items() for what in _within(own, seen.text, addresses)]
        found += [f"{name} {own} overlaps {what} of this machine" for name, own in ranges.items() for what in _within(own, here, {})]
        if found:
            raise OperationFailed(
                "; ".join(found), "give the stage an internal_cidr that neither a server nor this machine reaches, or move that network"
            )
        return None

    return Operation("ranges of Docker's networks are free", "ip -o -4 route show", decide)


def mothers_routes(table: Path = Path("/proc/net/route")) -> str:
    """The mother's IPv4 routes as ip(8) would print them, the default route left out; none where the system has no such file (proc(5))."""
    if not table.exists():
        return ""
    lines = []
    for device, target, *_, mask in (line.split()[:8] for line in table.read_text("ascii").splitlines()[1:]):
        number, bits = (int.from_bytes(bytes.fromhex(word), sys.byteorder) for word in (target, mask))
        if bits:
            lines.append(f"{IPv4Network((number, bin(bits).count('1')))} dev {device}\n")
    return "".join(lines)


def _within(own: IPv4Network, routes: str, addresses: Mapping[str, str]) -> list[str]:
    found = []
    for line in routes.splitlines():
        words = line.split()
        target = next((word for word in words[:2] if word[:1].isdigit()), None)
        if target and not _OWN_DEVICE.search(line) and ip_network(target, strict=False).overlaps(own):
            found.append(f"the route {line.strip()}")
    for name, text in addresses.items():
        address = ip_address(text)
        if address.version == 4 and address in own:
            found.append(f"{text}, the address of {name}")
    return found
