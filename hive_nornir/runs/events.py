"""What happens in a run, as a stream of events that displays and records listen to."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from hive_nornir.errors import ConnectionFailed
from hive_nornir.operations.core import Outcome
from hive_nornir.runs.report import HostReport, RoleReport, RoleStatus, RunReport

if TYPE_CHECKING:
    from nornir.core.inventory import Host
    from nornir.core.task import AggregatedResult, MultiResult, Task

__all__ = ["Event", "Observer", "RunProcessor"]

log = logging.getLogger(__name__)

Kind = Literal["phase-started", "play-started", "role-started", "operation", "role-finished", "progress", "phase-finished"]


@dataclass(frozen=True)
class Event:
    """Something that happened.

    :param kind: `progress` is a plain word from a provider (`text`); the others say what began or ended.
    :param status: of an operation (see `Outcome`) or a role (see `RoleReport`).
    :param text: the change's summary, or plain words.
    :param seconds: how long it took; for `started` events 0.
    :param hosts: for `play-started`: the hosts; for `phase-started`: all of the phase.
    :param roles: for `play-started`: the roles in order.
    """

    kind: Kind
    phase: str
    play: str = ""
    host: str = ""
    role: str = ""
    operation: str = ""
    status: str = ""
    changed: bool = False
    text: str = ""
    diff: str = ""
    seconds: float = 0.0
    error: str = ""
    stderr: str = ""
    hosts: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    at: float = field(default_factory=time.time)

    def as_dict(self) -> dict[str, Any]:
        """The event without its empty fields, times in seconds since the epoch."""
        return {key: value for key, value in vars(self).items() if value not in ("", (), 0.0) or key == "changed"}


Observer = Callable[[Event], None]


class RunProcessor:
    """The Nornir processor that turns a play's callbacks into events and fills the report.

    An observer that raises must not lose results: it is reported once and then left out. A thread that outlives its run is not heard any
    more: what the report says of its host stands.
    """

    def __init__(self, report: RunReport, observers: Iterable[Observer]) -> None:
        self.report = report
        self.play = ""
        self._observers = list(observers)
        self._began: dict[tuple[str, str], float] = {}

    def emit(self, event: Event) -> None:
        """Tell all observers."""
        if _late():
            return
        for observer in list(self._observers):
            try:
                observer(event)
            except Exception:
                log.exception("a display or record failed and is left out from now on")
                with contextlib.suppress(ValueError):
                    self._observers.remove(observer)

    def began(self, host: str, role: str) -> bool:
        """Whether a role was begun on a host."""
        return (host, role) in self._began

    def task_started(self, task: Task) -> None:
        """Nornir: a play begins."""
        self.play = task.name

    def task_completed(self, task: Task, result: AggregatedResult) -> None:
        """Nornir: a play has ended on all hosts."""

    def task_instance_started(self, task: Task, host: Host) -> None:  # noqa: ARG002 - Nornir's signature
        """Nornir: a play begins on a host."""
        self._began[host.name, ""] = time.monotonic()
        self.report.hosts.setdefault(host.name, HostReport(host.name))

    def task_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None:  # noqa: ARG002 - Nornir's signature
        """Nornir: a play has ended on a host."""
        if _late():
            return
        self.report.hosts[host.name].seconds += time.monotonic() - self._began[host.name, ""]
        connection = host.connections.get("hive")
        if connection is not None:
            traffic = connection.connection.traffic
            self.report.hosts[host.name].round_trips, self.report.hosts[host.name].sent = traffic.round_trips, traffic.sent
            notes = [f"{host.name}: {note}" for note in connection.connection.notes]
            self.report.notes += [note for note in notes if note not in self.report.notes]

    def subtask_instance_started(self, task: Task, host: Host) -> None:
        """Nornir: a role begins on a host."""
        self._began[host.name, task.name] = time.monotonic()
        self.emit(Event("role-started", self.report.phase, self.play, host.name, task.name))

    def subtask_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None:
        """Nornir: a role has ended on a host."""
        if _late():
            return
        seconds = time.monotonic() - self._began[host.name, task.name]
        outcomes: list[Outcome] = [sub.hive_outcome for sub in result if hasattr(sub, "hive_outcome")]
        for outcome in outcomes:
            self.emit(self._operation(host.name, task.name, outcome))
        role = role_report(task.name, self.play, result[0], outcomes, seconds)
        roles = self.report.hosts[host.name].roles
        roles[task.name] = roles[task.name].followed_by(role) if task.name in roles else role
        self.emit(role_finished(self.report.phase, host.name, role))

    def _operation(self, host: str, role: str, outcome: Outcome) -> Event:
        return Event(
            "operation", self.report.phase, self.play, host, role, outcome.operation.name, outcome.status, outcome.status == "changed",
            outcome.summary, outcome.diff, outcome.seconds, str(outcome.error or ""), outcome.stderr,
        )  # fmt: skip


def _late() -> bool:
    from hive_nornir.runs.runner import outlives_its_run  # brings Nornir, which whoever only reads events does without

    return outlives_its_run()


def role_finished(phase: str, host: str, role: RoleReport) -> Event:
    """The event of a role that has ended on a host."""
    text = f"{role.changed} changed" if role.changed else ""
    changed = role.status == "changed"
    return Event(
        "role-finished", phase, role.play, host, role.role, "", role.status, changed, text, "", role.seconds, role.error, role.stderr
    )  # fmt: skip


def role_report(name: str, play: str, result: Any, outcomes: list[Outcome], seconds: float) -> RoleReport:
    """A role's Nornir result as a report."""
    changed = sum(outcome.status in ("changed", "would-change", "unknown") for outcome in outcomes)
    status: RoleStatus = "ok"
    if result.failed:
        status = "unreachable" if isinstance(result.exception, ConnectionFailed) and not outcomes else "failed"
    elif getattr(result, "hive_status", "") == "skipped":
        status = "skipped"
    elif changed:
        status = "changed" if any(outcome.status == "changed" for outcome in outcomes) else "would-change"
    error = str(result.exception or result.result) if result.failed else ""
    return RoleReport(name, play, status, changed, seconds, error, getattr(result.exception, "stderr", "") or "", outcomes)
