"""How the probes end: an answer on standard output; or a message there too, since the agent takes both, and in the system's log."""

from __future__ import annotations

import json
import math
import syslog
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from hive_onhost.failure import Failure
from hive_onhost.options import run

__all__ = ["Answer", "discovered", "log", "probe"]

if TYPE_CHECKING:
    Answer = float | str | Sequence[Any]

# Zabbix' agent refuses these in an item's parameters, so nothing is discovered that could not be asked for.
_REFUSED = frozenset("\\'\"`*?[]{}~$!&;()<>|#@\n")


def probe(ask: Callable[[Sequence[str]], Answer], arguments: Sequence[str], usage: str, facility: int = syslog.LOG_DAEMON) -> int:
    """Run a probe and print its answer: a number, a text, or anything else as JSON.

    :param facility: where diagnostics go (swarm-extension.md 5.1).
    :returns: the exit code.
    """
    syslog.openlog(usage.split()[1], syslog.LOG_PID, facility)

    def ask_and_print(given: Sequence[str]) -> int:
        try:
            print(_written(ask(given)), flush=True)
        except Failure as failure:
            log(str(failure))
            raise
        return 0

    return run(ask_and_print, arguments, usage)


def log(message: str) -> None:
    """Note a diagnosis in the system's log."""
    syslog.syslog(syslog.LOG_WARNING, message)


def discovered(found: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """A discovery's list, for Zabbix: macros and their values, without those that no item could be asked for."""
    kept = []
    for macros in found:
        if any(_REFUSED & set(value) for value in macros.values()):
            log(f"Zabbix' agent cannot be asked for {' '.join(macros.values())}")
        else:
            kept.append({f"{{#{name}}}": value for name, value in macros.items()})
    return kept


def _written(answer: Answer) -> str:
    if isinstance(answer, str):
        return answer
    if isinstance(answer, (int, float)):
        rounded = round(answer, 2)
        return str(int(rounded)) if math.isfinite(rounded) and rounded == int(rounded) else str(rounded)
    return json.dumps(answer)
