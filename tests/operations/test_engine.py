"""What the engine promises whatever the operations are, on this machine as the host."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from hive_nornir.errors import ConnectionFailed, OperationFailed
from hive_nornir.operations import engine
from hive_nornir.operations.core import Change, Observed, Operation, Outcome
from hive_nornir.operations.engine import Engine
from tests.operations.conftest import Run, statuses
from tests.support.local import LocalTransport


def marker(path: Path, apply: str = "", *, disturbs: str = "", verify: bool = True, name: str = "") -> Operation:
    """An operation that wants a file to be there; `apply` is run after making it."""

    def decide(seen: Observed) -> Change | None:
        return None if seen.text.startswith("there") else Change("make it", f"echo x >>{path}\n{apply}")

    probe = f"if [ -e {path} ]; then echo there; fi"
    return Operation(name or f"make {path.name}", probe, decide, disturbs=disturbs, verify=verify, deadline=0.3)


def restart(log: Path, *on: Operation) -> Operation:
    """An operation that appends to a log when one of the others changed."""
    return Operation("restart", ":", lambda seen: Change("restart", f"echo restarted >>{log}") if seen.triggered else None, triggered_by=on)


def test_a_role_costs_one_exchange_and_a_changed_one_two(host: Path, run: Run, local: LocalTransport) -> None:
    operations = [marker(host / f"{n}") for n in range(5)]
    assert statuses(run(*operations)) == ["changed"] * 5
    assert local.traffic.round_trips == 2
    assert statuses(run(*operations)) == ["unchanged"] * 5
    assert local.traffic.round_trips == 3


def test_nothing_to_do_costs_nothing(run: Run, local: LocalTransport) -> None:
    assert run() == []
    assert local.traffic.round_trips == 0


def test_what_a_change_disturbs_is_looked_at_again(host: Path, run: Run, local: LocalTransport) -> None:
    package = marker(host / "package", f"echo from the package >{host}/config", disturbs="packages are installed")
    reader = Operation(
        "reader",
        f"cat {host}/config 2>/dev/null",
        lambda seen: Change("edit", f"echo edited >{host}/config") if seen.text == "from the package\n" else None,
    )
    [first, second] = run(package, reader, check=True)
    assert (first.status, second.status, second.summary) == ("would-change", "unknown", "known after packages are installed")
    assert statuses(run(package, reader)) == ["changed", "changed"]
    assert local.traffic.round_trips == 1 + 3
    assert (host / "config").read_text() == "edited\n"


def test_a_failure_stops_the_rest_and_keeps_what_was_done(host: Path, run: Run) -> None:
    outcomes = run(marker(host / "a"), marker(host / "b", "echo broken >&2; exit 4"), marker(host / "c"), marker(host / "d"))
    assert statuses(outcomes) == ["changed", "failed: make b: make it: exit code 4 broken", "not-run", "not-run"]
    assert sorted(path.name for path in host.iterdir()) == ["a", "b"]


def test_a_state_that_must_not_be_touched_stops_the_rest_after_what_comes_before_it(host: Path, run: Run) -> None:
    def refuse(seen: Observed) -> Change | None:
        raise OperationFailed("not with me")

    operations = [marker(host / "a"), Operation("refuses", ":", refuse), marker(host / "c")]
    assert statuses(run(*operations)) == ["changed", "failed: not with me", "not-run"]
    assert [path.name for path in host.iterdir()] == ["a"]


def test_a_change_without_effect_is_a_failure(host: Path, run: Run) -> None:
    never = Operation("never", "echo missing", lambda seen: Change("try", ":") if "missing" in seen.text else None)
    [outcome] = run(never)
    assert str(outcome.error) == "never: try: done, but read back it is not so (try)"


def test_a_service_is_restarted_in_the_next_run_when_this_one_ends_too_early(host: Path, run: Run) -> None:
    def role(broken: str) -> list[Operation]:
        config = marker(host / "config")
        return [config, marker(host / "between", broken), restart(host / "log", config)]

    assert [o.status for o in run(*role("exit 1"))] == ["changed", "failed", "not-run"]
    assert not (host / "log").exists()
    (host / "between").unlink()
    assert statuses(run(*role(":"), check=True)) == ["unchanged", "would-change", "would-change"]
    assert statuses(run(*role(":"))) == ["unchanged", "changed", "changed"]
    assert statuses(run(*role(":"))) == ["unchanged"] * 3
    assert (host / "log").read_text() == "restarted\n"


def test_a_service_that_need_not_be_restarted_is_not_restarted_later_either(host: Path, run: Run) -> None:
    config = marker(host / "config")
    idle = Operation(
        "restart",
        f"if [ -e {host}/running ]; then echo running; fi",
        lambda seen: Change("restart", f": >{host}/restarted") if seen.triggered and "running" in seen.text else None,
        triggered_by=(config,),
    )
    assert statuses(run(config, idle)) == ["changed", "unchanged"]
    (host / "running").touch()
    assert statuses(run(config, idle)) == ["unchanged", "unchanged"]


def test_a_later_list_of_the_same_engine_knows_what_changed(host: Path, local: LocalTransport) -> None:
    config = marker(host / "config")
    one = Engine(local, "here")
    one.run([config])
    assert statuses(one.run([restart(host / "log", config)])) == ["changed"]


class Reconnecting(LocalTransport):
    """Notes in a file when a new login is made; refuses it if told to."""

    def __init__(self, folder: Path, log: Path, *, refuse: bool = False) -> None:
        super().__init__(folder)
        self.log, self.refuse = log, refuse

    def reopen(self, deadline: float) -> None:
        if self.refuse:
            raise ConnectionFailed("nobody answers")
        with self.log.open("a") as log:
            log.write("new login\n")


def in_new_login(host: Path) -> list[Operation]:
    """A file of variables, and a step that needs them."""
    variables = dataclasses.replace(marker(host / "environment", f"echo variables >>{host}/log"), relogin=True)
    return [marker(host / "before"), variables, marker(host / "after", f"echo after >>{host}/log")]


def test_what_counts_from_the_next_login_has_one_made_before_the_next_step(host: Path, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    transport = Reconnecting(tmp_path / "state", host / "log")
    assert statuses(Engine(transport, "here").run(in_new_login(host))) == ["changed"] * 3
    assert (host / "log").read_text() == "variables\nnew login\nafter\n"
    assert statuses(Engine(transport, "here").run(in_new_login(host))) == ["unchanged"] * 3
    assert statuses(Engine(transport, "here", check=True).run(in_new_login(host / "other"))) == ["would-change"] * 3
    assert (host / "log").read_text().count("new login") == 1


def test_a_login_that_cannot_be_made_anew_ends_the_role_with_what_was_done(host: Path, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    outcomes = Engine(Reconnecting(tmp_path / "state", host / "log", refuse=True), "here").run(in_new_login(host))
    assert statuses(outcomes) == ["changed", "failed: nobody answers", "not-run"]


def lost(tmp_path: Path, number: int, *operations: Operation, also: str = "") -> list[Outcome]:
    """A run in which the connection breaks before the answer of an exchange arrives; `also`: a folder that is gone then."""

    def lose(at: int) -> bool:
        if at == number and also:
            shutil.rmtree(also)
        return at == number

    (tmp_path / "state").mkdir(exist_ok=True)
    return Engine(LocalTransport(tmp_path / "state", lose=lose), "here").run(list(operations))


def test_a_step_is_known_as_done_after_a_lost_connection_and_is_not_done_twice(host: Path, tmp_path: Path) -> None:
    operations = [marker(host / "a"), marker(host / "b", "echo broken >&2; exit 4"), marker(host / "c")]
    assert statuses(lost(tmp_path, 2, *operations)) == ["changed", "failed: make b: make it: exit code 4 broken", "not-run"]
    assert (host / "a").read_text() == "x\n"
    assert not (host / "c").exists()


def test_after_a_restart_of_the_host_its_state_tells_how_far_it_came(host: Path, tmp_path: Path) -> None:
    operations = [marker(host / "a"), marker(host / "b", verify=False)]
    outcomes = lost(tmp_path, 2, *operations, also=f"{tmp_path}/state/run")
    assert statuses(outcomes) == ["changed", "failed: make b: make it: began and did not end the host restarted"]


def test_a_step_that_takes_too_long_is_the_one_that_failed(host: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "PROBE_SECONDS", 0.5)
    slow = Operation("slow", "echo due", lambda _: Change("wait", "exec sleep 60"), deadline=0.3)
    assert [o.status for o in run(marker(host / "a"), slow, marker(host / "c"))] == ["changed", "failed", "not-run"]
    assert not (host / "c").exists()


def test_what_a_probe_prints_is_kept_byte_for_byte(run: Run) -> None:
    texts = ["", "\n", "a", "a\n\n", "\x1e0 probe 1 \nx", "\udcff\udc80\r\n", "1\n2\n3"]
    prints = [
        Operation(f"{n}", "printf %b " + "".join(f"\\\\0{b:03o}" for b in text.encode("utf-8", "surrogateescape")), lambda _: None)
        for n, text in enumerate(texts)
    ]
    assert [o.observed.text for o in run(*prints) if o.observed] == texts
    [outcome] = run(Operation("exits", "echo x; exit 3", lambda _: None))
    assert outcome.observed == Observed("x\n", 3)


def test_a_probe_that_ends_the_whole_script_is_told(run: Run) -> None:
    with pytest.raises(OperationFailed, match="here answered 1 of 3 probes"):
        run(*(Operation(f"{n}", "echo $$" if n != 1 else "kill -9 $$", lambda _: None) for n in range(3)))


def test_two_operations_of_one_name_are_refused(host: Path, run: Run) -> None:
    with pytest.raises(ValueError, match="two operations are called 'same'"):
        run(marker(host / "a", name="same"), marker(host / "b", name="same"))
    assert list(host.iterdir()) == []
