"""ansible-playbook as a process: listened to, ended at a deadline or an interruption with all that it has started."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from hive_nornir.ansible import process
from hive_nornir.ansible.outcomes import TaskOutcomes
from hive_nornir.ansible.process import run_playbook
from hive_nornir.ansible.project import environment
from hive_nornir.ansible.roles import ansible_version
from hive_nornir.errors import DeadlineExceeded, HiveError, OperationFailed

EVENT = (
    """echo '{"hive": 1, "event": "%s", "task": "%s", "action": "copy", "changed": true, """
    """"target": "/x", "said": {"msg": "no"}, "diff": ""}'"""
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs a shell script in Ansible's place: `python -m ansible playbook` at the edge to it."""

    def start(script: str, *, deadline: float = 20.0, stopped=lambda: False) -> TaskOutcomes:
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o700)
        monkeypatch.setattr("sys.executable", str(program))
        outcomes = TaskOutcomes(check=False)
        run_playbook(
            tmp_path,
            ["play.yml"],
            {**os.environ, "ANSIBLE_CONFIG": f"{tmp_path}/ansible.cfg"},
            outcomes,
            deadline=deadline,
            stopped=stopped,
        )
        return outcomes

    return start


def gone(file: Path) -> bool:
    """Whether the process whose id a file has ends."""
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        try:
            state = Path(f"/proc/{file.read_text().strip()}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_it_is_called_as_ansible_playbook_in_its_folder(run, tmp_path):
    run('printf "%s\\n" "$@" "$PWD" >said')
    assert (tmp_path / "said").read_text().splitlines() == ["-m", "ansible", "playbook", "play.yml", str(tmp_path)]


def test_its_tasks_are_told_and_other_lines_are_not(run):
    outcomes = run(f"echo hello; {EVENT % ('begun', 'a')}; {EVENT % ('ok', 'a')}; echo '[WARNING]: beware' >&2")
    assert [(outcome.operation.name, outcome.status) for outcome in outcomes.found] == [("a", "changed")]


def test_a_failed_task_is_the_reason_of_a_bad_end(run):
    outcomes = run(f"{EVENT % ('failed', 'a')}; exit 2")
    assert str(outcomes.failure) == "a: no"


def test_a_bad_end_without_one_is_told_in_ansibles_words(run):
    with pytest.raises(OperationFailed, match=r"^ansible-playbook: the role 'x' was not found") as error:
        run("echo '[WARNING]: beware'; echo \"ERROR! the role 'x' was not found\" >&2; exit 4")
    assert "beware" in error.value.stderr


def test_at_its_deadline_it_is_ended_with_its_children(run, tmp_path):
    with pytest.raises(DeadlineExceeded, match="at the task 'slow'"):
        run(f"{EVENT % ('begun', 'slow')}; sleep 60 & echo $! >child; wait", deadline=0.5)
    assert gone(tmp_path / "child")


def test_children_in_sessions_of_their_own_are_ended_too(run, tmp_path):
    with pytest.raises(DeadlineExceeded):
        run("setsid sh -c 'echo $$ >child; sleep 60; :' & wait", deadline=0.5)
    assert gone(tmp_path / "child")


def test_an_interruption_ends_it(run, tmp_path):
    began = time.monotonic()
    with pytest.raises(HiveError, match="interrupted"):
        run("sleep 60 & echo $! >child; wait", stopped=(tmp_path / "child").exists)
    assert time.monotonic() - began < 30
    assert gone(tmp_path / "child")


def test_whoever_waits_for_a_turn_listens_to_an_interruption(run, monkeypatch):
    monkeypatch.setattr("hive_nornir.ansible.process._turns", threading.BoundedSemaphore(1))
    with process._turns, pytest.raises(HiveError, match="interrupted"):
        run("touch begun", stopped=lambda: True)
    assert run(EVENT % ("ok", "a")).found


def test_one_that_does_not_listen_is_killed(run, tmp_path, monkeypatch):
    monkeypatch.setattr("hive_nornir.ansible.process._PATIENCE_SECONDS", 0.2)
    with pytest.raises(DeadlineExceeded):
        run('trap "" TERM; echo $$ >child; while :; do sleep 1; done', deadline=0.5)
    assert gone(tmp_path / "child")


def test_what_its_children_leave_running_does_not_hold_up_the_end(run, tmp_path):
    run("(trap '' HUP; sleep 60 >/dev/null 2>&1) & echo $! >child")
    assert gone(tmp_path / "child")
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.skipif(not ansible_version(), reason="ansible-core is an extra")
def test_nothing_is_left_of_ansible_itself_with_its_plugins_after_an_interruption(tmp_path):
    play = [
        {"hosts": "localhost", "gather_facts": False, "tasks": [{"name": "slow", "command": f"sh -c 'touch {tmp_path}/begun; sleep 60'"}]}
    ]
    (tmp_path / "play.yml").write_text(json.dumps(play))
    site = SimpleNamespace(context=SimpleNamespace(root=tmp_path))
    outcomes = TaskOutcomes(check=False)
    given = {**environment(site, tmp_path), "ANSIBLE_LOCALHOST_WARNING": "False"}
    with pytest.raises(HiveError, match="interrupted"):
        run_playbook(
            tmp_path, ["play.yml"], given, outcomes, deadline=60, stopped=lambda: outcomes.now == "slow" and (tmp_path / "begun").exists()
        )
    give_up = time.monotonic() + 20
    while process._started_for(tmp_path) and time.monotonic() < give_up:
        time.sleep(0.05)
    assert process._started_for(tmp_path) == []
