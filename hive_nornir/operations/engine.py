"""Brings a host to the state that a list of operations describes, in as few round trips as there can be.

One exchange probes everything. What differs is applied in the next one, up to and including the first change that may alter what later
operations see; the same exchange probes what was just changed (it must now be as wanted) and the rest again.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence

from hive_nornir.connections.transport import Transport
from hive_nornir.errors import ConnectionFailed, ConnectionLost, DeadlineExceeded, HiveError, OperationFailed
from hive_nornir.operations.core import Change, Guard, Observed, Operation, Outcome, Status, names_must_differ
from hive_nornir.operations.guard import ArmedGuard, GuardGate
from hive_nornir.operations.script import NO_JOURNAL, Applied, ExchangeScript, Step, Transcript, pending_mark

__all__ = ["Engine"]

PROBE_SECONDS = 120.0
# Exit codes of timeout(1): the script ended at its TERM, or at the KILL that follows.
TIMED_OUT = (124, 137)
RELOGIN_SECONDS = 60.0


class Engine:
    """Applies a role's operations to one host, or with `check` only finds out what would change.

    :param host: its name, for messages.
    :param gate: shared by all hosts of a run, for guarded changes.
    """

    def __init__(self, transport: Transport, host: str, *, check: bool = False, gate: GuardGate | None = None) -> None:
        self.transport = transport
        self.host = host
        self.check = check
        self.gate = gate or GuardGate()
        self._outcomes: dict[Operation, Outcome] = {}
        # What a change that was decided may alter for later operations; a plan keeps it to the end, since nothing is applied.
        self._disturbed = ""

    def run(self, operations: Sequence[Operation]) -> list[Outcome]:
        """Bring the host to the state that the operations describe.

        A role that must look twice calls this several times; operations of earlier calls may trigger later ones.

        :returns: an outcome for every operation, in order. A failed one is followed by `not-run` for those that were not reached.
        :raises ConnectionFailed: the host cannot be reached; nothing was done.
        """
        names_must_differ(operations)
        rest = list(operations)
        observed = self._probe(rest) if rest else {}
        while rest:
            batch, rest, failure = self._decide(rest, observed, operations)
            if batch and not self.check:
                observed = self._apply(batch, rest)
                self._log_in_anew(batch[-1])
                if any(not self._outcomes[step.operation].settled for step in batch):
                    break
            if failure is not None:
                self._outcomes[failure.operation] = failure
        for operation in operations:
            self._outcomes.setdefault(operation, Outcome(operation, "not-run", "an earlier step failed"))
        if not self.check:
            self._forget_triggers(operations)
        return [self._outcomes[operation] for operation in operations]

    def _probe(self, operations: Sequence[Operation]) -> dict[Operation, Observed]:
        script = ExchangeScript()
        done = self.transport.run(script.text([], operations), deadline=PROBE_SECONDS)
        observed = script.read(_text(done.stdout)).observed
        if len(observed) != len(operations) or done.exit_code in TIMED_OUT:
            said = done.stderr.decode("utf-8", "replace").strip()
            raise OperationFailed(f"{self.host} answered {len(observed)} of {len(operations)} probes", stderr=said)
        return {operation: observed[index] for index, operation in enumerate(operations)}

    def _decide(
        self, waiting: Sequence[Operation], observed: Mapping[Operation, Observed], everything: Sequence[Operation]
    ) -> tuple[list[Step], list[Operation], Outcome | None]:
        """The next changes to apply together, what is left for the next look, and the failure that ended deciding."""
        batch: list[Step] = []
        for at, operation in enumerate(waiting):
            if batch and not self.check and (self._disturbed or _must_wait(operation, batch)):
                self._disturbed = ""
                return batch, list(waiting[at:]), None
            seen = self._with_triggers(operation, observed[operation])
            try:
                change = operation.decide(seen)
            except HiveError as error:
                if self.check and self._disturbed:
                    self._outcomes[operation] = Outcome(operation, "unknown", f"known after {self._disturbed}", observed=seen)
                    continue
                said = getattr(error, "stderr", "")
                return batch, [], Outcome(operation, "failed", error.message, error=error, observed=seen, stderr=said)
            if self.check:
                self._outcomes[operation] = _planned(operation, change, seen, self._disturbed)
            elif change is None:
                self._outcomes[operation] = Outcome(operation, "unchanged", observed=seen)
            if change is not None:
                # Nobody is told of a change that may turn out to be none.
                marks = () if change.unknown else tuple(later for later in everything if operation in later.triggered_by)
                batch.append(Step(operation, change, marks))
                self._disturbed = self._disturbed or operation.disturbs
        if not self.check:
            self._disturbed = ""
        return batch, [], None

    def _with_triggers(self, operation: Operation, seen: Observed) -> Observed:
        moved = any(self._changes(trigger) for trigger in operation.triggered_by)
        return Observed(seen.text, seen.exit_code, seen.triggered or moved)

    def _changes(self, operation: Operation) -> bool:
        outcome = self._outcomes.get(operation)
        # Without an outcome it is in the batch that is being put together: a change was decided.
        return outcome is None or outcome.status in ("changed", "would-change", "unknown")

    def _forget_triggers(self, operations: Sequence[Operation]) -> None:
        """Remove the marks of operations that were triggered and had nothing to do, or they would do it in a later run."""
        idle = [
            pending_mark(operation)
            for operation in operations
            if (outcome := self._outcomes[operation]).status == "unchanged" and outcome.observed and outcome.observed.triggered
        ]
        if idle:
            with contextlib.suppress(ConnectionLost, DeadlineExceeded):  # what was done is worth more than a mark that stays
                self.transport.run(f"rm -f {' '.join(idle)}", deadline=30)

    def _apply(self, batch: list[Step], rest: list[Operation]) -> dict[Operation, Observed]:
        guard = batch[0].operation.guard
        started = time.monotonic()
        try:
            transcript = self._exchange(batch, rest) if guard is None else self._exchange_guarded(guard, batch, rest)
        except HiveError as error:
            for step in batch:
                stderr = getattr(error, "stderr", "")
                self._outcomes[step.operation] = Outcome(
                    step.operation, "failed", step.change.summary, step.change.diff, error=error, stderr=stderr
                )
            return {}
        seconds = (time.monotonic() - started) / len(batch)
        for index, step in enumerate(batch):
            after = transcript.observed.get(index)
            self._outcomes[step.operation] = _applied(step, transcript.applied.get(index), after, seconds)
        return {
            operation: transcript.observed[len(batch) + at] for at, operation in enumerate(rest) if len(batch) + at in transcript.observed
        }

    def _log_in_anew(self, last: Step) -> None:
        """After a change that counts from the next login (H-6); such a step is the last of its batch."""
        outcome = self._outcomes[last.operation]
        if not last.operation.relogin or outcome.status != "changed":
            return
        try:
            self.transport.reopen(deadline=RELOGIN_SECONDS)
        except (ConnectionFailed, DeadlineExceeded) as error:
            outcome.status, outcome.error = "failed", error

    def _exchange(self, batch: list[Step], rest: list[Operation], before: str = "") -> Transcript:
        script = ExchangeScript()
        probes = [step.operation for step in batch] + rest
        deadline = PROBE_SECONDS + sum(step.operation.deadline for step in batch)
        try:
            done = self.transport.run(script.text(batch, probes, before), deadline=deadline)
        except ConnectionLost:
            return self._recover(script, len(batch), probes, deadline)
        if done.exit_code in TIMED_OUT:
            return self._recover(script, len(batch), probes, deadline)
        return script.read(_text(done.stdout))

    def _recover(self, script: ExchangeScript, steps: int, probes: list[Operation], deadline: float) -> Transcript:
        """After a lost connection: wait for the changes to end, read their journal, probe."""
        self.transport.reopen(deadline=90)
        done = self.transport.run(script.recovery(steps), deadline=deadline)
        transcript = script.read(_text(done.stdout))
        if done.exit_code == NO_JOURNAL:  # the host restarted; the probes tell how far it came
            transcript.applied = dict.fromkeys(range(steps), Applied(None, "the host restarted"))
        transcript.observed = dict(enumerate(self._probe(probes).values()))
        return transcript

    def _exchange_guarded(self, guard: Guard, batch: list[Step], rest: list[Operation]) -> Transcript:
        with self.gate.turn(self.host):
            armed = ArmedGuard(guard, self.transport)
            script = ExchangeScript()
            probes = [step.operation for step in batch] + rest
            try:
                done = self.transport.run(script.text(batch, probes, armed.arm), deadline=guard.seconds / 2)
            except (ConnectionLost, DeadlineExceeded) as error:
                armed.undo(connected=False)
                raise OperationFailed(
                    f"{guard.reason}: the connection broke, so the change was undone; the host lets us in again"
                ) from error
            transcript = script.read(_text(done.stdout))
            failure = _first_failure(batch, transcript)
            if failure is None:
                armed.prove_and_disarm()
                return transcript
            armed.undo()
            raise failure


def _first_failure(batch: list[Step], transcript: Transcript) -> OperationFailed | None:
    """The error for a guarded change of which a step failed, so that all of it was undone."""
    for index, step in enumerate(batch):
        applied = transcript.applied.get(index)
        if applied is None or applied.exit_code != 0:
            code = "it did not end" if applied is None or applied.exit_code is None else f"exit code {applied.exit_code}"
            what = f"{step.operation.name}: {step.change.summary}: {code}"
            return OperationFailed(f"{what}; all of the guarded change was undone", stderr=applied.stderr if applied else "")
    return None


def _text(output: bytes) -> str:
    return output.decode("utf-8", "surrogateescape")


def _must_wait(operation: Operation, batch: list[Step]) -> bool:
    """Whether an operation cannot go with the changes before it: what they do, another guard, or the login that it needs."""
    last = batch[-1].operation
    return (
        last.guard is not operation.guard
        or last.relogin
        or any(
            (step.change.unknown and step.operation in operation.triggered_by)
            or (operation.rewrites and operation.rewrites == step.operation.rewrites)
            for step in batch
        )
    )


def _planned(operation: Operation, change: Change | None, seen: Observed, disturbed: str) -> Outcome:
    if change is not None and change.unknown:
        return Outcome(operation, "unknown", f"{change.summary}: {change.unknown}", change.diff, observed=seen)
    if change is not None:
        notes = [f"may look different after {disturbed}"] if disturbed else []
        return Outcome(operation, "would-change", change.summary, change.diff, observed=seen, notes=notes)
    if disturbed:
        return Outcome(operation, "unknown", f"known after {disturbed}", observed=seen)
    return Outcome(operation, "unchanged", observed=seen)


def _applied(step: Step, applied: Applied | None, after: Observed | None, seconds: float) -> Outcome:
    operation, change = step.operation, step.change
    if applied is None:
        return Outcome(operation, "not-run", "an earlier step failed", observed=after)
    still_due = _still_due(operation, after) if operation.verify else None
    error: OperationFailed | None = None
    if applied.exit_code is None and (still_due is not None or not operation.verify):
        error = OperationFailed(f"{operation.name}: {change.summary}: began and did not end", stderr=applied.stderr)
    elif applied.exit_code:
        error = OperationFailed(f"{operation.name}: {change.summary}: exit code {applied.exit_code}", stderr=applied.stderr)
    elif still_due is not None:
        error = OperationFailed(f"{operation.name}: {change.summary}: done, but read back it is not so ({still_due})")
    status: Status = "changed" if error is None else "failed"
    if error is None and after is not None and change.effective is not None and not change.effective(after):
        status = "unchanged"
    return Outcome(operation, status, change.summary, change.diff, seconds, after, error, applied.stderr)


def _still_due(operation: Operation, after: Observed | None) -> str | None:
    """What would have to be changed after it was changed; None when all is well."""
    if after is None:
        return "the host did not say"
    try:
        change = operation.decide(after)
    except HiveError as error:
        return error.message
    return None if change is None else change.summary
