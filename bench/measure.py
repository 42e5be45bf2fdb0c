"""A measure with its target, and the table of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Measure", "best_of", "show"]


@dataclass(frozen=True)
class Measure:
    """What was measured.

    :param most: the target: the value may not be larger.
    :param how: the numbers behind it.
    """

    name: str
    value: float
    most: float
    how: str = ""

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return self.value <= self.most


def best_of(times: int, function: Callable[[], object]) -> float:
    """Seconds of the quickest of several calls: the others were held up by something else on the machine."""
    return min(_seconds(function) for _ in range(times))


def _seconds(function: Callable[[], object]) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def show(measures: list[Measure]) -> None:
    """Print the table."""
    width = max(len(measure.name) for measure in measures)
    for measure in measures:
        verdict = "ok  " if measure.met else "MISS"
        print(f"{verdict} {measure.name:<{width}}  {measure.value:8.2f}  (at most {measure.most:g})  {measure.how}")
