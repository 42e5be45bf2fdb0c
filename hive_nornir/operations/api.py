"""Steps whose state is read and changed through an API, such as Docker's: read, decide, change, read back.

They are to an API what an `Operation` is to a shell, and give the same outcomes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from hive_nornir.errors import HiveError
from hive_nornir.operations.core import Observed, Operation, Outcome

__all__ = ["ApiChange", "ApiStep", "run_steps"]


@dataclass(frozen=True)
class ApiChange:
    """What has to be done.

    :param summary: in plain words: `create`, `update image, replicas 1 -> 2`.
    :param apply: makes the change and waits for its end, within a deadline of its own.
    :param diff: lines `- before` / `+ after`; never with secrets.
    """

    summary: str
    apply: Callable[[], object]
    diff: str = ""


@dataclass(frozen=True, eq=False)
class ApiStep:
    """One idempotent step.

    :param name: unique among those of its object, in plain words: `volume web_data on p-hive0`.
    :param read: asks for the present state; changes nothing.
    :param decide: from what `read` returned to a change or None. Pure. Raises OperationFailed for a state that must not be touched.
    :param verify: read again after the change and fail if one is still due.
    :param notice: its name is something that the operator has to know.
    """

    name: str
    read: Callable[[], Any]
    decide: Callable[[Any], ApiChange | None]
    verify: bool = True
    notice: bool = False


def run_steps(steps: Iterable[ApiStep], *, check: bool, errors: tuple[type[Exception], ...] = ()) -> list[Outcome]:
    """Run steps in their order, up to the first that fails.

    :param check: only find out what would change.
    :param errors: what the API raises besides HiveError; a step that raises it has failed. Anything else is a mistake of ours and goes on.
    :returns: an outcome for each step; those behind a failed one are `not-run`.
    """
    outcomes: list[Outcome] = []
    failed = False
    raised: tuple[type[Exception], ...] = (HiveError, *errors)
    for step in steps:
        operation = Operation(step.name, probe="", decide=_nothing, notice=step.notice)
        if failed:
            outcomes.append(Outcome(operation, "not-run", "an earlier step failed"))
            continue
        began = time.monotonic()
        try:
            outcome = _run(step, operation, check=check)
        except raised as error:
            outcome = Outcome(operation, "failed", str(error), error=error)
            failed = True
        outcome.seconds = time.monotonic() - began
        outcomes.append(outcome)
    return outcomes


def _run(step: ApiStep, operation: Operation, *, check: bool) -> Outcome:
    change = step.decide(step.read())
    if change is None:
        return Outcome(operation, "unchanged")
    if check:
        return Outcome(operation, "would-change", change.summary, change.diff)
    change.apply()
    if step.verify and (left := step.decide(step.read())) is not None:
        raise HiveError(f"{step.name}: after the change it still needs: {left.summary}")
    return Outcome(operation, "changed", change.summary, change.diff)


def _nothing(_observed: Observed) -> None:
    return None
