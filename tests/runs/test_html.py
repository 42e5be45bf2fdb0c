"""What a notebook shows: everything is there, everything is escaped, and it is whole HTML."""

from __future__ import annotations

from datetime import datetime, timezone
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hive_nornir.errors import ConnectionFailed
from hive_nornir.inventory.context import SiteContext
from hive_nornir.inventory.site_inventory import SiteInventory
from hive_nornir.operations.facts import Facts
from hive_nornir.runs.records import PastRun, PastRuns
from hive_nornir.runs.report import RoleReport
from hive_nornir.tasks.cluster.service_states import ServiceState, ServiceStates, TaskState
from hive_nornir.tasks.facts import HostFacts
from tests.cli.reports import failed_run, host, outcome, planned_run, report
from tests.inventory.support import write_site

EVIL = "<script>alert(1)</script>\x1b[31m \udcff"
EMPTY = ("br",)


class Page(HTMLParser):
    """Collects texts and tables, and fails where tags do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in EMPTY:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


def page(thing: object) -> Page:
    return Page(thing._repr_html_())  # type: ignore[attr-defined]


def test_a_run_shows_hosts_roles_and_failures_with_what_the_host_said():
    shown = page(failed_run())
    assert shown.rows[0] == ["host", "base", "docker"]
    assert shown.rows[1] == ["p-hive0.shop", "2 changed 1.2 s", "ok 0.0 s"]
    assert shown.rows[2] == ["p-hive1.shop", "-", "FAILED 2.0 s"]
    assert shown.rows[3] == ["p-hive2.shop", "unreachable 0.5 s", "not run"]
    assert "setup-hosts, stage private: failed, 2 changed, 3.2 s" in shown.text
    assert "p-hive1.shop, docker, package docker-ce" in shown.text
    assert "apt-get ended with 100" in shown.text
    assert "E: no such package" in shown.text
    assert "no route to host" in shown.text


def test_more_roles_than_hosts_stand_below_each_other():
    one = host("a", RoleReport("base", "p", "ok"), RoleReport("docker", "p", "ok"))
    assert page(report(one)).rows == [["role", "a"], ["base", "ok 0.0 s"], ["docker", "ok 0.0 s"]]


def test_a_plan_shows_what_would_change_with_its_diffs_folded():
    text = planned_run()._repr_html_()
    shown = Page(text)
    assert "setup-hosts, plan, stage private: 2 to do" in shown.text
    assert "p-hive0.shop: 2 changes" in shown.text
    assert "~ base: file /etc/hosts: content" in shown.text
    assert "? base: service chrony: known after packages are installed" in shown.text
    assert "-old\n+new" in shown.text
    assert "/etc/motd" not in shown.text
    assert text.count("<details open>") == 1  # the host's; the diff is folded
    assert text.count("<details>") == 1


def test_very_many_changes_are_folded_by_host():
    many = host("a", RoleReport("base", "p", "changed", 40, outcomes=[outcome(f"file /{number}", "changed") for number in range(40)]))
    assert "<details open>" not in report(many)._repr_html_()


def test_an_interrupted_run_and_its_notes():
    made = report(host("a", RoleReport("base", "p", "interrupted")), interrupted=True)
    made.notes.append("a: reboot pending")
    shown = page(made)
    assert "interrupted" in shown.text
    assert "note: a: reboot pending" in shown.text


def test_servers_and_what_else_is_defined(tmp_path: Path):
    write_site(tmp_path, "  web: {image: 'nginx'}\n")
    shown = page(SiteInventory.load(SiteContext.resolve(tmp_path, "private", {})))
    assert shown.rows[0] == ["server", "address", "provider", "groups"]
    assert shown.rows[1] == ["p-hive0.test", "192.168.56.4", "vagrant", "hives"]
    assert shown.rows[-1][3] == "repository"
    assert "test, stage private" in shown.text
    assert "services: web" in shown.text


def known() -> Facts:
    return Facts.parse((Path(__file__).parents[1] / "data" / "facts" / "debian-12-docker.txt").read_text())


def test_facts_and_why_there_are_none():
    shown = page(HostFacts({"a": known()}, {"b": ConnectionFailed("cannot connect to b")}))
    assert shown.rows[1][:2] == ["a", known().name]
    assert known().kernel in shown.rows[1]
    assert "cannot connect to b" in shown.text


def services(name: str = "web", error: str = "") -> ServiceStates:
    tasks = (TaskState(1, "p-hive0", "running", ""), TaskState(2, "", "pending", error))
    return ServiceStates([ServiceState(name, "nginx:stable", "replicated", 2, 1, tasks)])


def test_services_and_their_tasks():
    shown = page(services(error="no suitable node"))
    assert shown.rows[1][:4] == ["web", "nginx:stable", "replicated", "1 of 2"]
    assert shown.rows[1][4] == "1 on p-hive0: running2 on no node: pending (no suitable node)"
    assert "the swarm has no services" in page(ServiceStates()).text


def past(phase: str) -> PastRuns:
    started = datetime(2026, 11, 24, 19, 0, tzinfo=timezone.utc)
    return PastRuns(PastRun(Path("/x"), started, each, "ok", 3, 75.0) for each in ("build-infra", phase))


def test_past_runs_the_latest_first():
    shown = page(past("setup-hosts"))
    assert [row[1] for row in shown.rows] == ["phase", "setup-hosts", "build-infra"]
    assert shown.rows[1] == ["2026-11-24 19:00:00", "setup-hosts", "ok", "3", "1 min 15 s"]
    assert "nothing has been run yet" in page(PastRuns()).text


def evil_report() -> object:
    bad = outcome(EVIL, "failed", EVIL, stderr=EVIL)
    done = outcome(EVIL, "changed", EVIL, EVIL)
    made = report(host(EVIL, RoleReport(EVIL, EVIL, "failed", 1, 1.0, EVIL + "!", EVIL, [bad, done])))
    made.notes.append(EVIL)
    return made


@pytest.mark.parametrize(
    "thing",
    [
        evil_report(),
        services(EVIL, EVIL),
        past(EVIL),
        HostFacts({EVIL: known()}, {EVIL: ConnectionFailed(EVIL)}),
    ],
    ids=["report", "services", "records", "facts"],
)
def test_nothing_that_hosts_say_is_taken_for_html_or_harms_the_notebook(thing: object):
    shown = page(thing)
    assert "script" not in shown.tags
    assert "<script>alert(1)</script>\\x1b[31m" in shown.text
    assert "\x1b" not in shown.text
    shown.text.encode()


def test_a_password_in_a_url_does_not_get_into_a_notebook():
    made = report(host("a", RoleReport("base", "p", "failed", error="cannot fetch https://me:pass-word@index.example/x")))
    assert "pass-word" not in made._repr_html_()
