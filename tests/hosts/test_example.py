"""The example site, from its definitions to an answer with data from its database, and what an operator does with it every day."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from hive_nornir import Site
from hive_nornir.inventory.providers.sandbox import engine, names
from hive_nornir.runs.report import RunReport
from hive_nornir.site import PHASES
from tests.hosts.sites import changes, errors, shell

ENTRIES = ["Hana: The first entry.", "Taro: It survives the death of a host."]


def address(site: Site) -> str:
    """The guestbook's virtual address."""
    labels: dict[str, str] = site.inventory.scope("web")["hive_labels"]
    return labels["HIVE_VIP"]


def fetched(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except (urllib.error.URLError, OSError) as error:
        return f"no answer: {error}"


def eventually(look: Callable[[], object], seconds: float) -> None:
    give_up = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < give_up, look()
        time.sleep(0.5)


def entries(site: Site) -> list[str]:
    page = fetched(f"http://{address(site)}/")
    return [line.removeprefix("<li>").removesuffix("</li>") for line in page.splitlines() if line.startswith("<li>")]


def command(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    """The command, as an operator calls it."""
    argv = [sys.executable, "-m", "hive_nornir", "--root", str(site.context.root), *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False, stdin=subprocess.DEVNULL, env=dict(os.environ))


def run(site: Site, phase: str, **options: object) -> RunReport:
    report = site.run(phase, **options)  # type: ignore[arg-type]
    assert report.ok, errors(report)
    return report


@pytest.fixture(scope="module")
def services(example: Site) -> Iterator[Site]:
    """The example with its services, by `run all`; they are removed afterwards, and their volumes."""
    reports = example.run_all()
    assert all(report.ok for report in reports), [errors(report) for report in reports]
    eventually(lambda: entries(example) == ENTRIES, 60)
    yield example
    for phase in ("deploy-services", "build-volumes", "build-networks"):
        run(example, phase, destroy=True)


def test_a_request_is_answered_with_data_from_the_database(services: Site) -> None:
    assert entries(services) == ENTRIES
    host = next(line for line in fetched(f"http://{address(services)}/").splitlines() if "answered by" in line)
    assert host == "<p>answered by web</p>"


def test_a_second_run_of_everything_changes_nothing(services: Site) -> None:
    reports = services.run_all()
    assert [report.phase for report in reports] == list(PHASES)
    assert [change for report in reports for change in changes(report)] == []
    assert sum(report.changed for report in reports) == 0


def test_a_plan_of_everything_is_empty(services: Site) -> None:
    reports = services.run_all(check=True)
    assert [report.phase for report in reports] == list(PHASES)
    assert [change for report in reports for change in changes(report)] == []


def test_ps_shows_them(services: Site) -> None:
    done = command(services, "ps")
    assert done.returncode == 0, done.stderr
    rows = {row[0]: row[1:3] for row in map(str.split, done.stdout.splitlines()[1:])}
    assert rows == {"db": ["replicated", "1/1"], "web": ["replicated", "1/1"]}
    [task] = json.loads(command(services, "ps", "web", "--json").stdout)[0]["tasks"]
    assert (task["slot"], task["state"], task["error"]) == (1, "running", "")


def test_logs_are_on_the_repository(services: Site) -> None:
    fetched(f"http://{address(services)}/?seen")
    eventually(lambda: "GET /?seen" in command(services, "logs", "web").stdout, 20)


def test_a_backup_is_restored_and_nothing_is_lost(services: Site) -> None:
    done = command(services, "backup", "db")
    assert done.returncode == 0, done.stdout + done.stderr
    in_db = "docker exec $(docker ps -q -f label=com.docker.swarm.service.name=db)"
    state = next(state for state in services.services() if state.name == "db")
    host = next(name for name in services.inventory.hives if name.startswith(f"{state.tasks[0].node}."))
    shell(services, f"""{in_db} sh -c 'MYSQL_PWD="$MARIADB_ROOT_PASSWORD" mariadb -uroot guestbook -e "DELETE FROM entries"'""", host)
    assert entries(services) == []
    refused = command(services, "restore", "db")
    assert refused.returncode != 0
    assert entries(services) == []
    done = command(services, "restore", "--yes", "db")
    assert done.returncode == 0, done.stdout + done.stderr
    assert entries(services) == ENTRIES


def test_what_goes_with_its_host_comes_back_on_another_with_its_data(services: Site) -> None:
    """The server under the database dies, without a word; and is there again afterwards."""
    state = next(state for state in services.services() if state.name == "db")
    node = state.tasks[0].node
    name = next(name for name in services.inventory.hives if name.startswith(f"{node}."))
    services.close()
    with engine.connect(engine.find() or "") as client:
        provider_site = services.provider_site()
        spec = next(spec for spec in provider_site.servers if spec.name == name)
        server = client.containers.get(names.container(provider_site, spec))
        server.kill()
        try:
            eventually(lambda: entries(services) == ENTRIES, 120)
            moved = next(state for state in services.services() if state.name == "db")
            assert [task.node for task in moved.tasks if task.state == "running"] != [node]
        finally:
            services.close()
            run(services, "build-infra")
    eventually(lambda: all(line.split()[1] == "Ready" for line in nodes(services)), 90)
    run(services, "setup-hosts")


def nodes(site: Site) -> list[str]:
    other = site.inventory.hives[-1]
    return shell(site, "docker node ls --format '{{.Hostname}} {{.Status}}' || :", other).splitlines() or ["? ?"]
