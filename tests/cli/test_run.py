"""`run`: what the options ask of Site.run, what is shown of its report, and the exit code."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from hive_nornir.inventory.providers.base import Resource
from hive_nornir.runs.events import Event
from hive_nornir.runs.report import HostReport, RoleReport, RunReport
from hive_nornir.site import Site
from tests.cli.reports import failed_run, host, planned_run, report
from tests.cli.support import argv, call, environment, on_terminal, run

# Takes the place of Site.run in a process of its own; `show` makes the report.
FAKE = """
import sys
import hive_nornir.site as s
from hive_nornir.runs.events import Event
from hive_nornir.inventory.providers.base import Resource
from tests.cli.reports import *
def fake(self, phase, observers=(), check=False, **options):
    for observer in observers:
        observer(Event("role-finished", phase, "", "p-hive0.shop", "base", status="changed", changed=True, text="2 changed", seconds=1.0))
    print("a library prints")
    return {show}
s.Site.run = fake
s.Site.resources = lambda self: [Resource("server", "p-hive0.shop", "present", "with 20 GB"), Resource("network", "shop", "missing")]
"""
GOOD = FAKE.replace("{show}", "report(host('p-hive0.shop', RoleReport('base', 'p', 'changed', 2, 1.0)))")
BAD = FAKE.replace("{show}", "failed_run()")


class Asked:
    """Stands for Site.run and keeps what it was asked for."""

    def __init__(self, answer: RunReport) -> None:
        self.answer = answer
        self.calls: list[dict[str, Any]] = []
        self.site: Site | None = None

    def __call__(self, site: Site, phase: str, **options: Any) -> RunReport:
        self.site = site
        options.pop("observers", None)
        self.calls.append({"phase": phase, **{name: value for name, value in options.items() if value not in (None, False)}})
        return self.answer


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    fake = Asked(report())
    monkeypatch.setattr(Site, "run", lambda self, phase, **options: fake(self, phase, **options))
    monkeypatch.setattr(Site, "resources", lambda _self: [Resource("server", "p-hive0.shop", "present")])
    return fake


@pytest.mark.parametrize(
    ("words", "call_"),
    [
        (["run", "setup-hosts"], {"phase": "setup-hosts"}),
        (["run", "setup_hosts", "--roles", "base, docker"], {"phase": "setup-hosts", "roles": ["base", "docker"]}),
        (["setup-hosts", "-T", "base", "-T", "docker,users"], {"phase": "setup-hosts", "roles": ["base", "docker", "users"]}),
        (["setup-hosts", "--tags", "base", "--limit_target", "a,b"], {"phase": "setup-hosts", "roles": ["base"], "limit": ["a", "b"]}),
        (
            ["run", "setup-hosts", "-C", "-l", "a", "--allow-reboot"],
            {"phase": "setup-hosts", "limit": ["a"], "check": True, "allow_reboot": True},
        ),
        (["setup-hosts", "--check-mode"], {"phase": "setup-hosts", "check": True}),
        (["build-infra", "-H"], {"phase": "build-infra", "halt": True}),
        (["run", "setup-hosts", "-l", ","], {"phase": "setup-hosts", "limit": []}),
    ],
)
def test_options_become_the_request(site: Path, asked: Asked, words: list[str], call_: dict[str, Any]) -> None:
    assert call("-r", str(site), *words).exit_code == 0
    assert asked.calls == [call_]


def test_templates_see_the_options(site: Path, asked: Asked) -> None:
    call("-r", str(site), "run", "setup-hosts", "-l", "p-hive0,p-hive1")
    assert asked.site is not None
    exported = asked.site.context.persistents.exported()
    assert (exported["hive_phase"], exported["hive_limit"], exported["hive_halt"]) == ("setup-hosts", "p-hive0,p-hive1", False)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (report(), 0),
        (failed_run(), 1),
        (planned_run(), 3),
        (report(host("a", RoleReport("base", "p", "interrupted")), interrupted=True), 130),
    ],
)
def test_the_exit_code_tells_what_became_of_it(site: Path, asked: Asked, answer: RunReport, code: int) -> None:
    asked.answer = answer
    assert call("-r", str(site), "run", "setup-hosts").exit_code == code


def test_json_is_one_object_and_all_else_goes_to_standard_error(site: Path) -> None:
    done = run("-r", str(site), "-v", "run", "setup-hosts", "--json", before=BAD)
    assert json.loads(done.stdout) == failed_run().as_dict()
    assert done.returncode == 1
    assert "p-hive0.shop base: 2 changed (1.0 s)" in done.stderr
    assert "a library prints" in done.stderr


def test_a_failure_is_told_once_and_its_traceback_only_when_asked_for(site: Path) -> None:
    """For real: without servers, every host is unreachable."""
    words = ["--root", str(site), "run", "setup-hosts", "--roles", "hostsfile", "--check"]
    quiet, loud = run(*words), run(*words, "-v")
    assert (quiet.returncode, loud.returncode) == (1, 1)
    assert "cannot read the private key" in quiet.stdout
    assert len(quiet.stderr.splitlines()) == 4, quiet.stderr  # a line of progress a host
    assert "Traceback" in loud.stderr
    assert not (site / ".hive").exists()


def test_in_a_pipe_all_is_plain(site: Path) -> None:
    done = run("-r", str(site), "run", "setup-hosts", before=BAD)
    assert "\x1b" not in done.stdout + done.stderr
    assert "FAILED p-hive1.shop: docker, package docker-ce" in done.stdout


def test_a_terminal_gets_colours_and_a_drawn_table(site: Path) -> None:
    seen = on_terminal("-r", str(site), "run", "setup-hosts", before=BAD)
    assert seen.exit_code == 1
    assert "\x1b[31m\x1b[1mFAILED p-hive1.shop" in seen.text
    assert "───" in seen.text


def test_no_color_is_honoured(site: Path) -> None:
    seen = on_terminal("-r", str(site), "run", "setup-hosts", before=BAD, NO_COLOR="1")
    assert "FAILED p-hive1.shop" in seen.text
    assert "\x1b[31m" not in seen.text
    assert "\x1b[1;31m" not in seen.text


def test_a_wide_table_is_broken_to_fit_the_terminal(site: Path) -> None:
    wide = "report(*(host(f'p-hive{n}.shop', *(RoleReport(f'role{r}', 'p', 'ok', 0, 0.1) for r in range(20))) for n in range(12)))"
    seen = on_terminal("-r", str(site), "run", "setup-hosts", before=FAKE.replace("{show}", wide), COLUMNS="60", NO_COLOR="1")
    assert max(map(len, re.sub(r"\x1b\[[0-9;?]*\w", "", seen.text).splitlines())) <= 60
    assert seen.text.count("role19") == 3
    assert "p-hive11" in seen.text


def test_checking_the_infrastructure_prints_its_resources(site: Path, asked: Asked) -> None:
    asked.answer = RunReport(
        "build-infra", "private", check=True, hosts={"a": HostReport("a")}, notes=["would build network"], other_changes=1
    )
    result = call("-r", str(site), "build-infra", "--check")
    assert result.exit_code == 3
    assert "kind    name          state    detail\nserver  p-hive0.shop  present\n" in result.stdout
    assert "would build network" not in result.stdout


class TestDestroy:
    def test_even_with_nothing_there_it_needs_yes(self, site: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Site, "resources", lambda _self: [Resource("server", "p-hive0.shop", "missing")])
        result = call("-r", str(site), "build-infra", "--destroy")
        assert result.exit_code == 2
        assert result.stderr.startswith("nothing of stage private is there\n")

    def test_without_a_terminal_it_needs_yes(self, site: Path, asked: Asked) -> None:
        result = call("-r", str(site), "build-infra", "--destroy")
        assert result.exit_code == 2
        assert "server  p-hive0.shop  present" in result.stderr
        assert "--yes goes without" in result.stderr
        assert asked.calls == [{"phase": "build-infra", "destroy": True, "check": True}]

    def test_with_yes_it_shows_and_destroys(self, site: Path, asked: Asked) -> None:
        result = call("-r", str(site), "run", "build-infra", "-D", "--yes")
        assert result.exit_code == 0
        assert "this destroys in stage private, with all data:" in result.stderr
        assert asked.calls[-1] == {"phase": "build-infra", "destroy": True}

    def test_a_plan_of_it_asks_nothing(self, site: Path, asked: Asked) -> None:
        assert call("-r", str(site), "build-infra", "-D", "-C").exit_code == 0
        assert asked.calls == [{"phase": "build-infra", "destroy": True, "check": True}]

    def test_the_typed_name_of_the_stage_confirms(self, site: Path) -> None:
        seen = on_terminal("-r", str(site), "build-infra", "-D", before=GOOD, answer=("to destroy all of this", "private"))
        assert seen.exit_code == 0
        assert "with 20 GB" in seen.text
        assert "2 changed" in seen.text

    def test_another_answer_destroys_nothing(self, site: Path) -> None:
        seen = on_terminal("-r", str(site), "build-infra", "-D", before=GOOD, answer=("to destroy all of this", "yes"))
        assert seen.exit_code == 2
        assert "not confirmed, nothing was destroyed" in seen.text
        assert "2 changed" not in seen.text


WAIT = """
import hive_nornir.site as s, threading, sys
def wait(self, *a, **k):
    print("up", file=sys.stderr, flush=True)
    while True:  # as the runner does: a signal that comes just before a wait without end would not end it
        threading.Event().wait(0.2)
s.Site.run = wait
"""


def test_ctrl_c_ends_it_within_a_second(site: Path) -> None:
    with subprocess.Popen(
        argv("-r", str(site), "run", "setup-hosts", before=WAIT),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "up\n"
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(10) == 130
        assert time.monotonic() - sent < 1
        assert rest.splitlines()[-1] == "error: interrupted"
        assert "Traceback" not in rest


def test_progress_is_told_while_it_runs(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fake(_self: Site, phase: str, observers: Any, **_options: Any) -> RunReport:
        observers[0](Event("operation", phase, host="a.shop", role="base", operation="file /etc/hosts", status="changed", text="content"))
        return report()

    monkeypatch.setattr(Site, "run", fake)
    assert call("-r", str(site), "run", "setup-hosts").stderr == ""
    assert call("-r", str(site), "run", "setup-hosts", "-v").stderr == "a.shop base, file /etc/hosts: changed: content\n"
