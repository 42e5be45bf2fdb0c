"""Real servers for tests, without a site."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hive_nornir.connections.shell import SshTransport
from hive_nornir.connections.ssh import SshTarget
from hive_nornir.inventory.known_hosts import KnownHosts
from hive_nornir.inventory.providers.base import ProviderSite, ServerSpec
from hive_nornir.inventory.providers.sandbox import Sandbox, engine
from tests.hosts.sites import free_cidr


def sandbox_site(folder: Path, count: int, *, name: str = "", cidr: str = "", variables: Mapping[str, Any] | None = None) -> ProviderSite:
    """A stage of `count` servers for the sandbox, with a name and addresses of its own; nothing is built yet.

    :param folder: the site's folder, normally pytest's tmp_path.
    :param variables: of every server, such as `hive_vm_image_name`.
    """
    hive_name = name or f"t{secrets.token_hex(4)}"
    network = cidr or free_cidr()
    first = network.rsplit(".", 1)[0]
    servers = [ServerSpec(f"p-hive{n}.{hive_name}", f"{first}.{4 + n}", ("hives", "servers"), dict(variables or {})) for n in range(count)]
    return ProviderSite(hive_name, "private", folder, folder / ".hive" / "private", servers, {"hive_cidr": network})


@contextmanager
def built(site: ProviderSite) -> Iterator[ProviderSite]:
    """The site's servers, running; deleted at the end, whatever happens."""
    sandbox = Sandbox()
    try:
        sandbox.build(site)
        yield site
    finally:
        sandbox.destroy(site)


def target(site: ProviderSite, server: ServerSpec) -> SshTarget:
    """How to log in to a server, its host keys pinned as the provider gives them; unknown keys are refused."""
    data = Sandbox().connection(site, server)
    pins = KnownHosts(site.context_dir / "known_hosts")
    for key in data.host_keys:
        pins.pin([server.name], key, data.port)
    key_file = site.context_dir / "id_rsa"
    return SshTarget(data.hostname, data.user, data.port, alias=server.name, known_hosts=pins.file, key_files=(key_file,))


@contextmanager
def shell(site: ProviderSite, server: ServerSpec) -> Iterator[SshTransport]:
    """A root shell on a server."""
    transport = SshTransport(target(site, server))
    try:
        yield transport
    finally:
        transport.close()


def output(site: ProviderSite, server: ServerSpec, script: str, deadline: float = 60) -> str:
    """What a script says that runs as root on a server and must succeed."""
    with shell(site, server) as transport:
        done = transport.run(script, deadline=deadline)
    assert done.exit_code == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def as_root(site: ProviderSite, server: ServerSpec, script: str) -> str:
    """The same through the engine, for a server that ssh does not reach."""
    url = engine.find()
    assert url is not None
    with engine.connect(url) as client:
        found = client.containers.get(f"hive-{site.hive_name}-{site.stage}-{server.short_name}")
        code, said = found.exec_run(["sh", "-euc", script])
    assert code == 0, said.decode()
    return str(said.decode()).strip()
