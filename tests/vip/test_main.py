"""The command hive-vip."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path

import pytest

import hive_vip
from hive_vip import __main__ as main
from hive_vip import status
from hive_vip.swarm import Engine
from tests.vip.fakes import HERE_SWARM, FakeHost

SOURCES = sorted(Path(hive_vip.__file__).parent.rglob("*.py"))


@pytest.fixture(autouse=True)
def paths(tmp_path, monkeypatch):
    """Its files in a folder of ours, a host and a swarm that are none."""
    for name in ("STATE", "STATUS", "LOCK", "MARKS", "CONFIGURATION"):
        monkeypatch.setattr(main, name, tmp_path / name.lower())
    monkeypatch.setattr(main, "Host", FakeHost)
    monkeypatch.setattr(Engine, "look", lambda _self: HERE_SWARM)
    for name in list(os.environ):
        if name.startswith("HIVE_"):
            monkeypatch.delenv(name)
    return tmp_path


def test_status_tells_as_json_and_by_its_exit_code(paths, capsys):
    assert main.main(["hive-vip", "status"]) == 1  # no daemon
    assert json.loads(capsys.readouterr().out)["running"] is False
    status.write(main.STATUS, {"hooks": [], "error": ""}, 30)
    daemon = status.SingleInstance(main.LOCK)
    assert main.main(["hive-vip", "status"]) == 0
    assert json.loads(capsys.readouterr().out)["running"] is True
    daemon.release()


def test_plan_tells_what_would_be_done(paths, capsys):
    assert main.main(["hive-vip", "plan"]) == 0
    assert capsys.readouterr().out.splitlines() == ["add 10.0.0.9/24 on eth0 (HIVE_VIP of web)", "set node label runs"]
    main.CONFIGURATION.write_text('{"group_labels": ["runs"]}')
    assert main.main(["hive-vip", "plan"]) == 0
    assert "refused: HIVE_MARK of web: runs is the label of a group" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder, _: (folder / "state").write_text("{"), "is damaged"),
        (lambda folder, _: (folder / "configuration").write_text("[]"), "has no JSON object in it"),
        (lambda _, environment: environment.setenv("HIVE_VIP_GRACE_PERIOD", "soon"), "HIVE_VIP_GRACE_PERIOD is 'soon'"),
    ],
)
def test_what_is_wrong_is_one_line(paths, monkeypatch, capsys, spoil, said):
    spoil(paths, monkeypatch)
    assert main.main(["hive-vip", "plan"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("hive-vip: ")
    assert said in lines[0]


def test_a_second_daemon_does_not_start(paths, capsys):
    daemon = status.SingleInstance(main.LOCK)
    assert main.main(["hive-vip", "run"]) == 1
    assert capsys.readouterr().err == "hive-vip: another hive-vip runs already\n"
    daemon.release()


def test_a_wrong_call_says_how_to_call_it(capsys):
    with pytest.raises(SystemExit) as ended:
        main.main(["hive-vip", "stop"])
    assert ended.value.code == 2
    assert "run,status,plan" in capsys.readouterr().err.replace("'", "").replace(" ", "")


def test_a_proxy_is_not_between_a_worker_and_its_managers(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    main.main(["hive-vip", "plan"])
    assert "HTTPS_PROXY" not in os.environ


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_python_3_9_understands_it_and_it_imports_nothing_of_hive_nornir(source):
    tree = ast.parse(source.read_text(), feature_version=(3, 9))
    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported += [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    assert not [name for name in imported if name.startswith("hive_nornir")]
