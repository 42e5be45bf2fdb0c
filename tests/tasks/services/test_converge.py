"""Whether a service's tasks are as they are to be, judged by what the swarm shows."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from hive_nornir.tasks.services.converge import judged, lately
from tests.tasks.services.test_spec import spec

NODES: list[dict[str, Any]] = [
    {
        "ID": f"n{number}",
        "Spec": {"Availability": "active", "Role": "manager", "Labels": {}},
        "Status": {"State": "ready"},
        "Description": {"Hostname": f"p-hive{number}"},
    }
    for number in range(3)
]


def service(update: str = "", **attributes: Any) -> dict[str, Any]:
    found = spec(**{"replicas": 2, **attributes})
    if attributes.get("mode") == "global":
        found["Mode"] = {"Global": {}}
    return {"ID": "s", "Spec": found, **({"UpdateStatus": {"State": update, "Message": "because"}} if update else {})}


def task(
    of: dict[str, Any], state: str = "running", slot: int = 1, *, desired: str = "", node: str = "n0", error: str = ""
) -> dict[str, Any]:
    ended = state in ("failed", "rejected", "complete", "shutdown")
    return {
        "ID": f"t{slot}{state}{node}{error}",
        "Slot": slot,
        "NodeID": node,
        "DesiredState": desired or ("shutdown" if ended else "running"),
        "Spec": of["Spec"]["TaskTemplate"],
        "Status": {"State": state, "Err": error},
    }


GLOBAL: dict[str, Any] = {"mode": "global", "replicas": -1}


def test_it_is_done_when_all_tasks_run() -> None:
    own = service()
    assert judged(own, [task(own), task(own, slot=2)], NODES).done
    assert not judged(own, [task(own), task(own, "starting", slot=2)], NODES).done
    assert not judged(own, [task(own)], NODES).done
    assert judged(own, [task(own)], NODES).words == "1 of 2 tasks run"


def test_tasks_of_the_service_as_it_was_do_not_count() -> None:
    before, own = service(command=["before"]), service()
    tasks = [task(own), task(before, slot=2)]
    assert judged(own, tasks, NODES).running == 1


def test_tasks_that_need_not_move_are_of_the_service_as_it_is() -> None:
    before, own = service(), service(placement={"constraints": ["node.role == manager"]})
    assert judged(own, [task(before), task(before, slot=2)], NODES).done


def test_it_is_not_done_while_the_swarm_says_that_it_updates() -> None:
    own = service("updating")
    assert not judged(own, [task(own), task(own, slot=2)], NODES).done
    own = service("completed")
    assert judged(own, [task(own), task(own, slot=2)], NODES).done


@pytest.mark.parametrize("state", ["paused", "rollback_completed"])
def test_an_update_that_the_swarm_has_stopped_is_told(state: str) -> None:
    own = service(state)
    now = judged(own, [task(own), task(own, slot=2)], NODES)
    assert not now.done
    assert now.stopped == f"its update is {state.replace('_', ' ')}: because"


def test_a_task_on_a_node_that_is_down_does_not_run() -> None:
    own = service()
    nodes = [{**NODES[0], "Status": {"State": "down"}}, *NODES[1:]]
    assert judged(own, [task(own), task(own, slot=2, node="n1")], nodes).running == 1


def test_a_global_service_runs_on_each_node_that_may() -> None:
    own = service(**GLOBAL)
    assert judged(own, [task(own, node=f"n{number}", slot=0) for number in range(3)], NODES).done
    drained = [*NODES[:2], {**NODES[2], "Spec": {**NODES[2]["Spec"], "Availability": "drain"}}]
    assert judged(own, [task(own, node=f"n{number}", slot=0) for number in range(2)], drained).done
    elsewhere = service(**GLOBAL, placement={"constraints": ["node.hostname == p-hive1"]})
    assert judged(elsewhere, [task(elsewhere, node="n1", slot=0)], NODES).done


def test_what_ends_and_is_not_to_be_started_again_is_done() -> None:
    job = service(replicas=1, restart_config={"condition": "none"})
    assert judged(job, [task(job, "complete")], NODES).done
    always = service(replicas=1)
    assert judged(always, [task(always, "complete"), task(always, "starting")], NODES).broken


def test_what_fails_and_is_not_started_again_is_told() -> None:
    job = service(replicas=1, restart_config={"condition": "none"})
    now = judged(job, [task(job, "failed", error="exit 1")], NODES)
    assert now.stopped == "what failed is not started again"
    assert [each["Status"]["Err"] for each in now.broken] == ["exit 1"]
    looping = service(replicas=1)
    now = judged(looping, [task(looping, "failed", error="exit 1"), task(looping, "ready")], NODES)
    assert now.stopped == ""
    assert len(now.broken) == 1


def test_failures_of_the_past_are_not_held_against_it() -> None:
    own = service(replicas=1)
    old = task(own, "failed", error="then")
    assert judged(own, [old, task(own)], NODES, {old["ID"]}).broken == ()


def test_what_the_scheduler_waits_for_is_told() -> None:
    own = service(replicas=1)
    waiting = task(own, "pending", error="no suitable node (scheduling constraints not satisfied on 3 nodes)", node="")
    assert judged(own, [waiting], NODES).waiting == ("no suitable node (scheduling constraints not satisfied on 3 nodes)",)


def test_only_failures_of_the_last_minutes_throw_doubt_on_a_service() -> None:
    now = datetime(2026, 11, 24, 20, 0, tzinfo=timezone.utc)
    old, new = ({"ID": at, "Status": {"Timestamp": f"2026-11-24T{at}.123456789Z"}} for at in ("19:40:00", "19:55:00"))
    assert lately([old, new], now) == [new]
