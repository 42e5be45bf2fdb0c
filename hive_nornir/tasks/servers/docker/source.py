"""Where the engine's packages come from (spec os-matrix.md 5, setup-hosts.md DOC-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from hive_nornir.errors import UsageError
from hive_nornir.operations import packages
from hive_nornir.operations.core import Operation
from hive_nornir.tasks.servers.docker.signing_key import pinned_key

if TYPE_CHECKING:
    from hive_nornir.tasks.os_model import Docker
    from hive_nornir.tasks.role import Target

__all__ = ["Source", "engine"]

Source = Literal["auto", "docker-ce", "distribution"]

_DEB = """Types: deb
URIs: {url}
Suites: {codename}
Components: stable
Signed-By: {key}
"""
_RPM = """[docker-ce-stable]
name=Docker CE
baseurl={url}
enabled=1
gpgcheck=1
gpgkey=file://{key}
"""


def engine(host: Target, source: Source, version: str) -> list[Operation]:
    """The engine, its client and what they need, from one source, at one version.

    :param version: as the package manager writes it, stars allowed; "" takes the newest at the time of installing.
    """
    docker, manager = host.os.docker, host.os.manager
    own = source != "distribution" and docker.source == "docker-ce"
    names = docker.packages if own or docker.source == "vendor" else docker.fallback
    if not names:
        raise UsageError(f"{host.facts.name} has no Docker package of its own", "set hive_docker_source to docker-ce")
    before = [packages.absent(manager, docker.removed), *_repository(host, docker)] if own else []
    return [
        *before,
        packages.present(manager, [*docker.seccomp, *_versioned(docker, names, version, manager)], despite_hold=True),
        packages.held(manager, names),
    ]


def _repository(host: Target, docker: Docker) -> list[Operation]:
    """The repository of Docker's makers, trusted by the one key whose fingerprint we know."""
    key = pinned_key(docker.key_file, docker.key_url, docker.key_fingerprint)
    form = _DEB if host.os.manager == "apt" else _RPM
    text = form.format(url=docker.repository_url, codename=host.facts.codename, key=docker.key_file)
    return [key, *packages.repository(host.os.manager, "docker", text=text)]


def _versioned(docker: Docker, names: tuple[str, ...], version: str, manager: str) -> list[str]:
    """The engine and its client at the wanted version; what goes with them has versions of its own."""
    between = "=" if manager == "apt" else "-"
    return [f"{name}{between}{version}" if version and name in docker.engine else name for name in names]
