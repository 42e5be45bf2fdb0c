"""What a pass would do, in words (`hive-vip plan`): the same decisions, and nothing is done."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from hive_vip import marks, packet_filter, placing, rules
from hive_vip.desired import Wanted
from hive_vip.labels import IPAddress
from hive_vip.ledger import Entry, Ledger, Written
from hive_vip.links import Link
from hive_vip.snapshot import Swarm

__all__ = ["plan"]


def plan(
    wanted: Wanted, swarm: Swarm, ledger: Ledger, links: Sequence[Link], saved: Mapping[int, rules.Saved], reserved: Collection[str]
) -> list[str]:
    """What would be done, and what cannot be, a line each.

    Rules come as they are given to iptables-restore; a router that is yet to be tried is taken to answer.

    :param saved: the present rules by version of IP.
    """
    here = wanted.here
    found = placing.decide(here, links, ledger.entries)
    lines = [str(step) for step in found.steps]
    entries = _after(ledger.entries, found.steps)
    for version in packet_filter.VERSIONS:
        given = rules.given(version, here, entries)
        if rules.missing(given, saved[version], ledger.rules.get(version, Written())):
            lines += [f"IPv{version}: {line}" for line in rules.restore(given, saved[version]).splitlines()]
    marking = marks.decide(wanted.marks, swarm.node_labels, ledger.marks, swarm.node_id, reserved)
    lines += [str(step) for step in marking.steps]
    lines += [f"cannot: {reason}" for reason in (*found.errors.values(), *marking.errors.values())]
    return [*lines, *(f"refused: {each.label} of {each.service}: {each.reason}" for each in wanted.refusals)]


def _after(entries: Mapping[IPAddress, Entry], steps: Sequence[placing.Step]) -> dict[IPAddress, Entry]:
    """Our addresses when the steps are done."""
    result = dict(entries)
    for step in steps:
        if step.action in ("remove", "forget"):
            result.pop(step.entry.address, None)
        else:
            result[step.entry.address] = replace(step.entry, router=step.entry.router or "")
    return result
