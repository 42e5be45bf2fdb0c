"""Which nodes can run a service, by the scheduler's rules."""

from __future__ import annotations

from typing import Any

import pytest

from hive_nornir.tasks.services.placement import suitable


def node(number: int, *, state: str = "ready", availability: str = "active", role: str = "worker", **labels: str) -> dict[str, Any]:
    return {
        "ID": f"id{number}",
        "Spec": {"Availability": availability, "Role": role, "Labels": labels},
        "Status": {"State": state},
        "Description": {"Hostname": f"p-hive{number}", "Platform": {"OS": "linux"}, "Engine": {"Labels": {"rack": "b"}}},
    }


NODES = [node(0, role="manager", zone="a"), node(1, zone="b"), node(2, state="down", zone="a"), node(3, availability="drain", zone="a")]


@pytest.mark.parametrize(
    ("constraints", "hosts"),
    [
        ([], ["p-hive0", "p-hive1"]),
        (["node.hostname == p-hive1"], ["p-hive1"]),
        (["node.hostname!=p-hive1"], ["p-hive0"]),
        (["node.role==manager"], ["p-hive0"]),
        (["node.labels.zone == b"], ["p-hive1"]),
        (["node.labels.zone != b", "node.labels.missing != x"], ["p-hive0"]),
        (["node.labels.missing == x"], []),
        (["node.id == id0"], ["p-hive0"]),
        (["engine.labels.rack == b"], ["p-hive0", "p-hive1"]),
        (["node.platform.os == linux"], ["p-hive0", "p-hive1"]),
        (["node.ip == 10.0.0.4"], ["p-hive0", "p-hive1"]),
    ],
)
def test_nodes_that_take_tasks_and_fulfil_all_constraints(constraints: list[str], hosts: list[str]) -> None:
    spec = {"TaskTemplate": {"Placement": {"Constraints": constraints}}}
    assert [each["Description"]["Hostname"] for each in suitable(NODES, spec)] == hosts
