"""Which task of a service roles work in, and what is said when there is none."""

from __future__ import annotations

from typing import Any

from hive_nornir.tasks.services.initialize import ready, why_not


def task(identity: str, state: str = "running", wanted: str = "running", slot: int = 1, error: str = "", at: str = "1") -> dict[str, Any]:
    status = {"State": state, "ContainerStatus": {"ContainerID": f"c-{identity}"}, "Err": error, "Message": "started"}
    return {"ID": identity, "DesiredState": wanted, "Slot": slot, "Status": status, "UpdatedAt": at}


def test_the_first_slot_that_runs() -> None:
    tasks = [task("c", slot=3), task("a", "starting", slot=1), task("b", slot=2), task("d", wanted="shutdown", slot=1)]
    assert (ready(tasks) or {})["ID"] == "b"


def test_no_task_without_a_container() -> None:
    lone = task("a")
    lone["Status"]["ContainerStatus"] = {}
    assert ready([lone, task("b", "pending")]) is None


def test_why_there_is_none_names_the_states_and_the_latest_error() -> None:
    assert why_not([]) == "it has no task"
    tasks = [
        task("old", "failed", "shutdown", error="exit 1", at="1"),
        task("older", "failed", "shutdown", error="exit 2", at="0"),
        task("new", "preparing", at="2"),
    ]
    assert why_not(tasks) == "a task is preparing: started; a task is failed: exit 1"
