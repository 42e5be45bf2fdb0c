from __future__ import annotations

import pytest

from hive_nornir.cli.render.report import role_words, show_report
from hive_nornir.runs.report import RoleReport
from tests.cli.reports import failed_run, host, outcome, planned_run, report


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def test_a_run_is_a_table_then_its_failures_then_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    show_report(failed_run())
    assert (
        shown(capsys)
        == """\
host     base               docker
p-hive0  2 changed 1.2 s    ok 0.0 s
p-hive1  -                  FAILED 2.0 s
p-hive2  unreachable 0.5 s  not run

FAILED p-hive1.shop: docker, package docker-ce
  apt-get ended with 100
  stderr:
    E: no such package

UNREACHABLE p-hive2.shop: base
  no route to host

setup-hosts on private: 3 hosts, 2 changed, 1 failed, 1 unreachable, 3.2 s
"""
    )


def test_a_plan_lists_changes_by_host_and_role(capsys: pytest.CaptureFixture[str]) -> None:
    show_report(planned_run())
    assert (
        shown(capsys)
        == """\
p-hive0.shop
  base
    ~ file /etc/hosts: content
    ? service chrony: known after packages are installed

host     base
p-hive0  2 to do 0.2 s
p-hive1  ok 0.1 s

setup-hosts (check) on private: 2 hosts, 2 changes to make, 0 failed, 3.2 s
"""
    )


def test_few_hosts_stand_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    roles = [RoleReport(name, "p", "ok", 0, 0.1) for name in ("base", "docker", "users")]
    show_report(report(host("a.shop", *roles), host("b.shop", *roles[:2])))
    assert shown(capsys).startswith("role    a         b\nbase    ok 0.1 s  ok 0.1 s\ndocker  ok 0.1 s  ok 0.1 s\nusers   ok 0.1 s\n\n")


def test_diffs_come_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    show_report(planned_run(), diff=True)
    assert "      --- /etc/hosts\n      +++ /etc/hosts\n      -old\n      +new\n" in shown(capsys)


def test_an_interrupted_run_tells_each_hosts_state(capsys: pytest.CaptureFixture[str]) -> None:
    base, docker = RoleReport("base", "p", "ok", 0, 1.0), RoleReport("docker", "p", "interrupted", 0, 1.0)
    show_report(
        report(
            host("a.shop", base, RoleReport("docker", "p", "ok")),
            host("b.shop", base, docker),
            host("c.shop", base, RoleReport("docker", "p", "not-run")),
            host("d.shop"),
            interrupted=True,
        )
    )
    text = shown(capsys)
    assert "  a.shop: done\n" in text
    assert "  b.shop: stopped in docker, 1 of 2 roles done\n" in text
    assert "  c.shop: 1 of 2 roles done\n" in text
    assert "  d.shop: not begun\n" in text
    assert text.endswith("setup-hosts on private: interrupted: 4 hosts, 0 changed, 1 failed, 3.2 s\n")


def test_equal_failures_stand_together(capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> RoleReport:
        return RoleReport("build", "build", "failed", error="no engine")

    show_report(report(host("a.shop", broken()), host("b.shop", broken())))
    assert shown(capsys).count("FAILED a.shop, b.shop: build\n  no engine\n") == 1


def test_what_hosts_say_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "\x1b]0;title\x07 \x9b31m \udcff end"
    role = RoleReport("base", "p", "failed", 0, 1.0, evil, evil + "2", [outcome("step", "failed", evil, evil)])
    show_report(report(host("a.shop", role)), diff=True)
    text = shown(capsys)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\x9b" not in text
    assert "\\x1b]0;title\\x07 \\x9b31m \\udcff end" in text


def test_a_run_of_the_infrastructure_without_roles_has_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    show_report(report(host("a.shop")))
    assert shown(capsys) == "setup-hosts on private: 1 host, 0 changed, 0 failed, 3.2 s\n"


@pytest.mark.parametrize(
    ("role", "words"),
    [
        (RoleReport("r", "p", "ok", 0, 0.12), "ok 0.1 s"),
        (RoleReport("r", "p", "changed", 3, 61.2), "3 changed 1 min 01 s"),
        (RoleReport("r", "p", "interrupted", 0, 12.6), "interrupted 13 s"),
        (RoleReport("r", "p", "not-run"), "not run"),
    ],
)
def test_a_cell_is_short(role: RoleReport, words: str) -> None:
    assert role_words(role) == words
