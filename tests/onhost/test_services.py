"""Which task is meant."""

import json
import os

import pytest

from hive_onhost import dcp, dexec
from hive_onhost.failure import NOT_FOUND, Failure
from hive_onhost.services import choose, tasks_of
from tests.onhost.swarms import Engines, service, swarm, task

WEB = [task(1, 2, node="n1"), task(2, 1, "failed"), task(3, 3, "preparing", node="n2"), task(4, 1, node="n2")]


def test_the_nth_is_counted_among_those_that_run_in_the_order_of_their_numbers():
    tasks = tasks_of(swarm(service("web", WEB)), "web")
    assert [choose(tasks, "web", number).name for number in (1, 2)] == ["web.1", "web.2"]
    assert choose(tasks, "web").container == "c4"
    assert choose(tasks, "web", 1, "p-hive1").container == "c1"
    assert choose(tasks, "web", 1, "p-hive1.example").container == "c1"


@pytest.mark.parametrize(
    ("number", "node", "said"),
    [(3, "", "no task number 3: 2 running"), (1, "p-hive0", "not running on p-hive0"), (2, "p-hive1", "number 2")],
)
def test_a_task_that_is_not_there_is_127(number, node, said):
    with pytest.raises(Failure, match=said) as failure:
        choose(tasks_of(swarm(service("web", WEB)), "web"), "web", number, node)
    assert failure.value.code == NOT_FOUND


def test_a_service_is_found_by_its_exact_name():
    with pytest.raises(Failure, match="service we not found"):
        tasks_of(swarm(service("web", WEB)), "we")


def test_a_service_with_a_task_on_every_node_counts_by_node():
    tasks = tasks_of(swarm(service("agent", [task(1, 0, node="n2"), task(2, 0, node="n0")])), "agent")
    assert [each.name for each in tasks] == ["agent.p-hive0", "agent.p-hive2"]


@pytest.fixture
def engines(monkeypatch):
    """The commands' engines."""
    found = Engines(swarm(service("web", WEB), service("db", [task(9, 1, node="n1")])))
    monkeypatch.setattr("hive_onhost.engines.Engines.from_environment", lambda: found)
    return found


@pytest.fixture
def started(monkeypatch):
    """What is started instead of us."""
    words = []
    monkeypatch.setattr(os, "execvp", lambda _file, found: words.extend(found))
    return words


def test_dexec_becomes_dockers_exec_on_the_tasks_node(engines, started):
    dexec.main(["-n", "-2", "web", "sh", "-c", "echo 'a b'", "-n"])
    assert started == ["docker", "--host", "p-hive1.example:2376", "exec", "--interactive", "c1", "sh", "-c", "echo 'a b'", "-n"]
    assert engines.asked == ["p-hive0.example:2376", "p-hive1.example:2376"]


def test_a_terminal_is_given_only_where_there_is_one(engines, started, monkeypatch):
    monkeypatch.setenv("TERM", "vt100")
    monkeypatch.setattr(os, "isatty", lambda _file: True)
    dexec.main(["web", "vi"])
    assert started[3:8] == ["exec", "--interactive", "--tty", "--env", "TERM=vt100"]
    started.clear()
    dexec.main(["-T", "web", "vi"])
    assert "--tty" not in started
    started.clear()
    monkeypatch.setattr(os, "isatty", lambda file: file == 0)
    dexec.main(["web", "vi"])
    assert "--tty" not in started


def test_tasks_are_listed_as_json(engines, capsys):
    assert dexec.main(["--json", "web"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(each["name"], each["node"], each["state"]) for each in found][:2] == [
        ("web.1", "p-hive2", "running"),
        ("web.2", "p-hive1", "running"),
    ]
    assert len(found) == 4


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("web:/etc/a:b c", dcp.Place("web", "/etc/a:b c")),
        ("/tmp/a:b", dcp.Place("", "/tmp/a:b")),
        ("./web:x", dcp.Place("", "./web:x")),
        ("x y:z", dcp.Place("", "x y:z")),
        ("-", dcp.Place("", "-")),
        (":x", dcp.Place("", ":x")),
    ],
)
def test_a_side_of_a_copy_is_in_a_service_or_here(text, wanted):
    assert dcp.Place.parse(text) == wanted


@pytest.mark.parametrize(("path", "wanted"), [("x y:z", "./x y:z"), ("-", "-"), ("/x", "/x"), ("-a", "./-a")])
def test_a_path_here_is_not_mistaken_for_a_containers(path, wanted):
    assert dcp.Place("", path).local == wanted


def test_dcp_is_dockers_cp_on_the_tasks_node(engines, monkeypatch):
    started = []
    monkeypatch.setattr(dcp.subprocess, "run", lambda words, check: started.extend(words) or dcp.subprocess.CompletedProcess(words, 1))
    assert dcp.main(["-L", "-a", "a b", "db:/tmp/c:d"]) == 1
    assert started == ["docker", "--host", "p-hive1.example:2376", "cp", "-L", "-a", "--", "./a b", "c9:/tmp/c:d"]


@pytest.mark.parametrize("arguments", [["a", "b"], ["web:/x"], ["web:/x", "/y", "/z"], ["web:", "/y"]])
def test_dcp_wants_two_sides_and_one_in_a_service(engines, arguments, capsys):
    assert dcp.main(arguments) == 1
    assert "usage: dcp" in capsys.readouterr().err
