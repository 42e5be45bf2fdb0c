"""The task `command`, where it needs no host; tests/hosts/test_notebook.py has it run."""

from __future__ import annotations

from types import SimpleNamespace

from nornir.core import Nornir
from nornir.core.inventory import Defaults, Groups, Host, Hosts, Inventory

from hive_nornir.connections.transport import Completed
from hive_nornir.runs.runner import HiveRunner
from hive_nornir.tasks.command import command


def nornir(answer: Completed | None) -> Nornir:
    host = Host(name="a")
    transport = SimpleNamespace(run_attended=lambda _script, deadline: answer)
    host.connections["hive"] = SimpleNamespace(connection=transport)  # type: ignore[assignment]
    return Nornir(inventory=Inventory(hosts=Hosts({"a": host}), groups=Groups(), defaults=Defaults()), runner=HiveRunner())


def test_what_a_script_said_and_how_it_ended():
    [result] = nornir(Completed(0, b"out\n\xff\n", b"err\n")).run(task=command, script="x")["a"]
    assert (result.result, result.stderr, result.exit_code, result.failed) == ("out\n\ufffd", "err", 0, False)


def test_a_script_that_failed_and_said_nothing_is_told_by_its_errors():
    [result] = nornir(Completed(3, b"", b"no such file\n")).run(task=command, script="x")["a"]
    assert (result.result, result.exit_code, result.failed) == ("no such file", 3, True)


def test_a_dry_run_does_not_run_what_nobody_can_foretell():
    dry = nornir(None)
    dry.data.dry_run = True
    [result] = dry.run(task=command, script="x")["a"]
    assert result.result == "not run: this is a dry run"
    assert not result.failed
