"""Servers that reach the world through a proxy that only this machine sees: with it, without it, and when others use its port too."""

from __future__ import annotations

import contextlib
import functools
import http.server
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hive_nornir import Site
from hive_nornir.inventory.providers.sandbox import engine
from tests.hosts.pair import inside, until
from tests.hosts.sites import build, changes, errors, setup, shell, transport, write_site

ROLES = ("base", "iptables", "tls-certificate", "docker")
# A login of the administrator's has its environment; 127.0.0.2 is this machine to the proxy and nobody to the server.
FETCH = "su - admin -c 'wget -q -T 5 -t 1 -O - http://127.0.0.2:{port}/hello'"
TRACES = (
    "grep -i proxy /etc/environment; cat /etc/apt/apt.conf.d/95hive-proxy; sshd -T | grep 'gatewayports yes'; ss -Hltn sport = :3128; "
    "iptables -S | grep http_proxy; docker info --format '{{.HTTPProxy}}' | grep ."
)


@dataclass
class World:
    """The proxy, and what only it can reach.

    :param proxy: `host:port`.
    :param port: of a web server on 127.0.0.2.
    """

    proxy: str
    log: Path
    port: int

    def asked_for(self, text: str) -> bool:
        return text in self.log.read_text()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Debian's tinyproxy on this machine's loopback."""
    if shutil.which("tinyproxy") is None:
        engine.apt_install(["tinyproxy-bin"], engine.quiet, 300)
    folder = tmp_path_factory.mktemp("world")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "conf").write_text(f'Listen 127.0.0.1\nPort {port}\nTimeout 60\nLogFile "{folder}/log"\nLogLevel Connect\n')
    (folder / "hello").write_text("hello\n")
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    serve = functools.partial(quiet, directory=str(folder))
    with (
        http.server.ThreadingHTTPServer(("127.0.0.2", 0), serve) as web,
        subprocess.Popen(["tinyproxy", "-d", "-c", str(folder / "conf")]) as process,
    ):
        threading.Thread(target=web.serve_forever, daemon=True).start()
        until(lambda: answers(port))
        yield World(f"127.0.0.1:{port}", folder / "log", web.server_port)
        process.terminate()
        web.shutdown()


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server."""
    made = write_site(tmp_path_factory.mktemp("proxy") / "site", 1)
    try:
        build(made)
        yield made
        made.close()
    finally:
        made.run("build-infra", destroy=True)


@contextlib.contextmanager
def behind_proxy(site: Site, world: World, *roles: str) -> Iterator[None]:
    """The site with the proxy, and at the end without it; after each change the roles run."""
    site.context.persistents.set("http_proxy", world.proxy)
    site.reload()
    try:
        build(site)
        if roles:
            setup(site, *roles)
        yield
    finally:
        site.context.persistents.unset("http_proxy")
        site.reload()
        build(site)
        if roles:
            setup(site, *roles)


@contextlib.contextmanager
def another_session(site: Site) -> Iterator[None]:
    """An operator's own ssh, which asks for the port to the proxy too."""
    with subprocess.Popen(["ssh", "-F", site.context.ssh_config, site.inventory.servers[0], "sleep 600"]) as session:
        until(lambda: bool(inside(site, "ss -Hltn sport = :3128")))
        yield
        session.terminate()
    until(lambda: not inside(site, "ss -Hltn sport = :3128"))


def test_a_proxy_is_used_for_everything_and_leaves_nothing_behind(site: Site, world: World):
    fetch = FETCH.format(port=world.port)
    hook = site.context.root / "roles" / "addon.d" / "fetch.sh"
    hook.parent.mkdir(parents=True)
    hook.write_text(f"{fetch} >/root/fetched\n")
    with behind_proxy(site, world, *ROLES):
        assert world.asked_for("/debian/pool/main/"), "apt has not fetched packages through the proxy"
        assert world.asked_for("/docker.io_")
        assert f"RemoteForward 3128 {world.proxy}\n" in site.context.ssh_config.read_text()
        setup(site, "addon")
        assert shell(site, "cat /root/fetched") == "hello\n"
        assert shell(site, "docker info --format '{{.HTTPProxy}}'") == f"{login_proxy(site)}\n"
        assert changes(setup(site, *ROLES)) == []
        assert changes(setup(site, *ROLES, check=True)) == []
        assert shell(site, "ss -Hltn sport = :3128") != ""
        site.close()
        until(lambda: not inside(site, "ss -Hltn sport = :3128"))

    assert inside(site, f"{{ {TRACES}; }} 2>/dev/null || :") == ""
    assert "RemoteForward" not in site.context.ssh_config.read_text()
    assert changes(setup(site, *ROLES)) == []
    assert shell(site, f"{fetch} || echo unreachable") == "unreachable\n"


def login_proxy(site: Site) -> str:
    return shell(site, "su - admin -c 'echo $http_proxy'").strip()


def test_the_port_to_the_proxy_has_one_owner_at_a_time(site: Site, world: World):
    fetch = FETCH.format(port=world.port)
    with behind_proxy(site, world, "base"):
        assert login_proxy(site) != ""
        transport(site).proof_of_entry()
        transport(site).reopen(20)
        assert shell(site, fetch) == "hello\n"
        site.close()

        with another_session(site):
            report = setup(site, "base")
            [note] = report.notes
            assert "port 3128 is held by another session, whose proxy is used" in note
            assert shell(site, fetch) == "hello\n"
            site.close()

        inside(site, "systemd-run --quiet --unit=hive-test-port openssl s_server -accept 3128 -nocert -quiet")
        until(lambda: bool(inside(site, "ss -Hltn sport = :3128")))
        report = site.run("setup-hosts", roles=["base"])
        assert any("port 3128" in error and "no proxy answers there" in error for error in errors(report)), errors(report)
        inside(site, "systemctl stop hive-test-port")

    with behind_proxy(site, world), another_session(site):  # sshd has no GatewayPorts yet
        report = setup(site, "hostsfile")
        assert any("for the server itself alone" in note for note in report.notes), report.notes


def test_a_proxy_that_is_away_is_named(site: Site):
    site.context.persistents.set("http_proxy", "127.0.0.1:1")
    site.reload()
    try:
        report = setup(site, "hostsfile")
        assert any("the proxy 127.0.0.1:1 does not answer this machine: Connection refused" in note for note in report.notes)
    finally:
        site.context.persistents.unset("http_proxy")
        site.reload()
