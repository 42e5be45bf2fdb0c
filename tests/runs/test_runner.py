"""The runner: side by side, no barrier, an end on Ctrl-C, batches, limits, deadlines."""

from __future__ import annotations

import _thread
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from nornir.core import Nornir
from nornir.core.inventory import Defaults, Groups, Host, Hosts, Inventory
from nornir.core.plugins.connections import ConnectionPluginRegister
from nornir.core.task import Result, Task

from hive_nornir.errors import HiveError
from hive_nornir.runs.events import Event, RunProcessor
from hive_nornir.runs.report import RunReport
from hive_nornir.runs.runner import HiveRunner


def nornir(count: int, **options: float) -> Nornir:
    hosts = Hosts({f"h{number}": Host(name=f"h{number}") for number in range(count)})
    return Nornir(inventory=Inventory(hosts=hosts, groups=Groups(), defaults=Defaults()), runner=HiveRunner(**options))  # type: ignore[arg-type]


def test_all_hosts_at_the_same_time():
    barrier = threading.Barrier(20)

    def meet(task: Task) -> Result:
        barrier.wait(timeout=5)
        return Result(host=task.host)

    assert not nornir(20).run(task=meet).failed


def test_a_straggler_in_one_step_does_not_hold_up_the_others():
    """Five hosts, five steps, another straggler in each: about the time of one straggler, not of five."""

    def steps(task: Task) -> Result:
        for step in range(5):
            time.sleep(0.2 if task.host.name == f"h{step}" else 0.0)
        return Result(host=task.host)

    started = time.monotonic()
    assert not nornir(5).run(task=steps).failed
    assert time.monotonic() - started < 1.5 * 0.2 + 0.3


def test_a_base_exception_is_a_failed_result_of_its_host_only():
    def leave(task: Task) -> Result:
        if task.host.name == "h1":
            raise SystemExit(3)
        return Result(host=task.host)

    results = nornir(3).run(task=leave)
    assert [name for name in results if results[name].failed] == ["h1"]
    assert isinstance(results["h1"][0].exception, SystemExit)


def test_after_too_many_failures_no_host_is_begun():
    begun: list[str] = []

    def fail(task: Task) -> Result:
        begun.append(task.host.name)
        raise ValueError("no")

    results = nornir(6, serial=2, max_failures=2).run(task=fail)
    assert sorted(begun) == ["h0", "h1"]
    assert all(results[name].failed for name in results)
    assert "not begun" in results["h5"][0].result


def test_serial_ends_a_batch_before_the_next():
    under_way, most = set(), [0]
    lock = threading.Lock()

    def count(task: Task) -> Result:
        with lock:
            under_way.add(task.host.name)
            most[0] = max(most[0], len(under_way))
        time.sleep(0.01)
        with lock:
            under_way.remove(task.host.name)
        return Result(host=task.host)

    nornir(9, serial=3).run(task=count)
    assert most[0] <= 3


def test_a_host_that_hangs_is_failed_at_the_deadline_and_the_others_finish():
    release = threading.Event()

    def hang(task: Task) -> Result:
        if task.host.name == "h0":
            release.wait(timeout=30)
        return Result(host=task.host)

    started = time.monotonic()
    results = nornir(3, deadline=0.5).run(task=hang)
    release.set()
    assert time.monotonic() - started < 5
    assert [name for name in results if results[name].failed] == ["h0"]
    assert "not done after" in results["h0"][0].result


def test_ctrl_c_ends_within_a_second_and_tells_who_was_under_way():
    release = threading.Event()
    closed: list[str] = []

    class Connection:
        def close(self) -> None:
            closed.append("h0")

    def hang(task: Task) -> Result:
        if task.host.name == "h0":
            threading.Timer(0.3, _thread.interrupt_main).start()
            release.wait(timeout=30)
        return Result(host=task.host)

    under_test = nornir(3)
    under_test.inventory.hosts["h0"].connections["hive"] = Connection()  # type: ignore[assignment]
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt) as interrupt:
        under_test.run(task=hang)
    assert time.monotonic() - started < 1.5
    release.set()
    results = interrupt.value.results  # type: ignore[attr-defined]
    assert not results["h1"].failed
    assert results["h0"][0].result == "interrupted"
    give_up = time.monotonic() + 5
    while not closed and time.monotonic() < give_up:
        time.sleep(0.01)
    assert closed == ["h0"]


class Connection:
    """A Nornir connection plugin that counts."""

    opened: list[str]

    def __init__(self) -> None:
        self.connection = object()
        self.closed = threading.Event()

    def open(self, hostname: str | None, *_: object, **__: object) -> None:
        type(self).opened.append(str(hostname))

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """The hosts to which a connection `counted` was opened."""
    Connection.opened = []
    ConnectionPluginRegister.register("counted", Connection)
    yield Connection.opened
    ConnectionPluginRegister.deregister("counted")


def interrupted(under_test: Nornir, task: Callable[[Task], Result]) -> None:
    threading.Timer(0.3, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt):
        under_test.run(task=task)


def test_a_thread_that_outlives_ctrl_c_does_nothing_more_on_its_host(opened: list[str]):
    release, ended = threading.Event(), threading.Event()
    refused: list[str] = []

    def compute(task: Task) -> Result:
        task.host.get_connection("counted", task.nornir.config)
        release.wait(timeout=30)
        try:
            task.host.get_connection("counted", task.nornir.config)
        except HiveError as error:
            refused.append(str(error))
        ended.set()
        return Result(host=task.host)

    under_test = nornir(1)
    interrupted(under_test, compute)
    release.set()
    assert ended.wait(5)
    assert refused == ["the run has ended"]
    assert len(opened) == 1


def test_a_thread_that_outlives_ctrl_c_changes_nothing_of_the_report():
    release, ended = threading.Event(), threading.Event()
    seen: list[Event] = []

    def hang(task: Task) -> Result:
        release.wait(timeout=30)
        return Result(host=task.host)

    def play(task: Task) -> Result:
        try:
            task.run(task=hang)
        finally:
            ended.set()
        return Result(host=task.host)

    report = RunReport("setup-hosts", "private")
    interrupted(nornir(1).with_processors([RunProcessor(report, [seen.append])]), play)
    before = len(seen)
    release.set()
    assert ended.wait(5)
    assert len(seen) == before
    assert report.hosts["h0"].roles == {}


def test_hosts_that_wait_for_their_turn_are_not_begun_after_ctrl_c():
    begun: list[str] = []
    release = threading.Event()

    def hang(task: Task) -> Result:
        begun.append(task.host.name)
        release.wait(timeout=30)
        return Result(host=task.host)

    interrupted(nornir(3, workers=1), hang)
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("host-")]
    release.set()
    for thread in threads:
        thread.join(5)
    assert begun == ["h0"]


def test_after_ctrl_c_the_next_run_has_new_connections(opened: list[str]):
    release = threading.Event()

    def use(task: Task) -> Result:
        task.host.get_connection("counted", task.nornir.config)
        release.wait(timeout=30)
        return Result(host=task.host)

    under_test = nornir(1)
    interrupted(under_test, use)
    old = under_test.inventory.hosts["h0"].connections
    assert not old
    release.set()
    assert not under_test.run(task=use).failed
    assert len(opened) == 2
