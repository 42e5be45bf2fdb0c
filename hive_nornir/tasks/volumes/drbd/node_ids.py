"""DRBD's numbers of the hosts, which its metadata know them by: given once for each volume and never changed (pitfall 2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from hive_nornir.errors import OperationFailed
from hive_nornir.inventory.persistent_variables import BY_NAME

if TYPE_CHECKING:
    from hive_nornir.inventory.context import SiteContext

__all__ = ["assign", "forget", "recorded", "remember"]

_VARIABLE = BY_NAME["drbd_node_map"]
_NUMBERS = range(32)


def assign(hosts: Iterable[str], known: Mapping[str, int], found: Mapping[str, int]) -> dict[str, int]:
    """A number for every host: the recorded one, else the one that is in its metadata, else the lowest that nobody has.

    For a volume that was never recorded the lowest ones follow the names in their order, as hive-builder numbers them.

    :param hosts: of the stage.
    :param known: what is recorded, also of hosts that are gone; they keep their numbers.
    :param found: what the hosts themselves say.
    :raises OperationFailed: they contradict what is recorded, or each other.
    """
    numbers = dict(known)
    for host, number in found.items():
        if numbers.setdefault(host, number) != number:
            raise OperationFailed(
                f"{host} has DRBD's node id {number} and is recorded with {numbers[host]}",
                f"its copy was made elsewhere; if it is right, correct {_VARIABLE.name} in .hive/persistents.yml",
            )
    if twice := [f"{one} and {other}" for one in numbers for other in numbers if one < other and numbers[one] == numbers[other]]:
        raise OperationFailed(f"{', '.join(twice)} have the same DRBD node id", f"see {_VARIABLE.name} in .hive/persistents.yml")
    free = (number for number in _NUMBERS if number not in numbers.values())
    for host in sorted(hosts):
        if host not in numbers:
            numbers[host] = next(free)
    return numbers


def recorded(context: SiteContext, volume: str) -> dict[str, int]:
    """Host -> number, as the stage has it recorded for a volume."""
    numbers: Mapping[str, Mapping[str, int]] = context.persistents.get(_VARIABLE.name)[0]
    return dict(numbers.get(volume) or {})


def remember(context: SiteContext, volume: str, numbers: Mapping[str, int]) -> None:
    """Record the numbers of a volume, before anything is made with them."""
    _store(context, volume, dict(numbers))


def forget(context: SiteContext, volume: str) -> None:
    """The volume is on no host any more."""
    _store(context, volume, None)


def _store(context: SiteContext, volume: str, numbers: dict[str, int] | None) -> None:
    stage = context.stage
    with context.persistents.store.edit() as values:
        everything = dict(values.plain.get(_VARIABLE.name, {}).get(stage) or {})
        everything.pop(volume, None)
        if numbers is not None:
            everything[volume] = numbers
        if everything:
            values.put(_VARIABLE, stage, dict(sorted(everything.items())))
        else:
            values.drop(_VARIABLE.name, stage)
