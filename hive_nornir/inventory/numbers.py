"""The numbers that a site's stages have been given, read from and recorded in `persistents.yml` (spec inventory.md 5.2, 5.4, 8.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hive_nornir.errors import DefinitionErrors, Problem, UsageError
from hive_nornir.inventory.allocations import allocate_device_ids, allocate_ports
from hive_nornir.inventory.definitions import Definitions
from hive_nornir.inventory.model import Stage
from hive_nornir.inventory.persistent_store import PersistentStore
from hive_nornir.inventory.persistent_values import cast
from hive_nornir.inventory.persistent_variables import BY_NAME

__all__ = ["Numbers", "persist_numbers", "read_numbers"]

_DEVICE_IDS = BY_NAME["drbd_device_map"]
_PORTS = BY_NAME["published_port_map"]


@dataclass(frozen=True)
class Numbers:
    """Recorded numbers, and those that will be recorded next.

    :param device_ids: stage -> DRBD volume -> device id.
    :param ports: stage -> port -> published port; see `allocations.port_key`.
    :param stale_volumes: stage -> volumes that have a device id and are not defined any more.
    """

    device_ids: dict[Stage, dict[str, int]] = field(default_factory=dict)
    ports: dict[Stage, dict[str, int]] = field(default_factory=dict)
    stale_volumes: dict[Stage, tuple[str, ...]] = field(default_factory=dict)


def read_numbers(store: PersistentStore, definitions: Definitions) -> Numbers:
    """The numbers of every stage that is defined; nothing is written.

    :raises DefinitionErrors: the definitions contradict what is recorded.
    """
    return _assign(store.read(), definitions, store)


def persist_numbers(store: PersistentStore, definitions: Definitions, stage: Stage, expected: Numbers) -> bool:
    """Record a stage's numbers, as the only writer.

    :param expected: the numbers as they were read.
    :return: False, with nothing written, when they are not the same any more.
    """
    with store.edit() as values:
        now = _assign(values.plain, definitions, store)
        mine = now.device_ids[stage], now.ports[stage]
        if mine != (expected.device_ids[stage], expected.ports[stage]):
            return False
        for variable, numbers in zip((_DEVICE_IDS, _PORTS), mine, strict=True):
            if numbers:
                values.put(variable, stage, numbers)
    return True


def _assign(stored: Mapping[str, Mapping[str, Any]], definitions: Definitions, store: PersistentStore) -> Numbers:
    def recorded(variable: Any, stage: Stage) -> dict[str, int]:
        value = cast(variable, stored.get(variable.name, {}).get(stage) or {}, base=store.folder)
        if not all(isinstance(number, int) for number in value.values()):
            raise UsageError(f"{store.file}: {variable.name} of stage {stage} must hold whole numbers only", "mend it by hand")
        return {str(name): number for name, number in value.items()}

    numbers = Numbers()
    problems: list[Problem] = []
    for stage in definitions.stages:
        try:
            device_ids = allocate_device_ids(definitions, recorded(_DEVICE_IDS, stage))
            numbers.device_ids[stage], numbers.stale_volumes[stage] = device_ids.numbers, device_ids.stale
        except DefinitionErrors as error:
            problems += error.problems
        try:
            numbers.ports[stage] = allocate_ports(definitions, recorded(_PORTS, stage), stage).numbers
        except DefinitionErrors as error:
            problems += error.problems
    if problems:
        raise DefinitionErrors(problems)
    return numbers
