"""ADD-1, ADD-2: what a site puts in its own folder."""

from __future__ import annotations

import textwrap

import pytest

from hive_nornir.errors import DefinitionErrors, HiveError, OperationFailed
from hive_nornir.operations.core import Observed, Outcome
from hive_nornir.tasks.servers.addon import AddonVariables, addon
from tests.tasks.servers.servers import names, server
from tests.tasks.servers.targets import due

VARIABLES = {"hive_timezone": "Asia/Tokyo", "hive_ntp_servers": ["a", "b"], "hive_secret": "unnamed"}


def write(root, name, text):
    file = root / "roles" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(text))


def lists(context, *, status="unchanged", **options):
    """All lists of operations, each answered as if nothing had to be done."""
    steps = addon.function(server(context, variables=VARIABLES, **options), AddonVariables())
    found, answer = [], None
    try:
        while True:
            operations = steps.send(answer)
            found.append(operations)
            answer = {operation: Outcome(operation, status, observed=Observed("")) for operation in operations}
    except StopIteration:
        return found


ROLE = """
    from pydantic import Field
    from hive_nornir.operations import files
    from hive_nornir.tasks.role import Steps, Target, Variables, role

    class Mine(Variables):
        hive_timezone: str = Field("", description="x")

    @role(when=lambda v: v.hive_timezone != "UTC", condition="not UTC")
    def addon(host: Target, v: Mine) -> Steps:
        outcomes = yield [files.content("/etc/first", v.hive_timezone)]
        yield [files.content("/etc/second", host.name)]
"""


def test_nothing_by_default(tmp_path):
    assert lists(tmp_path) == []


@pytest.mark.parametrize("check", [True, False])
def test_a_role_of_the_site_is_run_and_planned(tmp_path, check):
    write(tmp_path, "addon.py", ROLE)
    notes, first, second = lists(tmp_path, check=check)
    assert names(notes)[0].startswith("module roles/addon.py, sha256 ")
    assert "Asia/Tokyo" in due(first[0], "absent").apply
    assert names(second) == ["file /etc/second"]
    assert not (tmp_path / "roles" / "__pycache__").exists()


def test_its_condition_is_kept(tmp_path):
    write(tmp_path, "addon.py", ROLE.replace('!= "UTC"', '== "UTC"'))
    assert len(lists(tmp_path)) == 1


def test_a_plain_function_gets_all_variables_and_is_not_called_in_a_dry_run(tmp_path):
    write(
        tmp_path,
        "addon.py",
        "from hive_nornir.operations import files\ndef addon(host, v):\n    return [files.content('/x', v['hive_secret'])]\n",
    )
    _, operations = lists(tmp_path)
    assert "unnamed" in due(operations[0], "absent").apply
    [[note]] = lists(tmp_path, check=True)
    assert "no @role()" in due(note, "").unknown


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("x = 1\ndef addon(host, v:\n", 2, "SyntaxError"),
        ("import os\nos.nothing\n", 2, "AttributeError"),
        ("def other(host, v): pass\n", 0, "it has no function addon"),
        ("\ndef addon(host): pass\n", 2, "takes two arguments"),
    ],
)
def test_a_module_that_cannot_be_used_is_told_with_its_line(tmp_path, text, line, message):
    write(tmp_path, "addon.py", text)
    with pytest.raises(DefinitionErrors, match=message) as wrong:
        lists(tmp_path)
    assert [(problem.file, problem.line) for problem in wrong.value.problems] == [(tmp_path / "roles/addon.py", line)]


@pytest.mark.parametrize("body", ["return 1 / 0", "yield 1 / 0"])
def test_a_function_that_fails_is_told_with_its_line(tmp_path, body):
    write(tmp_path, "addon.py", f"def addon(host, v):\n    {body}\n")
    with pytest.raises(HiveError, match=r"roles/addon\.py:2: ZeroDivisionError"):
        lists(tmp_path)


