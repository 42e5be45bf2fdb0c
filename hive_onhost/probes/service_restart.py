"""`hive-service-restart`: whether a service was started anew just now (swarm-extension.md 5.2)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hive_onhost.failure import NOT_FOUND, Failure
from hive_onhost.options import UsageProblem
from hive_onhost.probes import units
from hive_onhost.probes.answers import probe
from hive_onhost.probes.local import output

if TYPE_CHECKING:
    from hive_onhost.probes.answers import Answer

__all__ = ["main"]

# For so many seconds a service counts as restarted; and for so long after the host was started, none does.
_RECENT = 180


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    return probe(_restart, arguments, "usage: hive-service-restart SERVICE")


def _restart(arguments: Sequence[str]) -> Answer:
    """1 if it was, else 0."""
    if len(arguments) != 1:
        raise UsageProblem("one service is wanted")
    name = units.unit(arguments[0])
    host = units.properties(output(["systemctl", "show", "-p", "UserspaceTimestampMonotonic"]))
    found = units.properties(output(["systemctl", "show", "-p", "LoadState", "-p", "ActiveEnterTimestampMonotonic", "--", name]))
    if found.get("LoadState") == "not-found":
        raise Failure(f"there is no unit {name}", NOT_FOUND)
    now = time.clock_gettime(time.CLOCK_MONOTONIC)
    started, entered = (int(text) / 1e6 for text in (host["UserspaceTimestampMonotonic"], found["ActiveEnterTimestampMonotonic"]))
    return int(entered > 0 and now - entered < _RECENT <= now - started)
