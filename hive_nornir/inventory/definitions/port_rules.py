"""Published ports must not meet on one node (spec inventory.md 5.4)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import combinations

from hive_nornir.errors import Problem
from hive_nornir.inventory.definitions.ports import PortDefinition
from hive_nornir.inventory.definitions.service import Placement, ServiceDefinition
from hive_nornir.inventory.definitions.site import Service

__all__ = ["published_twice"]

_CONSTRAINT = re.compile(r"\s*(\S+?)\s*(==|!=)\s*(.*?)\s*")
_Use = tuple[Service, int, PortDefinition]


def published_twice(services: Iterable[Service]) -> Iterator[Problem]:
    """A problem for every pair of services that publish one port and protocol in one stage, except in host mode on nodes apart."""
    uses: dict[tuple[int, str], list[_Use]] = {}
    for service in services:
        for index, port in enumerate(service.definition.ports):
            if port.published_port:
                uses.setdefault((port.published_port, port.protocol), []).append((service, index, port))
    for (number, protocol), users in uses.items():
        for first, second in combinations(users, 2):
            shared = [stage for stage in first[0].stages if stage in second[0].stages]
            if first[0].name != second[0].name and shared and not _on_nodes_apart(first, second):
                yield second[0].place.problem(
                    f"the published port {number}/{protocol} is taken by service {first[0].name} in stage {shared[0]}",
                    "ports",
                    second[1],
                    hint="publish another port, or use mode: host with placement constraints that exclude each other",
                )


def _on_nodes_apart(first: _Use, second: _Use) -> bool:
    if first[2].mode != "host" or second[2].mode != "host":
        return False
    others = list(_constraints(second[0].definition))
    return any(_exclude(one, other) for one in _constraints(first[0].definition) for other in others)


def _constraints(service: ServiceDefinition) -> Iterator[tuple[str, str, str]]:
    written = service.placement.constraints if isinstance(service.placement, Placement) else None
    for text in [written] if isinstance(written, str) else written or []:
        found = _CONSTRAINT.fullmatch(str(text))
        if found:
            yield found[1], found[2], found[3]


def _exclude(one: tuple[str, str, str], other: tuple[str, str, str]) -> bool:
    """Whether no node can satisfy both: the same label equal to two values, or equal and unequal to one."""
    if one[0] != other[0]:
        return False
    operators = {one[1], other[1]}
    return (operators == {"=="} and one[2] != other[2]) or (operators == {"==", "!="} and one[2] == other[2])
