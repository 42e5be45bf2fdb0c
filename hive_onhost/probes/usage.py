"""What containers use, as `docker stats` counts it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hive_onhost.failure import ENGINE, Failure

if TYPE_CHECKING:
    from docker.models.containers import Container

__all__ = ["METRICS", "look", "mean"]

# Between two looks at how much time of the processors went by; the engine's own would take two seconds.
_BETWEEN = 0.5


def look(container: Container, *, twice: bool) -> dict[str, Any]:
    """What the engine says of a container.

    :param twice: also how much it has used since half a second ago, which the processor's share is made of.
    """
    before = _now(container)
    if not twice:
        return before
    time.sleep(_BETWEEN)
    return {**_now(container), "precpu_stats": before["cpu_stats"]}


def _now(container: Container) -> dict[str, Any]:
    told: dict[str, Any] = container.stats(stream=False, one_shot=True)  # type: ignore[assignment]
    return told


def cpu(stats: Mapping[str, Any]) -> float:
    """Per cent of one processor: what the container used, of what all had, times how many there are."""
    now, before = stats["cpu_stats"], stats["precpu_stats"]
    used = now["cpu_usage"]["total_usage"] - before["cpu_usage"]["total_usage"]
    of = now["system_cpu_usage"] - before["system_cpu_usage"]
    if of <= 0:
        raise Failure("no time has passed between the two looks", ENGINE)
    return float(used / of * now["online_cpus"] * 100)


def memory(stats: Mapping[str, Any]) -> float:
    """Bytes; what the kernel keeps of files and gives up when it has to does not count, as in `docker stats`."""
    found = stats["memory_stats"]
    details = found.get("stats") or {}
    kept = details.get("inactive_file", details.get("total_inactive_file", 0))
    return float(max(0, found["usage"] - kept))


def memory_limit(stats: Mapping[str, Any]) -> float:
    """Bytes; the machine's where the service has no limit."""
    return float(stats["memory_stats"]["limit"])


def memory_percent(stats: Mapping[str, Any]) -> float:
    """Per cent of the limit."""
    return memory(stats) / memory_limit(stats) * 100


METRICS: dict[str, Callable[[Mapping[str, Any]], float]] = {
    "cpu": cpu,
    "memory": memory,
    "memory_percent": memory_percent,
    "memory_limit": memory_limit,
}


def mean(metric: str, found: Sequence[Mapping[str, Any]]) -> float:
    """The mean over containers.

    :raises Failure: an engine does not tell, for example since the container is ending.
    """
    values = []
    for stats in found:
        try:
            values.append(METRICS[metric](stats))
        except (KeyError, ZeroDivisionError, TypeError) as error:
            raise Failure(f"the engine does not tell {metric}: {error!r}", ENGINE) from error
    return sum(values) / len(values)
