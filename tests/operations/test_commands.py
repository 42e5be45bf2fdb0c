from __future__ import annotations

from pathlib import Path

import pytest

from hive_nornir.operations.commands import command
from hive_nornir.operations.core import Change, Observed, Operation
from tests.operations.conftest import Run, statuses
from tests.support.local import LocalTransport


def test_creates_runs_once(host: Path, run: Run) -> None:
    make = command("make it", f"echo x >>'{host}/it'", creates=f"{host}/it")
    assert statuses(run(make, check=True)) == ["would-change"]
    assert list(host.iterdir()) == []
    assert statuses(run(make)) == ["changed"]
    assert statuses(run(make)) == ["unchanged"]
    assert (host / "it").read_text() == "x\n"


def test_unless_and_onlyif_ask_the_host(host: Path, run: Run) -> None:
    set_up = command("set up", f": >{host}/done", unless=f"echo noise; [ -e {host}/done ]", onlyif=f"[ -e {host}/wanted ]")
    assert statuses(run(set_up)) == ["unchanged"]
    (host / "wanted").touch()
    assert statuses(run(set_up)) == ["changed"]
    assert statuses(run(set_up)) == ["unchanged"]


def test_a_script_without_its_effect_is_a_failure(host: Path, run: Run) -> None:
    [outcome] = run(command("make it", "echo all well; exit 0", creates=f"{host}/it"))
    assert "done, but read back it is not so" in str(outcome.error)


def test_a_script_stops_at_its_first_failure_and_tells_what_it_said(host: Path, run: Run) -> None:
    [outcome] = run(command("fails", f"echo to stdout; echo to stderr >&2; false\n: >{host}/it", creates=f"{host}/it"))
    assert "exit code 1" in str(outcome.error)
    assert outcome.stderr == "to stdout\nto stderr"
    assert list(host.iterdir()) == []


def test_a_secret_script_tells_nothing(host: Path, run: Run) -> None:
    [outcome] = run(command("fails", "echo hunter2; echo hunter2 >&2; false", creates=f"{host}/it", secret=True))
    assert outcome.status == "failed"
    assert "hunter2" not in f"{outcome.stderr}{outcome.error}{outcome.diff}{outcome.summary}"


def test_changed_when_is_known_only_afterwards(host: Path, run: Run) -> None:
    script = f"if [ -e {host}/it ]; then echo same; else : >{host}/it; echo new; fi"

    def ensure() -> Operation:
        return command("ensure it", script, changed_when=lambda printed: printed == "new\n")

    [planned] = run(ensure(), check=True)
    assert (planned.status, planned.summary) == ("unknown", "run: known after it has run")
    assert not (host / "it").exists()
    assert statuses(run(ensure())) == ["changed"]
    assert statuses(run(ensure())) == ["unchanged"]


def test_what_a_command_triggers_waits_for_its_answer(host: Path, run: Run, local: LocalTransport) -> None:
    def role(word: str) -> list[Operation]:
        ask = command("ask", f"echo {word}", changed_when=lambda printed: printed == "changed\n")
        restart = Operation(
            "restart", ":", lambda seen: Change("restart", f"echo restarted >>{host}/log") if seen.triggered else None, triggered_by=(ask,)
        )
        return [ask, restart]

    assert statuses(run(*role("same"))) == ["unchanged", "unchanged"]
    assert not (host / "log").exists()
    assert statuses(run(*role("changed"))) == ["changed", "changed"]
    assert statuses(run(*role("same"))) == ["unchanged", "unchanged"]
    assert (host / "log").read_text() == "restarted\n"


def test_a_failing_command_is_tried_again_in_the_next_run(run: Run) -> None:
    def ask(code: int) -> Operation:
        return command("ask", f"exit {code}", changed_when=lambda _: False)

    assert statuses(run(ask(3)))[0].startswith("failed: ask: run: exit code 3")
    assert statuses(run(ask(0))) == ["unchanged"]


@pytest.mark.parametrize(
    "tests", [{}, {"onlyif": "true"}, {"creates": "/x", "changed_when": bool}, {"unless": "true", "changed_when": bool}]
)
def test_something_must_tell_when_to_run_and_nothing_twice(tests: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="needs either creates or unless, or else changed_when"):
        command("x", "true", **tests)


def test_a_deadline_is_the_engines() -> None:
    assert command("x", "true", creates="/x", deadline=5).deadline == 5
    assert command("x", "true", creates="/x").decide(Observed("done\n")) is None
