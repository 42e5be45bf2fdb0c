"""Two servers that the tests of a module share, and ways to them that do not go through what is tested."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from docker.errors import APIError

from hive_nornir import Site
from hive_nornir.connections.shell import SshTransport
from hive_nornir.connections.ssh import SshTarget, target_from_nornir
from hive_nornir.inventory.providers.sandbox import engine, names
from tests.hosts.sites import build, write_site


@contextmanager
def pair(folder: Path) -> Iterator[Site]:
    """A site of two servers, deleted at the end."""
    site = write_site(folder / "site", 2)
    try:
        build(site)
        yield site
        site.close()
    finally:
        site.run("build-infra", destroy=True)


def target(site: Site, number: int = 0, **changes: Any) -> SshTarget:
    """How to log in to a server of the site."""
    host = site.nornir.inventory.hosts[site.inventory.servers[number]]
    options = host.get_connection_parameters("hive")
    found = target_from_nornir(options.hostname, options.username, options.password, options.port, options.extras)
    return dataclasses.replace(found, **changes)


@contextmanager
def shell(site: Site, number: int = 0, **changes: Any) -> Iterator[SshTransport]:
    """A root shell of its own."""
    transport = SshTransport(target(site, number, **changes))
    try:
        yield transport
    finally:
        transport.close()


def output(transport: SshTransport, script: str) -> str:
    """What a script prints, which must succeed."""
    done = transport.run(script, deadline=30)
    assert done.exit_code == 0, (script, done)
    return done.stdout.decode().strip()


@contextmanager
def container(site: Site, number: int = 0) -> Iterator[Any]:
    """The container that is a server, which its ssh need not reach."""
    provider = site.provider_site()
    url = engine.find()
    assert url is not None
    with engine.connect(url) as client:
        yield client.containers.get(names.container(provider, provider.servers[number]))


def inside(site: Site, script: str, number: int = 0) -> str:
    """What a script prints as root in a server, without ssh."""
    with container(site, number) as server:
        code, said = server.exec_run(["sh", "-c", script])
    assert code == 0, (script, said)
    return str(said.decode()).strip()


@contextmanager
def frozen(site: Site, number: int = 0) -> Iterator[None]:
    """A server that does nothing at all, while its kernel still answers for it."""
    with container(site, number) as server:

        def paused() -> bool:
            with suppress(APIError):  # runc gives up when a process forks just then
                server.pause()
                return True
            return False

        until(paused)
        try:
            yield
        finally:
            server.unpause()


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something is so."""
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.02)
