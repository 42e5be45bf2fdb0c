"""Servers for the host tests: shared ones for what leaves no trace in others, fresh ones for the rest. All are destroyed at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hive_nornir import Site
from hive_nornir.connections.shell import SshTransport
from tests.hosts.sites import build, copy_example, setup, transport, write_site

SiteMaker = Callable[..., Site]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "hosts" in item.path.parts:
            item.add_marker(pytest.mark.hosts)


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[SiteMaker]:
    """Makes a site with servers of its own: `make_site(2, image="el-9", variables="hive_timezone: Asia/Tokyo")`."""
    made: list[Site] = []

    def make(count: int = 1, **options: str) -> Site:
        site = write_site(tmp_path / f"site{len(made)}", count, **options)
        made.append(site)
        build(site)
        return site

    yield make
    for site in made:
        site.run("build-infra", destroy=True)


def _shared(folder: Path, image: str) -> Iterator[SshTransport]:
    site = write_site(folder / "site", 1, image=image)
    try:
        build(site)
        yield transport(site)
        site.close()
    finally:
        site.run("build-infra", destroy=True)


@pytest.fixture(scope="session")
def debian_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshTransport]:
    """A root shell on a Debian 12 server that tests of operations share: each uses files, users and units of its own."""
    yield from _shared(tmp_path_factory.mktemp("debian"), "debian-12")


@pytest.fixture(scope="session")
def el_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshTransport]:
    """Likewise on the server that speaks dnf."""
    yield from _shared(tmp_path_factory.mktemp("el"), "el-9")


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The example site, built and set up once; tests read it, or put back what they change."""
    site = copy_example(tmp_path_factory.mktemp("example") / "site")
    try:
        build(site)
        setup(site)
        yield site
        site.close()
    finally:
        site.run("build-infra", destroy=True)


@pytest.fixture(scope="session")
def repository_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A hive, which is a swarm of its own, and a repository server; tests put back what they change."""
    site = write_site(tmp_path_factory.mktemp("repository") / "site", 2, image="debian-13", mirror=True)
    try:
        build(site)
        setup(site, "base", "hostsfile", "iptables", "pip-venv", "tls-certificate", "docker", "docker-client", "repository", "swarm")
        yield site
        site.close()
    finally:
        site.run("build-infra", destroy=True)
