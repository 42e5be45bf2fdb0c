"""Measures on real servers: the example site's four, built for this and destroyed afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from bench.measure import Measure, best_of
from hive_nornir import Site
from hive_nornir.connections.shell import SshTransport
from hive_nornir.inventory.ssh_files import read_ssh_config, write_ssh_config
from hive_nornir.operations import files
from hive_nornir.operations.engine import Engine
from hive_nornir.plays.setup_hosts import PLAYS
from hive_nornir.runs.report import HostReport
from tests.hosts.sites import build, copy_example, setup, transport
from tests.support.latency import slow_way

__all__ = ["server_measures"]

DELAY_MILLISECONDS = 20
_END = b"raw-ssh-done"


def server_measures(folder: Path) -> list[Measure]:
    """All of them, on one site."""
    site = copy_example(folder / "site")
    try:
        build(site)
        setup(site)
        return [*_round_trips(site), *_ten_files(site), *_no_change(site), _stragglers(site)]
    finally:
        site.run("build-infra", destroy=True)


def _round_trips(site: Site) -> list[Measure]:
    connection = _fresh(site)
    connection.run(":", deadline=20)
    connecting = connection.traffic.round_trips - 1
    site.close()
    report = setup(site)
    assert report.changed == 0, report.as_dict()
    costs = [(host.round_trips, host.sent, _looks(site, host)) for host in report.hosts.values()]
    trips, sent, looks = max(costs)
    return [
        Measure("round trips to connect", connecting, 8),
        Measure(
            "round trips of a role with nothing to do", (trips - connecting - 1) / looks, 1, f"{trips} for {looks} roles and the facts"
        ),
        Measure("kB sent a role with nothing to do", sent / looks / 1000, 8, f"{sent / 1000:.0f} kB for {looks} roles"),
    ]


def _looks(site: Site, host: HostReport) -> int:
    """How many roles looked at the host; one that is in two plays did so twice."""
    done = [name for name, role in host.roles.items() if role.status != "skipped"]
    return sum(role.name in done for play in PLAYS if host.name in site.inventory.groups[play.group] for role in play.roles)


def _ten_files(site: Site) -> list[Measure]:
    connection = _fresh(site)
    connection.run(":", deadline=20)
    trips, sent = connection.traffic.round_trips, connection.traffic.sent
    wanted = [files.content(f"/etc/bench-{number}.conf", f"# file {number}\nsetting = {number}\n" * 5) for number in range(10)]
    outcomes = Engine(connection, "bench").run(wanted)
    assert all(outcome.status == "changed" for outcome in outcomes)
    trips, sent = connection.traffic.round_trips - trips, connection.traffic.sent - sent
    connection.run("rm -f /etc/bench-*.conf", deadline=20)
    site.close()
    return [Measure("round trips of a changed role", trips, 3), Measure("ten small files, kB sent", sent / 1000, 8)]


def _no_change(site: Site) -> list[Measure]:
    script = _reads_of_a_run(site)
    with _delay(site, 0):
        here = _ratio(site, script)
    with _delay(site, DELAY_MILLISECONDS):
        far = _ratio(site, script)
    return [
        Measure(
            "no-change run of all roles, in cold raw ssh with the same reads", here[0] / here[1], 2, f"{here[0]:.2f} s / {here[1]:.2f} s"
        ),
        Measure(f"the same with {DELAY_MILLISECONDS} ms of latency", far[0] / far[1], 2, f"{far[0]:.2f} s / {far[1]:.2f} s"),
        Measure(f"seconds of that run with {DELAY_MILLISECONDS} ms of latency", far[0], 6),
    ]


def _ratio(site: Site, script: str) -> tuple[float, float]:
    command = [sys.executable, "-m", "hive_nornir", "--root", str(site.context.root), "run", "setup-hosts", "--json"]

    def ours() -> None:
        done = subprocess.run(command, capture_output=True, text=True)
        assert json.loads(done.stdout)["changed"] == 0, done.stderr

    def raw() -> None:
        with ExitStack() as stack:
            run = [_raw_ssh(site, name, script, stack) for name in site.inventory.servers]
            for process, output in run:
                process.wait(timeout=120)
                output.seek(0)
                assert output.read().endswith(_END), f"raw ssh failed with exit code {process.returncode}"

    # Side by side in time, so that both see the same machine.
    pairs = [(best_of(1, ours), best_of(1, raw)) for _ in range(4)]
    return min(ours for ours, _ in pairs), min(raw for _, raw in pairs)


def _raw_ssh(site: Site, name: str, script: str, stack: ExitStack) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    """One cold ssh to a server, under way, and the file that takes what it prints."""
    output = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
    # The relay's port is another one, but the host and so its pin are the same.
    command = ["ssh", "-o", f"HostKeyAlias={name}", "-F", str(site.context.ssh_config), name, "sudo -n sh"]
    process = stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT))
    assert process.stdin is not None
    process.stdin.write(f"{script}\nprintf raw-ssh-done".encode("utf-8", "surrogateescape"))
    process.stdin.close()
    return process, output


def _reads_of_a_run(site: Site) -> str:
    """Everything that a no-change run reads on the first server, as one script."""
    scripts: list[str] = []
    plain = SshTransport.run
    first = site.inventory.servers[0]

    def recording(self: SshTransport, script: str, **options: Any) -> Any:
        if self.target.alias == first:
            scripts.append(script)
        return plain(self, script, **options)

    SshTransport.run = recording  # type: ignore[method-assign]
    try:
        assert setup(site).changed == 0
    finally:
        SshTransport.run = plain  # type: ignore[method-assign]
    prelude = Path(__file__).parents[1] / "hive_nornir/connections/prelude.sh"
    return prelude.read_text() + "\n" + "\n".join(f"( {script}\n)" for script in scripts)


@contextmanager
def _delay(site: Site, milliseconds: int) -> Iterator[None]:
    """So much latency, there and back together, on the way from here to the servers."""
    if not milliseconds:
        yield
        return
    known = read_ssh_config(site.context.ssh_config)
    with ExitStack() as stack:
        slow = [
            replace(host, hostname="127.0.0.1", port=stack.enter_context(slow_way(host.hostname, host.port, milliseconds / 2000)))
            for host in known.values()
        ]
        write_ssh_config(site.context.ssh_config, slow, site.context.known_hosts)
        try:
            yield
        finally:
            write_ssh_config(site.context.ssh_config, known.values(), site.context.known_hosts)


def _stragglers(site: Site) -> Measure:
    """As many steps as hosts, in each another host that takes a second longer."""
    from nornir.core.task import Result, Task

    names = site.inventory.servers

    def steps(task: Task) -> Result:
        connection = task.host.get_connection("hive", task.nornir.config)
        for step in range(len(names)):
            connection.run("sleep 1" if names[step] == task.host.name else ":", deadline=20)
        return Result(host=task.host)

    alone = best_of(1, lambda: site.nornir.filter(name=names[0]).run(task=steps))
    site.close()
    together = best_of(1, lambda: site.nornir.run(task=steps))
    site.close()
    return Measure("a straggler in each step, in the slowest host's own time", together / alone, 1.5, f"{together:.2f} s / {alone:.2f} s")


def _fresh(site: Site) -> SshTransport:
    site.close()
    return transport(site)
