"""When a member of a cluster may restart, from recorded answers of docker and drbdsetup."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Observed
from hive_nornir.operations.guard import GuardGate
from hive_nornir.tasks.servers.rolling import DRAINED, others_suffice, restart_member
from tests.tasks.servers.servers import server

THREE = "true Leader\nfalse Reachable\nfalse Reachable\n"


def resource(connection: str = "Connected", disk: str = "UpToDate") -> str:
    peer = {"name": "p-hive1", "connection-state": connection, "peer_devices": [{"peer-disk-state": disk}]}
    return json.dumps([{"name": "data", "role": "Secondary", "devices": [{"disk-state": "UpToDate"}], "connections": [peer]}])


@pytest.mark.parametrize(
    ("nodes", "drbd"),
    [
        (THREE, ""),
        (THREE, resource()),
        (THREE, resource(disk="Diskless")),
        ("true Leader\n", ""),  # a site of one hive has no quorum to keep
        ("true\nfalse Leader\nfalse Reachable\nfalse Reachable\n", ""),
        ("Error response from daemon: This node is not part of a swarm\n", resource()),
    ],
)
def test_it_may_restart(tmp_path, nodes, drbd):
    assert others_suffice(server(tmp_path)).decide(Observed(f"@@nodes\n{nodes}@@drbd\n{drbd}")) is None


@pytest.mark.parametrize(
    ("nodes", "drbd", "why"),
    [
        ("true Leader\nfalse Reachable\nfalse Unreachable\n", "", "of 3 managers 1 would be left, and 2 are needed"),
        ("true Leader\nfalse Reachable\n", "", "of 2 managers 1 would be left"),
        ("Error response from daemon: rpc error: The swarm does not have a leader.\n", "", "does not have a leader"),
        ("", "", "cannot be asked"),
        (THREE, resource(disk="Outdated"), "data is not whole on p-hive1"),
        (THREE, resource(connection="StandAlone"), "StandAlone"),
    ],
)
def test_it_may_not_restart(tmp_path, nodes, drbd, why):
    with pytest.raises(OperationFailed, match=why):
        others_suffice(server(tmp_path)).decide(Observed(f"@@nodes\n{nodes}@@drbd\n{drbd}"))


def member(tmp_path, gate: GuardGate):
    host = server(tmp_path, facts={"swarm": "active"}, check=True)
    host.options = SimpleNamespace(allow_reboot=False, barrier=True, rolling=gate)
    return host


def test_a_plan_shows_draining_restarting_and_activating(tmp_path):
    steps = restart_member(member(tmp_path, GuardGate()), ["new kernel"])
    suffice, drained = next(steps)
    assert suffice.name == "the others suffice"
    assert drained.decide(Observed("active\n")).summary == "drain"
    assert drained.decide(Observed("drain\n")) is None  # the operator's own wish stays
    [restart] = steps.send({})
    assert restart.name == "restart: new kernel"


def test_what_an_interrupted_run_drained_is_made_active_without_a_restart(tmp_path):
    [active] = next(restart_member(member(tmp_path, GuardGate()), []))
    change = active.decide(Observed("drained\n"))
    assert f"rm -f {DRAINED}" in change.apply
    assert active.decide(Observed("")) is None


def test_after_a_failure_no_other_host_restarts(tmp_path):
    gate = GuardGate("a restart")
    steps = restart_member(member(tmp_path, gate), ["new kernel"])
    next(steps)
    steps.close()  # what Role does when an operation failed
    with pytest.raises(OperationFailed, match="not tried, since a restart failed on p-hive0"):
        next(restart_member(member(tmp_path, gate), ["new kernel"]))