def test_a_function_that_returns_something_else_is_refused(tmp_path):
    write(tmp_path, "addon.py", "def addon(host, v):\n    return 'done'\n")
    with pytest.raises(HiveError, match="returned str"):
        lists(tmp_path)


def test_an_ansible_role_without_ansible_is_not_run_and_that_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("hive_nornir.tasks.servers.extension.ansible_version", str)
    write(tmp_path, "addon/tasks/main.yml", "- debug:\n")
    [[note]] = lists(tmp_path)
    assert note.name.startswith("Ansible role roles/addon: skipped")
    assert "roles/addon.py" in note.name
    assert "pip install 'hive-nornir[ansible]'" in note.name
    assert note.notice


HOOK = "#!/bin/bash\n# check: yes\necho $HIVE_HOST $hive_timezone $hive_ntp_servers\n"


def test_hooks_run_in_the_order_of_their_names_with_what_they_name(tmp_path):
    write(tmp_path, "addon.d/20-b.sh", "echo b\n")
    write(tmp_path, "addon.d/10-a.sh", HOOK)
    write(tmp_path, "addon.d/readme.txt", "no hook")
    [operations] = lists(tmp_path)
    shown, *hooks = operations
    assert names(hooks) == ["hook roles/addon.d/10-a.sh", "hook roles/addon.d/20-b.sh", "restart asked for by hooks"]
    assert shown.name.startswith("hooks roles/addon.d: 10-a.sh (sha256 ")
    assert shown.notice  # the run's report lists what was run, with its checksum
    script = due(hooks[0], "\n@@\n").apply
    assert "export HIVE_HOST=p-hive0.example.com" in script
    assert "export hive_timezone=Asia/Tokyo" in script
    assert """export hive_ntp_servers='["a", "b"]'""" in script
    assert "hive_secret" not in script
    assert "/bin/bash" in script


def test_a_hook_runs_once_for_its_content(tmp_path):
    write(tmp_path, "addon.d/a.sh", "echo 1\n")
    [[_, hook, _]] = lists(tmp_path)
    mark = due(hook, "\n@@\n").apply.rpartition("printf '%s\\n' ")[2].split()[0]
    assert hook.decide(Observed(f"{mark}\n@@\n")) is None
    write(tmp_path, "addon.d/a.sh", "echo 2\n")
    [[_, edited, _]] = lists(tmp_path)
    assert edited.decide(Observed(f"{mark}\n@@\n")) is not None


def test_a_hook_runs_again_for_another_value_of_a_variable_that_it_names(tmp_path, monkeypatch):
    write(tmp_path, "addon.d/a.sh", "echo $hive_timezone\n")

    def mark():
        [[_, hook, _]] = lists(tmp_path)
        return due(hook, "\n@@\n").apply.rpartition("printf '%s\\n' ")[2].split()[0]

    before = mark()
    monkeypatch.setitem(VARIABLES, "hive_secret", "another, and not named")
    assert mark() == before
    monkeypatch.setitem(VARIABLES, "hive_timezone", "Europe/Paris")
    assert mark() != before


def test_a_dry_run_calls_only_hooks_that_are_ready_for_it(tmp_path):
    write(tmp_path, "addon.d/a.sh", HOOK)
    write(tmp_path, "addon.d/b.sh", "rm -rf /srv/*\n")
    [[_, ready, unready, _]] = lists(tmp_path, check=True)
    assert "HIVE_CHECK=1" in ready.probe
    assert due(ready, "\n@@\nwould do this\n0").diff == "would do this"
    assert "rm -rf /srv" not in unready.probe
    assert "does not call it" in due(unready, "\n@@\n").unknown
    with pytest.raises(OperationFailed, match="exit code 3"):
        ready.decide(Observed("\n@@\noops\n3"))


def test_outside_of_a_dry_run_no_probe_runs_a_hook(tmp_path):
    write(tmp_path, "addon.d/a.sh", HOOK)
    [[_, hook, _]] = lists(tmp_path)
    assert "echo $HIVE_HOST" not in hook.probe
