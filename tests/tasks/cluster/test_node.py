"""A member's role and labels."""

import json

import pytest

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Observed
from hive_nornir.tasks.cluster.node import MARK, node
from tests.tasks.cluster.test_membership import SECOND, hives

GROUPS = ("hives", "servers")
KNOWN = ("hives", "servers", "repository", "web")
SETTLED = {"hives": "true", "servers": "true", MARK: "hives,servers"}


def decide(labels, *, role="manager", state="ready", **modes):
    operation = node(hives(SECOND, **modes), GROUPS, KNOWN, "/home/admin/.docker")
    return operation.decide(Observed(f"{role} {state} {json.dumps(labels)}\n"))


def test_a_label_for_every_group_and_no_change_on_the_second_look():
    change = decide(None)
    assert "--label-add hives=true --label-add servers=true --label-add hive-nornir.groups=hives,servers" in change.apply
    assert decide(SETTLED) is None


def test_labels_of_former_groups_go_and_the_operators_own_stay():
    mine = {**SETTLED, "ssd": "true", "zone": "a", "web": "no"}
    assert decide(mine) is None
    change = decide({**mine, "repository": "true", "old": "true", MARK: "hives,old,repository,servers"})
    assert change.summary == f"labels {MARK}, no labels old, repository"
    assert change.diff.splitlines()[:2] == ["- old=true", "- repository=true"]


def test_labels_that_hive_builder_left_are_taken_over():
    assert decide({"hives": "true", "servers": "true", "repository": "true"}).summary == f"labels {MARK}, no labels repository"


def test_the_role_follows_the_inventory():
    change = decide(SETTLED, p_hive1="worker")
    assert (change.summary, "--role worker" in change.apply) == ("role worker", True)
    assert decide(SETTLED, role="worker", p_hive1="worker") is None


def test_a_worker_asks_the_managers():
    operation = node(hives(SECOND, p_hive1="worker", p_hive2="worker"), GROUPS, KNOWN, "/home/admin/.docker")
    assert "for hv_m in p-hive0.example; do" in operation.probe
    assert "timeout " in operation.probe


@pytest.mark.parametrize(("text", "said"), [("manager down {}", "calls this host down"), ("Error response: no leader", "does not tell")])
def test_a_node_that_is_not_ready_is_told(text, said):
    with pytest.raises(OperationFailed, match=said):
        node(hives(SECOND), GROUPS, KNOWN, "/x").decide(Observed(text))


def test_a_host_that_is_no_member_yet_has_no_node():
    assert node(hives(SECOND), GROUPS, KNOWN, "/x").decide(Observed("")) is None
