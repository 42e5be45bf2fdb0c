"""The notebook on a real site: without a swarm and with one, run again, and interrupted in the middle."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import nbformat
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient

from hive_nornir import Site
from tests.hosts.pair import frozen, inside, until
from tests.hosts.sites import REPOSITORY, build, setup, shell, write_site

NOTEBOOK = REPOSITORY / "notebooks" / "explore.ipynb"
DOCUMENT = REPOSITORY / "docs" / "library.md"
SWARM = """apt-get -qq install -y busybox-static >/dev/null 2>&1
tar -C /bin -c busybox | docker import - box:1 >/dev/null
docker swarm init >/dev/null
docker network create -d overlay inside >/dev/null
docker service create -q -d --no-resolve-image --network inside --endpoint-mode dnsrr --name web box:1 /busybox sleep 1000"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server that is hive and repository at once, with what a site's servers have first."""
    made = write_site(tmp_path_factory.mktemp("notebook") / "site", 1)
    try:
        build(made)
        setup(made, "base")
        yield made
        made.close()
    finally:
        made.run("build-infra", destroy=True)


@pytest.fixture(scope="module")
def swarm(site: Site) -> Site:
    """The site with a swarm and a service in it."""
    setup(site, "hostsfile", "iptables", "tls-certificate", "docker")
    shell(site, SWARM)
    until(lambda: all(state.running for state in site.services()), 60)
    return site


@pytest.fixture
def environment(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a kernel is told about the site."""
    monkeypatch.setenv("HIVE_ROOT_DIR", str(site.context.root))
    monkeypatch.setenv("HIVE_STAGE", site.context.stage)


def executed(times: int = 1) -> dict[str, str]:
    """What each cell of the notebook shows in the end, after it was run so many times in one kernel; a cell that fails fails the test."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOK.parent)}})
    with client.setup_kernel():
        for _ in range(times):
            for number, cell in enumerate(notebook.cells):
                client.execute_cell(cell, number)
    return {cell["id"]: "".join(map(text, cell.get("outputs", []))) for cell in notebook.cells}


def text(output: Any) -> str:
    """The richest form of a cell's output."""
    data = output.get("data", {})
    return str(output.get("text") or data.get("text/html") or data.get("text/plain"))


@pytest.mark.usefixtures("environment")
def test_a_site_without_a_swarm_is_explored_twice(site: Site):
    shown = executed(times=2)
    [server] = site.inventory.servers
    assert f'<td style="text-align:left;">{site.inventory.scope(server)["hive_private_ip"]}</td>' in shown["inventory"]
    assert "setup-hosts, plan, stage private:" in shown["plan"]
    assert "<details" in shown["plan"]
    assert "nothing to do" not in shown["plan"]
    assert "setup-hosts, stage private: 0 changed" in shown["run"]  # the first time it changed /etc/hosts
    assert shown["records"].count("setup-hosts") == 3
    assert "Debian GNU/Linux 12" in shown["facts"]
    assert "debian" in shown["frame"]
    assert shown["services"].startswith("No services to show: no hive manages the swarm")
    assert "load average" in shown["command"]


@pytest.mark.usefixtures("environment")
def test_services_are_shown(swarm: Site):
    shown = executed()
    assert "box:1" in shown["services"]
    assert "1 of 1" in shown["services"]
    assert "1 on p-hive0: running" in shown["services"]


def programs() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(len(programs())))
def test_the_programs_of_the_document_run(swarm: Site, number: int):
    command = [sys.executable, "-W", "error", "-c", programs()[number]]
    done = subprocess.run(command, cwd=swarm.context.root.parent, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, (programs()[number], done.stderr)
    assert done.stdout.strip()


class Kernel:
    """A kernel in which cells are run as a notebook does."""

    def __init__(self, client: BlockingKernelClient, interrupt: Callable[[], None]) -> None:
        self.client = client
        self.interrupt = interrupt

    def run(self, code: str) -> str:
        """What a cell prints; it must not fail."""
        said: list[str] = []
        reply = self.client.execute_interactive(code, timeout=60, output_hook=lambda message: said.append(printed(message)))
        assert reply["content"]["status"] == "ok", (code, reply["content"], said)
        return "".join(said).strip()

    def interrupted(self, code: str, when: Callable[[], bool]) -> tuple[dict[str, Any], float]:
        """How a cell ends that is interrupted once something is so, and the seconds that it took after that."""
        asked = self.client.execute(code)
        until(when, 30)
        began = time.monotonic()
        self.interrupt()
        while True:
            reply = self.client.get_shell_msg(timeout=30)
            if reply["parent_header"].get("msg_id") == asked:
                return reply["content"], time.monotonic() - began


def printed(message: dict[str, Any]) -> str:
    return str(message["content"].get("text", ""))


@pytest.fixture
def kernel(environment: None) -> Iterator[Kernel]:
    """A kernel that has opened the site."""
    manager, client = start_new_kernel(cwd=str(NOTEBOOK.parent))
    try:
        opened = Kernel(client, manager.interrupt_kernel)
        opened.run("from hive_nornir import Site\nfrom hive_nornir.tasks.command import command\nsite = Site.open()")
        yield opened
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_interrupting_a_task_stops_it_on_its_hosts_and_the_next_cell_works(site: Site, kernel: Kernel):
    running = "pgrep -fc '^sleep 314$' || :"
    work = "site.nornir.run(task=command, script='sleep 314 & sleep 314', deadline=600)"
    reply, seconds = kernel.interrupted(work, lambda: inside(site, running) == "2")
    assert (reply["status"], reply.get("ename")) == ("error", "KeyboardInterrupt")
    assert seconds < 2
    until(lambda: inside(site, running) == "0", 5)
    again = "print([result[0].result for result in site.nornir.run(task=command, script='echo well').values()])"
    assert kernel.run(again) == "['well']"


def test_interrupting_a_run_tells_how_far_it_came_and_the_next_one_works(site: Site, kernel: Kernel):
    work = "report = site.run('setup-hosts', roles=['hostsfile'])"
    before = len(site.records())
    with frozen(site):
        reply, seconds = kernel.interrupted(work, lambda: any("role-started" in kinds(run) for run in site.records()[before:]))
    assert reply["status"] == "ok"
    assert seconds < 2
    assert kernel.run("print(report.interrupted, report.exit_code)") == "True 130"
    assert kernel.run("print(site.run('setup-hosts', roles=['hostsfile']).ok)") == "True"
    assert site.records()[before].outcome == "interrupted"


def kinds(run: Any) -> list[str]:
    return [event.kind for event in run.events()]


def test_interrupting_a_plain_script_leaves_it_to_its_end_and_the_next_cell_works(site: Site, kernel: Kernel):
    kernel.run("def slow(task):\n    task.host.get_connection('hive', task.nornir.config).run('sleep 3.14; touch /run/ended', deadline=60)")
    reply, seconds = kernel.interrupted("site.nornir.run(task=slow)", lambda: inside(site, "pgrep -fc '^sleep 3.14$' || :") == "1")
    assert reply["ename"] == "KeyboardInterrupt"
    assert seconds < 2
    until(lambda: "ended" in inside(site, "ls /run"), 10)
    assert kernel.run("print(len(site.facts()))") == "1"


def test_the_notebook_is_stored_without_what_it_showed():
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert all(cell.get("outputs", []) == [] and cell.get("execution_count") is None for cell in cells)
