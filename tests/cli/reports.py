"""Made-up runs to be shown."""

from __future__ import annotations

from hive_nornir.operations.core import Operation, Outcome, Status
from hive_nornir.runs.report import HostReport, RoleReport, RunReport


def outcome(name: str, status: Status, summary: str = "", diff: str = "", stderr: str = "") -> Outcome:
    return Outcome(Operation(name, "", lambda _: None), status, summary, diff, stderr=stderr)


def host(name: str, *roles: RoleReport) -> HostReport:
    return HostReport(name, {role.role: role for role in roles}, sum(role.seconds for role in roles))


def report(*hosts: HostReport, check: bool = False, interrupted: bool = False) -> RunReport:
    return RunReport("setup-hosts", "private", check, 3.24, {each.name: each for each in hosts}, interrupted=interrupted)


def failed_run() -> RunReport:
    broken = outcome("package docker-ce", "failed", stderr="E: no such package\n")
    failure = RoleReport("docker", "p", "failed", 0, 2.0, "apt-get ended with 100", "E: no such package\n", [broken])
    away = RoleReport("base", "p", "unreachable", 0, 0.5, "no route to host")
    return report(
        host("p-hive0.shop", RoleReport("base", "p", "changed", 2, 1.25), RoleReport("docker", "p", "ok", 0, 0.04)),
        host("p-hive1.shop", RoleReport("base", "p", "skipped"), failure),
        host("p-hive2.shop", away, RoleReport("docker", "p", "not-run")),
    )


def planned_run() -> RunReport:
    hosts_file = outcome("file /etc/hosts", "would-change", "content", "--- /etc/hosts\n+++ /etc/hosts\n-old\n+new")
    service = outcome("service chrony", "unknown", "known after packages are installed")
    same = outcome("file /etc/motd", "unchanged")
    role = RoleReport("base", "p", "would-change", 2, 0.2, outcomes=[hosts_file, service, same])
    return report(host("p-hive0.shop", role), host("p-hive1.shop", RoleReport("base", "p", "ok", 0, 0.1)), check=True)
