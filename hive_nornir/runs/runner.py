"""The Nornir runner plugin `HiveRunner`: hosts side by side, an end at once on Ctrl-C, batches, a limit of failures."""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING

from nornir.core.task import AggregatedResult, MultiResult, Result

from hive_nornir.errors import DeadlineExceeded, HiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from nornir.core.inventory import Host
    from nornir.core.plugins.connections import ConnectionPlugin
    from nornir.core.task import Task

__all__ = ["HiveRunner", "outlives_its_run"]


class HiveRunner:
    """Runs a task on all hosts, each in a thread of its own.

    :param workers: how many hosts at the same time.
    :param serial: hosts a batch; the next batch begins when the one before has ended. 0 is all at once.
    :param max_failures: hosts that may fail before no further host is begun; 0 is no limit. Hosts under way go on to their end.
    :param deadline: seconds for the whole task; hosts that are not done by then are failed. 0 is none.

    On Ctrl-C every connection is closed, hosts under way are reported as interrupted, and KeyboardInterrupt is raised again within a second
    with the results so far in its `results` attribute. A thread that outlives Ctrl-C or the deadline is given no connection any more,
    and the next run opens new ones.
    """

    def __init__(self, workers: int = 50, serial: int = 0, max_failures: int = 0, deadline: float = 0.0) -> None:
        self.workers = workers
        self.serial = serial
        self.max_failures = max_failures
        self.deadline = deadline

    def run(self, task: Task, hosts: list[Host]) -> AggregatedResult:
        """Run the task (called by Nornir)."""
        results = AggregatedResult(task.name)
        size = self.serial or max(1, len(hosts))
        give_up = time.monotonic() + self.deadline if self.deadline else None
        for start in range(0, len(hosts), size):
            batch = hosts[start : start + size]
            if self._too_many_failures(results):
                results.update({host.name: _stopped(task, host, "not begun: too many hosts failed") for host in batch})
            else:
                _Batch(task, batch, results, self, give_up).run()
        return results

    def _too_many_failures(self, results: AggregatedResult) -> bool:
        return bool(self.max_failures) and sum(result.failed for result in results.values()) >= self.max_failures


class _Batch:
    """Hosts that run side by side."""

    def __init__(self, task: Task, hosts: Sequence[Host], results: AggregatedResult, runner: HiveRunner, give_up: float | None) -> None:
        self.task = task
        self.hosts = hosts
        self.results = results
        self.runner = runner
        self.give_up = give_up
        self._waiting: queue.SimpleQueue[Host] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[Host, MultiResult]] = queue.SimpleQueue()
        self._over = threading.Event()

    def run(self) -> None:
        for host in self.hosts:
            if not isinstance(host.connections, _Connections):
                host.connections = _Connections(host.connections)
            self._waiting.put(host)
        missing = {host.name: host for host in self.hosts}
        try:
            for number in range(min(self.runner.workers, len(self.hosts))):
                _Worker(self._work, number, self._over).start()
            while missing:
                self._collect(missing)
        except KeyboardInterrupt as interrupt:
            self._end(missing, "interrupted")
            interrupt.results = self.results  # type: ignore[attr-defined]
            raise

    def _collect(self, missing: dict[str, Host]) -> None:
        try:
            host, result = self._done.get(timeout=0.2)
        except queue.Empty:
            if self.give_up is not None and time.monotonic() > self.give_up:
                self._end(missing, f"not done after {self.runner.deadline:.0f} s")
                missing.clear()
            return
        if host.name in missing:
            del missing[host.name]
            self.results[host.name] = result

    def _end(self, missing: dict[str, Host], why: str) -> None:
        self._over.set()
        for host in missing.values():
            self.results[host.name] = _stopped(self.task, host, why)
        _close_all(missing.values())

    def _work(self) -> None:
        while not self._over.is_set():
            try:
                host = self._waiting.get_nowait()
            except queue.Empty:
                return
            if self.runner._too_many_failures(self.results):
                self._done.put((host, _stopped(self.task, host, "not begun: too many hosts failed")))
                continue
            try:
                result = self.task.copy().start(host)
            except BaseException as error:  # noqa: BLE001 - also SystemExit and the like must become this host's failure
                result = _stopped(self.task, host, f"{type(error).__name__}: {error}", error)
            self._done.put((host, result))


class _Worker(threading.Thread):
    """Works on one host after the other.

    :ivar over: the run has ended without waiting for this thread.
    """

    def __init__(self, work: Callable[[], None], number: int, over: threading.Event) -> None:
        # A daemon: one that hangs in the network must not keep the process from ending.
        super().__init__(target=work, name=f"host-{number}", daemon=True)
        self.over = over


class _Connections(dict[str, "ConnectionPlugin"]):
    """A host's connections. A thread that has outlived its run finds none and opens none, lest it go on with its work unseen."""

    def __contains__(self, name: object) -> bool:
        _refuse_the_late()
        return super().__contains__(name)

    def __setitem__(self, name: str, connection: ConnectionPlugin) -> None:
        try:
            _refuse_the_late()
        except HiveError:
            connection.close()
            raise
        super().__setitem__(name, connection)


def outlives_its_run() -> bool:
    """Whether the thread that asks is a host's, and the run has ended without waiting for it."""
    thread = threading.current_thread()
    return isinstance(thread, _Worker) and thread.over.is_set()


def _refuse_the_late() -> None:
    if outlives_its_run():
        raise HiveError("the run has ended")


def _stopped(task: Task, host: Host, why: str, error: BaseException | None = None) -> MultiResult:
    results = MultiResult(task.name)
    result = Result(host=host, result=why, failed=True, exception=error or DeadlineExceeded(f"{host.name}: {why}"), hive_status=why)
    result.name = task.name  # type: ignore[assignment]
    results.append(result)
    return results


def _close_all(hosts: Iterable[Host]) -> None:
    """Close the connections under a hanging thread, so that it ends; each in a thread, since closing may hang too."""
    for host in hosts:
        connections = list(host.connections.values())
        host.connections.clear()
        for connection in connections:
            threading.Thread(target=connection.close, daemon=True).start()
