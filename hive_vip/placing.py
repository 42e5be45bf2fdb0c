"""Which addresses go to which interface, and which of ours go (spec 2.2, 2.4, SWX-2, SWX-3). Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Literal

from hive_vip.desired import Claim
from hive_vip.labels import IPAddress, Vip
from hive_vip.ledger import Entry
from hive_vip.links import Bound, Link, named

__all__ = ["Placing", "Step", "decide"]

Place = tuple[str, int]


@dataclass(frozen=True)
class Step:
    """One thing to be done about an address.

    :param action: remove it; forget one that went without us; add it; introduce: tell the neighbours, and check the router; own: note that
        it goes with another label now.
    """

    action: Literal["remove", "forget", "add", "introduce", "own"]
    entry: Entry

    def __str__(self) -> str:
        return f"{self.action} {self.entry}"


@dataclass(frozen=True)
class Placing:
    """What has to be done, in this order, and why an address cannot be where it should.

    :param errors: by address.
    """

    steps: Sequence[Step]
    errors: Mapping[IPAddress, str]


class _CannotBeError(Exception):
    """There is no place for an address."""


def decide(
    here: Mapping[IPAddress, Claim], links: Sequence[Link], entries: Mapping[IPAddress, Entry], held: Collection[Vip] = ()
) -> Placing:
    """Compare what has to be with what is.

    :param here: what this node has to answer for.
    :param entries: what we added.
    :param held: those that failed, and are not to be tried yet.
    """
    ours = {(entry.interface, entry.address, entry.prefix) for entry in entries.values()}
    bound = {(link.name, each.address, each.prefix) for link in links for each in link.bound}
    foreign = {address: name for name, address, prefix in sorted(bound - ours, key=str)}
    steps: list[Step] = []
    errors: dict[IPAddress, str] = {}
    kept = set()
    for entry in entries.values():
        claim = here.get(entry.address)
        there = (entry.interface, entry.address, entry.prefix) in bound
        try:
            place = _place(claim.vip, links, ours) if claim and claim.vip not in held else None
        except _CannotBeError as error:
            errors[entry.address] = str(error)
            place = (entry.interface, entry.prefix)  # its network has gone for a while, perhaps: no reason to let go
        if there and claim and place == (entry.interface, entry.prefix):
            kept.add(entry.address)
            steps += _looked_after(entry, claim.vip)
        else:
            steps.append(Step("remove" if there else "forget", entry))
    for address, claim in here.items():
        if address in kept or claim.vip in held:
            continue
        try:
            interface, prefix = _place(claim.vip, links, ours)
        except _CannotBeError as error:
            errors[address] = str(error)
            continue
        if address in foreign:
            errors[address] = f"{address} is on {foreign[address]} already, and it was not this daemon that added it"
            continue
        router = None if claim.vip.router else ""
        steps.append(Step("add", Entry(address, prefix, interface, claim.vip.service, claim.vip.label, router)))
    return Placing(tuple(steps), errors)


def _looked_after(entry: Entry, vip: Vip) -> list[Step]:
    """What is left to be done about an address that is where it should be."""
    owned = replace(entry, service=vip.service, label=vip.label)
    if vip.router and entry.router != str(vip.router):
        return [Step("introduce", owned)]
    owned = replace(owned, router=str(vip.router or ""))
    return [Step("own", owned)] if owned != entry else []


def _place(vip: Vip, links: Sequence[Link], ours: Collection[tuple[str, IPAddress, int]]) -> Place:
    """Interface and prefix for a virtual IP.

    :raises _CannotBeError: there is none.
    """
    others = [(link, each) for link in links for each in link.bound if (link.name, each.address, each.prefix) not in ours]
    if any(vip.address == each.peer for _, each in others):
        raise _CannotBeError(f"{vip.address} is the other end of a point-to-point link")
    if vip.interface:
        link = named(links, vip.interface)
        if link is None:
            raise _CannotBeError(f"there is no interface {vip.interface}")
        place = (link.name, vip.address.max_prefixlen if vip.prefix is None else vip.prefix)
    else:
        found = max((each for each in others if _serves(each[1], vip)), key=lambda each: each[1].network.prefixlen, default=None)
        if found is None:
            raise _CannotBeError(f"no interface has a network with {vip.address}; name one: {vip.address}@INTERFACE")
        place = (found[0].name, found[1].network.prefixlen)
    if _is_the_network(vip.address, place[1]):
        raise _CannotBeError(f"{vip.address}/{place[1]} is no address of a host")
    return place


def _serves(bound: Bound, vip: Vip) -> bool:
    return bound.scope not in ("host", "link") and bound.network.version == vip.address.version and vip.address in bound.network


def _is_the_network(address: IPAddress, prefix: int) -> bool:
    """Whether it is the first of its network, which means the network itself, or in IPv4 the last, which means everybody in it."""
    if prefix >= address.max_prefixlen - 1:
        return False
    network = ip_network((address, prefix), strict=False)
    return address == network.network_address or (address.version == 4 and address == network.broadcast_address)
