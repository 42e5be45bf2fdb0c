"""The state of services, from what a manager of Docker 20.10 said (data/swarm/services.json, fields that nobody reads left out)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hive_nornir.tasks.cluster.service_states import ServiceState, TaskState, service_states

RECORDED = json.loads((Path(__file__).parents[2] / "data" / "swarm" / "services.json").read_text())


@pytest.fixture
def states() -> dict[str, ServiceState]:
    return {state.name: state for state in service_states(**RECORDED)}


def test_services_stand_by_name(states: dict[str, ServiceState]):
    assert list(states) == sorted(states)


def test_a_service_that_runs(states: dict[str, ServiceState]):
    everywhere = ServiceState("everywhere", "box:1", "global", 1, 1, (TaskState(0, "p-hive0", "running", ""),))
    assert states["everywhere"] == everywhere


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("nowhere", TaskState(1, "", "pending", "no suitable node (scheduling constraints not satisfied on 1 node)")),
        ("missing", TaskState(1, "p-hive0", "rejected", "No such image: nowhere.example/none:1")),
        ("once", TaskState(1, "p-hive0", "failed", "task: non-zero exit (4)")),
        ("job", TaskState(0, "p-hive0", "complete", "")),
    ],
)
def test_why_a_task_does_not_run(states: dict[str, ServiceState], name: str, task: TaskState):
    assert states[name].tasks == (task,)
    assert (states[name].desired, states[name].running) == (1, 0)


def made(*tasks: dict[str, Any], image: str = "box:1") -> ServiceState:
    spec = {"Name": "web", "Mode": {"Replicated": {"Replicas": 1}}, "TaskTemplate": {"ContainerSpec": {"Image": image}}}
    return service_states([{"ID": "s", "Spec": spec}], tasks, RECORDED["nodes"])[0]


def task(created: str, state: str, error: str = "") -> dict[str, Any]:
    status = {"State": state, "Err": error}
    return {"ServiceID": "s", "Slot": 1, "CreatedAt": created, "DesiredState": "running", "Status": status}


def test_a_task_that_is_still_to_start_tells_why_the_one_before_it_ended():
    before, after = task("2026-11-24T19:00:00.12Z", "failed", "non-zero exit (3)"), task("2026-11-24T19:00:00.123Z", "ready")
    assert made(before, after).tasks == made(after, before).tasks == (TaskState(1, "", "ready", "non-zero exit (3)"),)


def test_a_task_that_runs_is_not_blamed_for_the_one_before_it():
    assert made(task("2026-11-24T19:00:00Z", "failed", "bad"), task("2026-11-24T19:00:01Z", "running")).tasks[0].error == ""


def test_an_image_is_called_as_the_operator_calls_it():
    assert made(image="nginx:stable@sha256:0123").image == "nginx:stable"


def test_a_replica_that_is_not_wanted_any_more_is_not_shown():
    gone = task("2026-11-24T19:00:02Z", "shutdown") | {"Slot": 2, "DesiredState": "shutdown"}
    assert [each.slot for each in made(task("2026-11-24T19:00:00Z", "running"), gone).tasks] == [1]
