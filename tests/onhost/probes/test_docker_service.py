"""What the monitoring asks about services: of a swarm of three nodes, of which some may be dead."""

import json
import time

import pytest

from hive_onhost.failure import ENGINE, NOT_FOUND
from hive_onhost.probes import docker_service, swarm
from tests.onhost.probes.engines import SERVERS, Container, Engines, service, task


@pytest.fixture
def ask(monkeypatch, capsys, tmp_path):
    """Runs the command against engines: its exit code and what it printed, as JSON where it is that."""
    monkeypatch.setattr("hive_onhost.probes.cache.FOLDER", tmp_path)

    def run(engines, *arguments, servers=SERVERS):
        monkeypatch.setattr(docker_service, "engines", lambda: engines)
        code = docker_service.main([*arguments, *servers])
        out, error = capsys.readouterr()
        return code, json.loads(out) if not code else error

    return run


def standing():
    return Engines(
        services=[
            service("web", 4),
            service("agent", None),
            service("alone", labels={"HIVE_STANDALONE": "True"}),
            service("off", 0),
        ],
        tasks=[
            task("web", "c1", "n0", ago=100),
            task("web", "c2", "n1", ago=50),
            task("web", "c3", "n1", state="failed", desired="shutdown"),
            task("web", "c4", "n2", state="preparing", ago=1),
            task("agent", "c5", "n0"),
            task("agent", "c6", "n1", state="starting", desired="ready"),
            task("agent", "c7", "n1", state="shutdown", desired="shutdown"),
        ],
    )


def test_services_are_discovered_by_name(ask):
    assert ask(standing(), "--discover") == (0, [{"{#SERVICE_NAME}": name} for name in ("agent", "alone", "off", "web")])
    assert ask(standing(), "--discover-standalone") == (0, [{"{#SERVICE_NAME}": "alone"}])


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--replicas", "web"], 50),
        (["--replicas", "agent"], 50),
        (["--replicas", "off"], 0),
        (["--replica-count", "web", "--count-type", "running"], 2),
        (["--replica-count", "web", "--count-type", "desired"], 4),
        (["--replica-count", "agent", "--count-type", "desired"], 2),
        (["--uptime", "alone"], -1),
    ],
)
def test_tasks_are_counted_as_docker_counts_them(ask, arguments, wanted):
    assert ask(standing(), *arguments) == (0, wanted)


def test_the_youngest_task_that_runs_tells_the_uptime(ask):
    code, seconds = ask(standing(), "--uptime", "web")
    assert code == 0
    assert 50 <= seconds <= 53


@pytest.mark.parametrize(
    "arguments", [["--replicas", "nix"], ["--uptime", "we"], ["--stats", "nix"], ["--failed-innerservice-count", "nix"]]
)
def test_an_unknown_service_is_no_number(ask, arguments):
    code, said = ask(standing(), *arguments)
    assert (code, "not found" in said) == (NOT_FOUND, True)


def test_a_dead_server_costs_nothing_where_another_answers(ask):
    began = time.monotonic()
    engines = standing()
    engines.dead = {SERVERS[0]: 5.0}
    assert ask(engines, "--replicas", "web") == (0, 50)
    assert time.monotonic() - began < 1
    engines.dead, engines.workers = {SERVERS[0]: 0.0}, (SERVERS[1],)
    assert ask(engines, "--replicas", "web") == (0, 50)


def test_without_a_manager_there_is_no_answer_and_nothing_to_keep_fresh(ask):
    engines = Engines(workers=SERVERS)
    code, said = ask(engines, "--discover")
    assert (code, "no server answers as a manager" in said) == (ENGINE, True)
    assert ask(engines, "--discover-innerservice")[0] == ENGINE
    assert ask(engines, "--discover-innerservice", "--dispose", "2") == (0, [])
    engines.dead = {SERVERS[0]: 0.0}
    assert ask(engines, "--discover-innerservice", "--dispose", "2")[0] == ENGINE


STATS = {
    "cpu_stats": {"cpu_usage": {"total_usage": 1_000}, "system_cpu_usage": 100_000, "online_cpus": 4},
    "memory_stats": {"usage": 3_000, "limit": 10_000, "stats": {"inactive_file": 1_000}},
}
LATER = {**STATS, "cpu_stats": {"cpu_usage": {"total_usage": 3_000}, "system_cpu_usage": 116_000, "online_cpus": 4}}


