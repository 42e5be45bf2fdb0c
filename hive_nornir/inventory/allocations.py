"""Numbers that the tool assigns and must never change: DRBD device ids and published ports (spec inventory.md 5.2, 5.4, pitfall 2).

Pure: from the definitions and what is recorded for a stage to what is to be recorded. Who writes it down is `persistents`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hive_nornir.errors import DefinitionErrors, HiveError, Problem
from hive_nornir.inventory.definitions import Definitions, Service
from hive_nornir.inventory.definitions.ports import PortDefinition
from hive_nornir.inventory.model import Stage

__all__ = ["DEVICE_IDS", "PORTS", "Allocation", "allocate_device_ids", "allocate_ports", "port_key"]

DEVICE_IDS = range(1, 256)
PORTS = range(61001, 65535)
_KEY = re.compile(r"[^:]+:\d+/(tcp|udp|sctp)")


@dataclass(frozen=True)
class Allocation:
    """The numbers of one stage.

    :param numbers: everything to record, old and new.
    :param added: what was assigned now.
    :param stale: recorded names that no definition has any more; they keep their number until somebody releases it.
    """

    numbers: dict[str, int]
    added: dict[str, int]
    stale: tuple[str, ...]


def allocate_device_ids(definitions: Definitions, recorded: Mapping[str, int]) -> Allocation:
    """A device id for every DRBD volume: the given one, else the recorded one, else the lowest that is free.

    All volumes of the site count, not only those of the stage, so that a volume that comes to a stage later has its number.

    :param recorded: the stage's `drbd_device_map`, volume -> id.
    :raises DefinitionErrors: when a given id differs from the recorded one or belongs to another volume.
    :raises HiveError: when no id is free.
    """
    volumes = {volume.name: volume for volume in definitions.volumes.values() if volume.kind == "drbd"}
    given = {volume.name: volume.device_id for volume in volumes.values() if volume.device_id}
    stale = tuple(name for name in recorded if name not in volumes)
    problems = []
    for name, number in given.items():
        if recorded.get(name, number) != number:
            message = f"the volume {name!r} has device id {recorded[name]} on its servers, it cannot become {number}"
            problems.append(volumes[name].place.problem(message, "drbd", "device_id", hint="set it back, or destroy the volume first"))
        for other in (other for other, taken in recorded.items() if taken == number and other != name):
            hint = f"release the id of {other!r}, which is not defined any more" if other in stale else "choose another"
            problems.append(volumes[name].place.problem(f"device id {number} belongs to {other!r}", "drbd", "device_id", hint=hint))
    if problems:
        raise DefinitionErrors(problems)
    added = {name: number for name, number in given.items() if name not in recorded}
    free = (number for number in DEVICE_IDS if number not in {*recorded.values(), *added.values()})
    for name in volumes:
        if name not in recorded and name not in added:
            added[name] = _take(free, f"device id for the DRBD volume {name!r}", DEVICE_IDS, stale)
    return Allocation({**recorded, **added}, added, stale)


def port_key(service: str, target_port: int, protocol: str) -> str:
    """The name under which an assigned port is recorded: `web:8081/tcp`."""
    return f"{service}:{target_port}/{protocol}"


def allocate_ports(definitions: Definitions, recorded: Mapping[str, int], stage: Stage) -> Allocation:
    """A published port for every port that has none of its own: the recorded one, else the lowest that is free.

    hive-builder's keys, service and target without anything between them (`web8081`), become ours. Where one of them
    stands for several services, the first that is defined keeps the number.

    :param recorded: the stage's `published_port_map`.
    :raises DefinitionErrors: when a service of the stage publishes a port that is assigned to another.
    :raises HiveError: when no port is free.
    """
    wanted = {port_key(service.name, port.target_port, port.protocol): (service, port) for service, port in _unpublished(definitions)}
    numbers = {key: number for key, number in recorded.items() if _KEY.fullmatch(key)}
    old = {key: number for key, number in recorded.items() if key not in numbers}
    numbers |= _migrated(wanted, old, numbers)
    explicit = list(_published(definitions))
    _refuse_taken(explicit, wanted, numbers, stage)
    known = {f"{service.name}{port.target_port}" for service in definitions.services.values() for port in service.definition.ports}
    kept = {key: number for key, number in old.items() if key not in known}
    stale = tuple(key for key in [*numbers, *kept] if key not in wanted)
    taken = {*recorded.values(), *(port.published_port for _, _, port in explicit)}
    free = (number for number in PORTS if number not in taken)
    added = {key: _take(free, f"published port for {key}", PORTS, stale) for key in wanted if key not in numbers}
    return Allocation({**kept, **numbers, **added}, added, stale)


def _unpublished(definitions: Definitions) -> Iterator[tuple[Service, PortDefinition]]:
    for service in definitions.services.values():
        yield from ((service, port) for port in service.definition.ports if port.published_port is None)


def _published(definitions: Definitions) -> Iterator[tuple[Service, int, PortDefinition]]:
    for service in definitions.services.values():
        yield from ((service, index, port) for index, port in enumerate(service.definition.ports) if port.published_port)


def _migrated(wanted: Mapping[str, tuple[Service, PortDefinition]], old: Mapping[str, int], numbers: Mapping[str, int]) -> dict[str, int]:
    taken = {(number, key.rsplit("/", 1)[1]) for key, number in numbers.items()}
    found: dict[str, int] = {}
    for key, (service, port) in wanted.items():
        number = old.get(f"{service.name}{port.target_port}")
        if number is not None and key not in numbers and (number, port.protocol) not in taken:
            found[key] = number
            taken.add((number, port.protocol))
    return found


def _refuse_taken(
    explicit: list[tuple[Service, int, PortDefinition]],
    wanted: Mapping[str, tuple[Service, PortDefinition]],
    numbers: Mapping[str, int],
    stage: Stage,
) -> None:
    holders = {(numbers[key], port.protocol): key for key, (service, port) in wanted.items() if key in numbers and stage in service.stages}
    problems: list[Problem] = []
    for service, index, port in explicit:
        holder = holders.get((port.published_port or 0, port.protocol))
        if holder and stage in service.stages:
            message = f"the published port {port.published_port}/{port.protocol} is assigned to {holder} in stage {stage}"
            problems.append(service.place.problem(message, "ports", index, hint="publish another port"))
    if problems:
        raise DefinitionErrors(problems)


def _take(free: Iterator[int], what: str, numbers: range, stale: tuple[str, ...]) -> int:
    number = next(free, None)
    if number is None:
        hint = f"recorded for what is not defined any more: {', '.join(stale)}" if stale else "define fewer"
        raise HiveError(f"no {what} is free: all of {numbers[0]} to {numbers[-1]} are taken", hint)
    return number
