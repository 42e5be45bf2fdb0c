"""What a run says in the end: exit codes and the object of --json."""

from __future__ import annotations

import pytest

from hive_nornir.operations.core import Operation, Outcome, Status
from hive_nornir.runs.report import HostReport, RoleReport, RoleStatus, RunReport


def report(status: RoleStatus, *, changed: int = 0, check: bool = False) -> RunReport:
    role = RoleReport("base", "setup hive servers", status, changed, seconds=1.23456)
    return RunReport("setup-hosts", "private", check, 2.0, {"h": HostReport("h", {"base": role}, seconds=1.5)})


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (report("ok"), 0),
        (report("changed", changed=2), 0),
        (report("failed"), 1),
        (report("unreachable"), 1),
        (report("ok", check=True), 0),
        (report("would-change", changed=1, check=True), 3),
        (report("failed", changed=1, check=True), 1),
        (report("skipped"), 0),
    ],
)
def test_exit_codes(made: RunReport, code: int):
    assert made.exit_code == code


def test_an_interrupted_run_exits_130_whatever_else_it_did():
    made = report("changed", changed=1)
    made.interrupted = True
    assert made.exit_code == 130
    assert not made.ok


def test_a_change_of_what_belongs_to_no_server_counts():
    made = report("ok", check=True)
    made.other_changes = 1
    assert made.exit_code == 3


def test_what_roles_have_to_tell_the_operator_is_told_once():
    def outcome(name: str, *, notice: bool, status: Status = "unchanged") -> Outcome:
        return Outcome(Operation(name, ":", lambda _seen: None, notice=notice), status)

    def host(name: str) -> HostReport:
        outcomes = [outcome("reboot pending: new kernel", notice=True), outcome("file /etc/hosts", notice=False)]
        return HostReport(name, {"base": RoleReport("base", "servers", "ok", outcomes=outcomes)})

    made = RunReport("setup-hosts", "private", hosts={"a": host("a"), "b": host("b")})
    made.hosts["a"].roles["base"].outcomes.append(outcome("module roles/addon.py", notice=True, status="unknown"))
    assert made.notices() == ["a, b: reboot pending: new kernel"]


def test_the_object_of_json():
    assert report("changed", changed=2).as_dict() == {
        "phase": "setup-hosts",
        "stage": "private",
        "ok": True,
        "check": False,
        "seconds": 2.0,
        "changed": 2,
        "failed": [],
        "unreachable": [],
        "notes": [],
        "hosts": {
            "h": {"changed": 2, "failed": False, "seconds": 1.5, "roles": {"base": {"status": "changed", "changed": 2, "seconds": 1.235}}}
        },
    }


def test_an_unreachable_host_is_not_counted_as_failed_too():
    made = report("unreachable").as_dict()
    assert made["unreachable"] == ["h"]
    assert made["failed"] == []
