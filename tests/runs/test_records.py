"""Past runs, read from the records that the writer leaves."""

from __future__ import annotations

from pathlib import Path

from hive_nornir.inventory.context import SiteContext
from hive_nornir.runs.events import Event, role_finished
from hive_nornir.runs.record import RunRecord
from hive_nornir.runs.records import PastRuns, past_runs
from hive_nornir.runs.report import RoleReport


def recorded(tmp_path: Path, *runs: list[Event]) -> PastRuns:
    stage = SiteContext.resolve(tmp_path, "private", {})
    stage.prepare()
    for events in runs:
        with RunRecord(stage) as record:
            for event in events:
                record(event)
    return past_runs(stage.context_dir / "runs")


def setup_hosts(status: str = "ok") -> list[Event]:
    return [
        Event("phase-started", "setup-hosts", hosts=("a", "b"), at=1000.0),
        Event("operation", "setup-hosts", "p", "a", "base", "file /etc/x", "changed", True, diff="-a\n+b", at=1001.0),
        Event("operation", "setup-hosts", "p", "a", "base", "file /etc/y", "unchanged", at=1001.0),
        role_finished("setup-hosts", "a", RoleReport("base", "p", "changed", 1)),
        role_finished("setup-hosts", "b", RoleReport("base", "p", "ok")),
        Event("phase-finished", "setup-hosts", status=status, seconds=2.5, at=1002.5),
    ]


def test_a_run_is_told_as_it_was(tmp_path: Path):
    [run] = recorded(tmp_path, setup_hosts())
    assert (run.phase, run.outcome, run.changed, run.seconds) == ("setup-hosts", "ok", 1, 2.5)
    assert run.started.timestamp() == 1000.0
    assert run.started.tzinfo is not None


def test_events_come_back_as_they_were(tmp_path: Path):
    [run] = recorded(tmp_path, setup_hosts())
    assert run.events() == setup_hosts()[:3] + run.events()[3:5] + setup_hosts()[5:]


def test_the_latest_run_is_the_last(tmp_path: Path):
    runs = recorded(tmp_path, setup_hosts("failed"), setup_hosts("interrupted"), setup_hosts())
    assert [run.outcome for run in runs] == ["failed", "interrupted", "ok"]


def test_a_step_without_operations_counts_by_its_hosts(tmp_path: Path):
    changed = [role_finished("build-infra", name, RoleReport("build", "build", "changed", 1)) for name in ("a", "b")]
    [run] = recorded(tmp_path, [Event("phase-started", "build-infra"), *changed, Event("phase-finished", "build-infra", status="ok")])
    assert run.changed == 2


def test_a_killed_run_is_unfinished_and_its_half_line_does_no_harm(tmp_path: Path):
    [run] = recorded(tmp_path, setup_hosts()[:3])
    with (run.folder / "events.jsonl").open("a") as file:
        file.write('{"kind": "role-fin')
    [run] = past_runs(run.folder.parent)
    assert (run.outcome, run.changed, run.seconds) == ("unfinished", 1, 1.0)
    assert len(run.events()) == 3


def test_a_run_that_was_killed_before_it_wrote_anything_and_a_stage_without_runs_are_nothing(tmp_path: Path):
    assert recorded(tmp_path, []) == []
    assert past_runs(tmp_path / "nowhere") == []
