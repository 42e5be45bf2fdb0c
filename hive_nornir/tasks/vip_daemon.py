"""The daemon follow-swarm-service, as more than one role sees it: it is restarted without letting go of anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hive_nornir.operations import services
from hive_nornir.operations.core import Change, Observed, Operation, quote

__all__ = ["UNIT", "restarted_if_running", "running"]

UNIT = "follow-swarm-service.service"


def running(*, restart_on: Sequence[Operation]) -> Operation:
    """The daemon runs, and is started at boot.

    :param restart_on: operations after whose change it is restarted.
    """
    return _handed_over(services.running(UNIT, restart_on=restart_on))


def restarted_if_running(*, on: Sequence[Operation]) -> Operation:
    """The daemon is restarted when one of the operations changed; nothing when it is absent or stopped."""
    return _handed_over(services.restarted_if_running(UNIT, on=on))


def _handed_over(operation: Operation) -> Operation:
    """The same, which tells a running daemon first to leave addresses, rules and labels to its successor (SWX-11).

    Of two signals, it obeys the first.
    """

    def decide(seen: Observed) -> Change | None:
        change = operation.decide(seen)
        if change is None or "systemctl restart" not in change.apply:
            return change
        # The signal's name is SIGHUP; --kill-who is what systemd before 252 calls --kill-whom, and later ones understand.
        tell = f"systemctl kill --kill-who=main -s HUP -- {quote(UNIT)} 2>/dev/null || :"
        return replace(change, apply=f"{tell}\n{change.apply}")

    return replace(operation, decide=decide)
