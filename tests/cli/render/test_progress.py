from __future__ import annotations

import io

import pytest
from rich.console import Console

from hive_nornir.cli.render.live import LiveTable
from hive_nornir.cli.render.progress import LineProgress, ProgressState, progress
from hive_nornir.runs.events import Event

PHASE = "setup-hosts"


def event(kind: str, **fields: object) -> Event:
    return Event(kind, PHASE, **fields)  # type: ignore[arg-type]


RUN = [
    event("phase-started", hosts=("a.shop", "b.shop")),
    event("play-started", play="p", hosts=("a.shop", "b.shop"), roles=("base", "docker")),
    event("role-started", host="a.shop", role="base"),
    event("role-started", host="b.shop", role="base"),
    event("operation", host="a.shop", role="base", operation="file /etc/hosts", status="changed", text="content"),
    event("operation", host="a.shop", role="base", operation="file /etc/motd", status="unchanged"),
    event("role-finished", host="a.shop", role="base", status="changed", changed=True, text="2 changed", seconds=1.26),
    event("role-started", host="a.shop", role="docker"),
    event("role-finished", host="b.shop", role="base", status="failed", error="no space\nleft", seconds=0.3),
]


def lines(*events: Event, verbose: bool = False, failures_only: bool = False) -> list[str]:
    printed: list[str] = []
    observer = LineProgress(lambda line, _style: printed.append(line), verbose=verbose, failures_only=failures_only)
    for each in events:
        observer(each)
    return printed


def test_only_roles_with_something_to_say_get_a_line() -> None:
    quiet = [event("role-finished", host="a.shop", role="base", status=status, seconds=1.0) for status in ("ok", "skipped")]
    assert lines(*RUN, *quiet) == ["a.shop base: 2 changed (1.3 s)", "b.shop base: FAILED (0.3 s): no space"]


def test_verbose_shows_each_operation() -> None:
    assert lines(*RUN, verbose=True)[:2] == ["a.shop base, file /etc/hosts: changed: content", "a.shop base, file /etc/motd: unchanged"]


def test_a_dry_run_says_what_is_to_do() -> None:
    planned = event("role-finished", host="a.shop", role="base", status="would-change", text="2 changed", seconds=0.1)
    assert lines(planned) == ["a.shop base: 2 to do (0.1 s)"]


def test_a_providers_words_are_lines() -> None:
    assert lines(event("progress", host="a.shop", text="started"), event("progress", text="engine is up")) == [
        "a.shop: started",
        "engine is up",
    ]


def test_above_the_live_table_only_failures_stay() -> None:
    assert lines(*RUN, failures_only=True) == ["b.shop base: FAILED (0.3 s): no space"]


def test_progress_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(verbose=False) as observer:
        for each in RUN:
            observer(each)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[0] == "a.shop base: 2 changed (1.3 s)"


def drawn(*events: Event, height: int = 20) -> list[str]:
    now = 100.0
    state = ProgressState(lambda: now)
    for each in events:
        state.note(each)
    console = Console(file=io.StringIO(), width=100)
    console.print(LiveTable(state, height, lambda: now + 2.5))
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_the_live_table_has_a_line_for_each_host() -> None:
    assert drawn(*RUN) == ["a 2/2 docker 2.5 s 2 changed", "b 2/2 failed in base"]


def test_the_live_table_shows_what_has_ended_and_what_waits() -> None:
    done = [event("role-finished", host="a.shop", role=role, status="ok") for role in ("base", "docker")]
    assert drawn(*RUN[:2], *done) == ["a 2/2 done", "b 1/2 waits"]


def test_the_live_table_fits_the_terminal() -> None:
    hosts = tuple(f"h{number}.shop" for number in range(40))
    busy = event("role-started", host="h39.shop", role="base")
    rows = drawn(event("phase-started", hosts=hosts), busy, height=5)
    assert len(rows) == 5
    assert rows[-2] == "h39 base 2.5 s"
    assert rows[-1] == "and 36 more"
