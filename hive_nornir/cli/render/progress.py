"""What a run is doing, on standard error: a live table on a terminal, a line for what is worth one elsewhere."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hive_nornir.cli.render.text import clean, is_terminal, say, seconds
from hive_nornir.runs.events import Event, Observer

__all__ = ["HostProgress", "LineProgress", "ProgressState", "operation_line", "progress", "role_line"]

_SILENT = ("ok", "skipped", "not-run")


@dataclass
class HostProgress:
    """How far a host is.

    :param doing: the role or the provider's step that is under way, "" when nothing is.
    :param since: when that began, in seconds of the monotonic clock; 0 when nothing is under way.
    :param failed: why, "" if nothing failed.
    """

    roles: int = 0
    done: int = 0
    changed: int = 0
    doing: str = ""
    since: float = 0.0
    failed: str = ""


class ProgressState:
    """How far every host is, from a run's events, which come from many threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.hosts: dict[str, HostProgress] = {}
        self.phase = ""
        self.lock = threading.Lock()
        self._clock = clock

    def note(self, event: Event) -> None:
        """Take an event in."""
        with self.lock:
            self._note(event)

    def _note(self, event: Event) -> None:
        self.phase = event.phase
        if event.kind == "phase-started":
            self.hosts = {name: HostProgress() for name in event.hosts}
        elif event.kind == "play-started":
            for name in event.hosts:
                self._host(name).roles += len(event.roles)
        elif event.kind in ("role-started", "progress"):
            host = self._host(event.host)
            host.doing, host.since = event.role or event.text, self._clock()
        elif event.kind == "role-finished":
            self._finish(event)

    def _finish(self, event: Event) -> None:
        host = self._host(event.host)
        host.done += 1
        host.doing, host.since = "", 0.0
        count = event.text.split(" ", 1)[0]
        host.changed += int(count) if count.isdigit() else int(event.changed)
        if event.status in ("failed", "unreachable", "interrupted"):
            host.failed = f"{event.status} in {event.role}"

    def _host(self, name: str) -> HostProgress:
        return self.hosts.setdefault(name, HostProgress())


class LineProgress:
    """An observer that prints a line for each finished role with something to say, and with `verbose` for each operation.

    :param out: prints a line; the second argument is its style.
    """

    def __init__(self, out: Callable[[str, str], None], *, verbose: bool, failures_only: bool = False) -> None:
        self._out = out
        self._verbose = verbose
        self._failures_only = failures_only
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Print the event if it is worth a line."""
        line, style = "", ""
        if event.kind == "operation" and self._verbose:
            line, style = operation_line(event)
        elif event.kind == "role-finished" and event.status not in _SILENT:
            bad = event.status in ("failed", "unreachable", "interrupted")
            line, style = role_line(event) if bad or not self._failures_only else ("", "")
        elif event.kind == "progress" and not self._failures_only:
            line = f"{event.host}: {event.text}" if event.host else event.text
        if line:
            with self._lock:
                self._out(clean(line), style)


def role_line(event: Event) -> tuple[str, str]:
    """A finished role in one line, and its style."""
    if event.status in ("changed", "would-change"):
        words = event.text or "changed"
        words = words.replace("changed", "to do") if event.status == "would-change" else words
        return f"{event.host} {event.role}: {words} ({seconds(event.seconds)})", "changed"
    why = event.error.splitlines()[0] if event.error else ""
    return f"{event.host} {event.role}: {event.status.upper()} ({seconds(event.seconds)})" + (f": {why}" if why else ""), "bad"


def operation_line(event: Event) -> tuple[str, str]:
    """An operation in one line, and its style."""
    style = {"changed": "changed", "would-change": "changed", "failed": "bad", "unchanged": "quiet"}.get(event.status, "")
    about = (event.error or event.text).splitlines()
    return f"{event.host} {event.role}, {event.operation}: {event.status}" + (f": {about[0]}" if about else ""), style


@contextlib.contextmanager
def progress(*, verbose: bool) -> Iterator[Observer]:
    """Show a run's progress while the block runs.

    :param verbose: show each operation.
    :returns: the observer to give to `Site.run`.
    """
    if is_terminal(sys.stderr):
        from hive_nornir.cli.render.live import live_progress

        with live_progress(verbose=verbose) as observer:
            yield observer
    else:
        yield LineProgress(lambda line, style: say(line, style, err=True), verbose=verbose)
