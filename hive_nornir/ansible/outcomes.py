"""What Ansible's tasks came to, as outcomes of operations, so that reports and records know no difference."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from hive_nornir.errors import HiveError, OperationFailed
from hive_nornir.operations.core import Observed, Operation, Outcome, Status

__all__ = ["TaskOutcomes", "event_of"]

# What modules say that cannot tell in a dry run what they would do.
_CANNOT_TELL = "check mode"
_FACTS = "Gathering Facts"


def event_of(line: str) -> Mapping[str, Any] | None:
    """The event that a line of the callback plugin holds; None for any other line."""
    if not line.startswith('{"hive"'):
        return None
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


class TaskOutcomes:
    """The outcomes of a role's tasks, in the order in which they ended.

    :param check: it is a dry run.
    :param masked: takes secrets out of a text.
    :ivar now: the task that runs, for messages.
    """

    def __init__(self, *, check: bool, masked: Callable[[str], str] = str) -> None:
        self.found: list[Outcome] = []
        self.now = ""
        self._check = check
        self._masked = masked
        self._names: dict[str, int] = {}

    def add(self, event: Mapping[str, Any]) -> None:
        """Take in what the callback plugin told."""
        kind, task = str(event["event"]), str(event["task"])
        if kind == "begun":
            self.now = task
        elif task != _FACTS or kind not in ("ok", "skipped"):
            self.found.append(self._outcome(kind, task, event))

    def finish(self, exit_code: int) -> None:
        """The process has ended; of what failed before a good end a `rescue` of the role has taken care."""
        for outcome in self.found:
            if outcome.status == "failed" and exit_code == 0:
                outcome.status, outcome.error = "unchanged", None
                outcome.summary = f"failed, and the role goes on: {outcome.summary}"

    @property
    def failure(self) -> HiveError | None:
        """The error of the last task that failed."""
        errors = [outcome.error for outcome in self.found if outcome.status == "failed"]
        return errors[-1] if errors and isinstance(errors[-1], HiveError) else None

    def _outcome(self, kind: str, task: str, event: Mapping[str, Any]) -> Outcome:
        said = {key: self._masked(text) for key, text in event["said"].items()}
        what = f"{str(event['action']).rpartition('.')[2]} {self._masked(event['target'])}".rstrip()
        outcome = Outcome(self._operation(task), "unchanged", diff=self._masked(event["diff"]).strip("\n"))
        if kind in ("failed", "unreachable"):
            self._fail(outcome, task, said)
        elif kind == "ignored":
            outcome.summary = f"failed, and the role goes on: {said.get('msg', '')}"
        elif kind == "skipped" and self._check and _CANNOT_TELL in said.get("msg", ""):
            outcome.status, outcome.summary = "unknown", f"{what}: known after it has run"
        elif kind == "skipped":
            outcome.summary = "skipped: its condition is not met"
        elif event["changed"]:
            outcome.status, outcome.summary = "would-change" if self._check else "changed", what
        return outcome

    def _fail(self, outcome: Outcome, task: str, said: Mapping[str, str]) -> None:
        message = " ".join(str(said.get("msg") or said.get("reason") or "it failed").split())
        if self._check and any(each.status in ("would-change", "unknown") for each in self.found):
            # It may need what an earlier task would have done.
            outcome.status, outcome.summary = "unknown", f"known after earlier tasks have run; now: {message}"
            return
        stderr = "\n".join(said[key].strip() for key in ("stderr", "module_stderr", "stdout", "module_stdout") if key in said)
        status: Status = "failed"
        outcome.status, outcome.summary, outcome.stderr = status, message, stderr
        outcome.error = OperationFailed(f"{task}: {message}", stderr=stderr)

    def _operation(self, task: str) -> Operation:
        number = self._names[task] = self._names.get(task, 0) + 1
        return Operation(task if number == 1 else f"{task} ({number})", "", _nothing)


def _nothing(_observed: Observed) -> None:
    return None
