"""What the decorator makes of a function: a Nornir task with documentation, checked variables, and one sub-result an operation."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from nornir.core import Nornir
from nornir.core.inventory import Defaults, Groups, Host, Hosts, Inventory
from nornir.core.state import GlobalState
from nornir.core.task import AggregatedResult
from pydantic import Field

from hive_nornir.errors import DefinitionErrors, OperationFailed
from hive_nornir.operations import files
from hive_nornir.operations.core import Change, Operation
from hive_nornir.runs.runner import HiveRunner
from hive_nornir.tasks.role import Role, Steps, Target, Variables, role
from tests.support.local import LocalTransport


class Greeting(Variables):
    hive_greeting: str = Field("hello", description="What the file says.")
    hive_times: int = 1


@role(when=lambda v: v.hive_greeting != "", condition="hive_greeting is not empty")
def greet_all(host: Target, v: Greeting) -> list[Operation]:
    """Greet.

    Twice, if need be.
    """
    return [files.content(host.variables["path"], f"{v.hive_greeting * v.hive_times}\n")]


@role()
def look_twice(host: Target, v: Variables) -> Steps:
    """Read a file that the first step writes, and write what it says elsewhere."""
    first = files.content(host.variables["path"], "secret number 7\n")
    done = yield [first]
    if not done[first].settled:
        yield [files.content(host.variables["path"] + ".copy", "known later\n")]
        return
    look = files.read(host.variables["path"])
    done = yield [look]
    seen = done[look].observed
    assert seen is not None
    yield [files.content(host.variables["path"] + ".copy", seen.text.upper())]


@role()
def always_fails(host: Target, v: Variables) -> list[Operation]:
    """Fail after a change."""
    change = files.content(host.variables["path"], "x")
    return [change, Operation("fail", "echo", lambda _seen: Change("fail", "echo no luck >&2; exit 3")), files.content("/never", "y")]


def run(tested: Role, tmp_path: Path, variables: Mapping[str, Any] = {}, *, check: bool = False) -> AggregatedResult:
    scope = {"path": str(tmp_path / "greeting"), **variables}
    site = SimpleNamespace(scope=lambda _name: scope, allocate=lambda: None)
    (tmp_path / "state").mkdir(exist_ok=True)
    host = Host(name="h")
    host.connections["hive"] = SimpleNamespace(connection=LocalTransport(tmp_path / "state"))  # type: ignore[assignment]
    inventory = Inventory(hosts=Hosts({"h": host}), groups=Groups(), defaults=Defaults(data={"hive_site": site}))
    host.defaults = inventory.defaults
    return Nornir(inventory=inventory, runner=HiveRunner(), data=GlobalState(dry_run=check)).run(task=tested)


def test_its_name_and_documentation_come_from_the_function():
    assert (greet_all.name, greet_all.summary, greet_all.condition) == ("greet-all", "Greet.", "hive_greeting is not empty")
    assert greet_all.variables.model_fields["hive_greeting"].description == "What the file says."


def test_each_operation_is_a_sub_result_with_its_diff(tmp_path: Path):
    [whole, operation] = run(greet_all, tmp_path)["h"]
    assert whole.changed
    assert operation.name == f"file {tmp_path}/greeting"
    assert operation.changed
    assert "+hello" in operation.diff
    assert (tmp_path / "greeting").read_text() == "hello\n"


def test_the_second_time_nothing_is_changed(tmp_path: Path):
    run(greet_all, tmp_path)
    assert not run(greet_all, tmp_path)["h"].changed


def test_a_dry_run_shows_the_change_and_makes_none(tmp_path: Path):
    results = run(greet_all, tmp_path, check=True)["h"]
    assert results[1].changed
    assert "+hello" in results[1].diff
    assert not (tmp_path / "greeting").exists()


def test_a_condition_that_does_not_hold_skips_it(tmp_path: Path):
    [whole] = run(greet_all, tmp_path, {"hive_greeting": ""})["h"]
    assert whole.hive_status == "skipped"
    assert "hive_greeting is not empty" in whole.result


def test_a_variable_of_the_wrong_type_is_an_error_before_anything_is_touched(tmp_path: Path):
    results = run(greet_all, tmp_path, {"hive_times": "many"})["h"]
    assert isinstance(results[0].exception, DefinitionErrors)
    assert "hive_times" in str(results[0].exception)
    assert not (tmp_path / "greeting").exists()


def test_a_generator_is_sent_what_became_of_its_operations(tmp_path: Path):
    assert not run(look_twice, tmp_path).failed
    assert (tmp_path / "greeting.copy").read_text() == "SECRET NUMBER 7\n"
    assert not run(look_twice, tmp_path)["h"].changed


def test_a_generator_can_plan_what_it_cannot_know_yet(tmp_path: Path):
    results = run(look_twice, tmp_path, check=True)["h"]
    assert [result.changed for result in results] == [True, True, True]
    assert list(tmp_path.glob("greeting*")) == []


def test_a_failed_operation_fails_the_role_with_what_the_host_said(tmp_path: Path):
    results = run(always_fails, tmp_path)["h"]
    assert isinstance(results[0].exception, OperationFailed)
    assert "no luck" in results[0].exception.stderr
    assert [(result.failed, result.hive_outcome.status) for result in results[1:]] == [
        (False, "changed"),
        (True, "failed"),
        (False, "not-run"),
    ]


def test_what_a_role_holds_while_it_yields_is_given_back_whatever_happens(tmp_path: Path):
    held = []

    @role()
    def holder(host: Target, v: Variables) -> Steps:
        """Hold something."""
        held.append("held")
        try:
            yield [Operation("a", ":", lambda _seen: None)] * 2  # a mistake, which the engine tells
        finally:
            held.clear()

    assert run(holder, tmp_path).failed
    assert held == []


def test_facts_are_gathered_anew_after_a_new_login(tmp_path: Path):
    @role()
    def known(host: Target, v: Variables) -> Steps:
        """Change what a login has."""
        host.task.host.data["hive_facts"] = "of the login before"
        yield [dataclasses.replace(files.content(host.variables["path"], "a"), relogin=True)]
        host.task.host.data["hive_left"] = "hive_facts" in host.task.host.data

    for left in (False, True):
        results = run(known, tmp_path)["h"]
        assert results[0].host.data["hive_left"] is left


def test_two_operations_of_one_name_are_a_mistake_in_the_role(tmp_path: Path):
    @role()
    def twice(host: Target, v: Variables) -> list[Operation]:
        """Write one file twice."""
        return [files.content(host.variables["path"], "a"), files.content(host.variables["path"], "b")]

    results = run(twice, tmp_path)["h"]
    assert isinstance(results[0].exception, ValueError)
    with pytest.raises(FileNotFoundError):
        (tmp_path / "greeting").read_text()