def used(monkeypatch, **dead):
    monkeypatch.setattr("hive_onhost.probes.usage._BETWEEN", 0)
    idle = {**LATER, "cpu_stats": {**STATS["cpu_stats"], "system_cpu_usage": 116_000}, "memory_stats": STATS["memory_stats"]}
    containers = {"c1": Container(stats=[STATS, LATER]), "c2": Container(stats=[STATS, idle]), "c5": Container(stats=[STATS, {}])}
    engines = standing()
    engines.containers, engines.dead = containers, dead
    return engines


def test_numbers_are_the_mean_over_the_containers_that_answer(ask, monkeypatch):
    assert ask(used(monkeypatch), "--stats", "web", "--metric", "cpu") == (0, 25)
    assert ask(used(monkeypatch, **{SERVERS[1]: 0.0}), "--stats", "web", "--metric", "cpu") == (0, 50)
    assert ask(used(monkeypatch), "--stats", "web", "--metric", "memory") == (0, 2_000)
    assert ask(used(monkeypatch), "--stats", "web", "--metric", "memory_percent") == (0, 20)
    assert ask(used(monkeypatch), "--stats", "web", "--metric", "memory_limit") == (0, 10_000)


def test_what_no_container_tells_is_no_number(ask, monkeypatch):
    code, said = ask(used(monkeypatch, **{SERVERS[0]: 0.0, SERVERS[1]: 0.0}), "--stats", "web")
    assert (code, "no route" in said) == (ENGINE, True)
    assert ask(standing(), "--stats", "off")[0] == ENGINE
    code, said = ask(used(monkeypatch), "--stats", "agent", "--metric", "cpu")
    assert (code, "cpu_stats" in said) == (ENGINE, True)


def test_one_answer_has_all_numbers_and_leaves_out_what_nobody_tells(ask, monkeypatch):
    code, found = ask(used(monkeypatch), "--all")
    assert code == 0
    by_name = {each.pop("service"): each for each in found}
    uptime = by_name["web"].pop("uptime")
    assert 50 <= uptime <= 53
    assert by_name["web"] == {
        "running": 2, "desired": 4, "replicas": 50, "cpu": 25, "memory": 2_000, "memory_limit": 10_000, "memory_percent": 20,
    }  # fmt: skip
    assert by_name["off"] == {"running": 0, "desired": 0, "replicas": 0, "uptime": -1}
    assert set(by_name["agent"]) == {"running", "desired", "replicas", "uptime"}


def test_a_container_that_hangs_is_given_up(ask, monkeypatch):
    monkeypatch.setattr(swarm, "CONTAINER_SECONDS", 0.2)
    engines = used(monkeypatch)
    engines.containers["c2"].stats = lambda **_: time.sleep(5)
    began = time.monotonic()
    assert ask(engines, "--stats", "web", "--metric", "memory") == (0, 2_000)
    assert time.monotonic() - began < 2


def info(*, error="", control=True, reachable=(True, True, True)):
    states = [{"ManagerStatus": {"Reachability": "reachable" if each else "unreachable"}} for each in reachable]
    return {
        "ControlAvailable": control,
        "Error": error,
        "RemoteManagers": [{}] * len(reachable),
        "nodes": [*states, {"ManagerStatus": None}],
    }


@pytest.mark.parametrize(
    ("told", "dead", "wanted"),
    [
        ([info(), info(), info()], {}, (3, 3)),
        ([info(reachable=(True, True, False))] * 2 + [{}], {SERVERS[2]: 0.0}, (3, 2)),
        # Without leader: two of three are gone.
        ([info(error="The swarm does not have a leader."), {}, {}], {SERVERS[1]: 0.0, SERVERS[2]: 0.0}, (3, 1)),
        ([info(control=False), info(), info(control=False)], {}, (3, 3)),
    ],
)
def test_managers_are_counted_also_when_there_is_no_leader(ask, told, dead, wanted):
    engines = Engines(info=dict(zip(SERVERS, told, strict=True)), dead=dead)
    assert [ask(engines, "--managers", what) for what in ("total", "reachable")] == [(0, number) for number in wanted]


def test_where_nobody_is_a_manager_there_is_no_number(ask):
    assert ask(Engines(info={server: info(control=False) for server in SERVERS}), "--managers", "total")[0] == ENGINE
