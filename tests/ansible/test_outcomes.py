"""What Ansible's tasks say, as outcomes."""

from __future__ import annotations

import json

import pytest

from hive_nornir.ansible.outcomes import TaskOutcomes, event_of
from hive_nornir.errors import OperationFailed


def told(event, task="web : a page", *, check=False, exit_code=0, others=(), **more):
    outcomes = TaskOutcomes(check=check, masked=lambda text: text.replace("s3cret", "***"))
    for each in (
        *others,
        {
            "event": event,
            "task": task,
            "action": "ansible.builtin.template",
            "changed": False,
            "target": "",
            "said": {},
            "diff": "",
            **more,
        },
    ):
        outcomes.add(event_of(json.dumps({"hive": 1, **each})))
    outcomes.finish(exit_code)
    return outcomes


def only(outcomes):
    [outcome] = outcomes.found
    return outcome


@pytest.mark.parametrize(
    ("event", "check", "more", "status"),
    [
        ("ok", False, {"changed": False}, "unchanged"),
        ("ok", False, {"changed": True}, "changed"),
        ("ok", True, {"changed": True}, "would-change"),
        ("skipped", False, {}, "unchanged"),
        ("skipped", True, {}, "unchanged"),
        ("skipped", True, {"said": {"msg": "Command would have run if not in check mode"}}, "unknown"),
        ("skipped", True, {"said": {"msg": "remote module (slow) does not support check mode"}}, "unknown"),
        ("ignored", False, {"said": {"msg": "no"}}, "unchanged"),
    ],
)
def test_a_task_is_what_it_says(event, check, more, status):
    assert only(told(event, check=check, **more)).status == status


def test_a_change_names_the_module_and_what_it_worked_on_and_shows_its_difference():
    outcome = only(told("ok", changed=True, target="/etc/x", diff="-a\n+b s3cret\n"))
    assert outcome.summary == "template /etc/x"
    assert outcome.diff == "-a\n+b ***"
    assert outcome.operation.name == "web : a page"


def test_a_failure_is_an_error_with_what_the_host_said():
    outcomes = told("failed", exit_code=2, said={"msg": "non-zero\nreturn code", "stderr": "no such file, s3cret"})
    assert isinstance(outcomes.failure, OperationFailed)
    assert outcomes.failure.message == "web : a page: non-zero return code"
    assert outcomes.failure.stderr == "no such file, ***"
    assert only(outcomes).status == "failed"


def test_a_failure_that_the_role_rescues_is_none():
    outcomes = told("failed", exit_code=0, said={"msg": "no"})
    assert (only(outcomes).status, outcomes.failure) == ("unchanged", None)
    assert only(outcomes).summary == "failed, and the role goes on: no"


def test_in_a_dry_run_a_failure_after_a_change_that_was_not_made_is_unknown():
    before = {"event": "ok", "task": "t", "action": "file", "changed": True, "target": "", "said": {}, "diff": ""}
    assert told("failed", check=True, exit_code=2, others=[before]).found[1].status == "unknown"
    assert told("failed", check=True, exit_code=2).found[0].status == "failed"


def test_tasks_of_one_name_are_told_apart():
    before = {"event": "ok", "task": "web : a page", "action": "file", "changed": False, "target": "", "said": {}, "diff": ""}
    assert [outcome.operation.name for outcome in told("ok", others=[before]).found] == ["web : a page", "web : a page (2)"]


def test_gathering_facts_is_no_step_unless_it_fails():
    assert told("ok", task="Gathering Facts").found == []
    assert only(told("failed", task="Gathering Facts", exit_code=2)).status == "failed"


@pytest.mark.parametrize("line", ["", "PLAY [x] ***", '{"a": 1}', '{"hive": 1, "event', "[WARNING]: beware"])
def test_lines_of_ansible_itself_are_no_events(line):
    assert event_of(line) is None


def test_the_task_that_runs_is_known():
    outcomes = told("ok", others=[{"event": "begun", "task": "web : slow"}])
    assert outcomes.now == "web : slow"
