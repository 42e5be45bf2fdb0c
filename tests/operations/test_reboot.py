"""A host restarts only when allowed, and counts as back only when it runs another boot."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from hive_nornir.connections.transport import Completed, Traffic
from hive_nornir.errors import ConnectionFailed, DeadlineExceeded
from hive_nornir.operations.core import Observed
from hive_nornir.operations.facts import BlockDevice
from hive_nornir.operations.reboot import restart_and_wait, restart_operation, wait_for_restart
from tests.tasks.servers.servers import server

OLD = "f81c347d-4851-480b-a2c7-29bd38ca9209\n1 (systemd) " + " ".join(["S", *["0"] * 18, "211627", "171794432"])
NEW = OLD.replace("211627", "376892")
OLD_ID = "f81c347d-4851-480b-a2c7-29bd38ca9209.211627"


def test_without_permission_the_restart_is_only_named() -> None:
    operation = restart_operation(["new kernel", "SELinux mode"], OLD_ID, allowed=False)
    assert operation.name == "reboot pending: new kernel, SELinux mode"
    assert operation.decide(Observed(OLD)) is None


def test_with_permission_the_host_restarts_for_the_reasons() -> None:
    change = restart_operation(["new kernel"], OLD_ID, allowed=True).decide(Observed(OLD))
    assert change is not None
    assert (change.summary, "systemctl reboot" in change.apply) == ("new kernel", True)


def test_a_host_that_restarted_meanwhile_is_left_alone() -> None:
    assert restart_operation(["new kernel"], OLD_ID, allowed=True).decide(Observed(NEW)) is None


DRBD = BlockDevice("drbd1000", "", "disk", 1 << 30, "xfs", "", "", "")


@pytest.mark.parametrize(
    ("facts", "variables", "why"),
    [
        ({}, {}, ""),
        ({"swarm": "inactive"}, {}, ""),
        ({"swarm": "active"}, {}, "it is a member of a swarm"),
        ({"block_devices": (DRBD,)}, {}, "its DRBD resources are up"),
        ({}, {"hive_shared_repository": {"context_dir": "/x"}}, "a container on the mother"),
    ],
)
def test_members_of_a_cluster_are_not_restarted_all_together(tmp_path: Path, facts: dict[str, Any], variables: dict[str, Any], why: str):
    host = server(tmp_path, facts=facts, variables=variables, name="p-hive2.example.com")
    host.options.allow_reboot = True
    [operation] = next(restart_and_wait(host, ["new kernel"]))
    assert operation.name.startswith("reboot pending: new kernel, not done, since" if why else "restart: new kernel")
    assert why in operation.name
    assert operation.notice is bool(why)
    assert (operation.decide(Observed("")) is None) is bool(why)


@dataclasses.dataclass
class RestartingHost:
    """Answers what it is given in turn; None is a refused connection."""

    answers: list[str | None]
    traffic: Traffic = dataclasses.field(default_factory=Traffic)

    def reopen(self, deadline: float) -> None:
        if self.answers[0] is None:
            if len(self.answers) > 1:
                self.answers.pop(0)
            raise ConnectionFailed("cannot connect to p-hive0")

    def run(self, script: str, *, deadline: float, stdin: bytes | None = None) -> Completed:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        assert answer is not None
        return Completed(0, answer.encode(), b"")

    def proof_of_entry(self, port: int | None = None) -> None:
        raise AssertionError

    def close(self) -> None:
        raise AssertionError


def test_it_waits_through_the_old_boot_and_the_silence() -> None:
    host = RestartingHost([OLD, None, None, NEW])
    wait_for_restart(host, "p-hive0", OLD_ID, limit=30)
    assert host.answers == [NEW]


@pytest.mark.parametrize(("answers", "reason"), [([OLD], "still runs the old boot"), ([None], "cannot connect")])
def test_a_host_that_does_not_come_back_is_given_up(answers: list[str | None], reason: str) -> None:
    with pytest.raises(DeadlineExceeded, match=reason):
        wait_for_restart(RestartingHost(answers), "p-hive0", OLD_ID, limit=0.5)
