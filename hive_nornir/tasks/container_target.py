"""What a role is given when it works in a container instead of on a server: the same interface, other facts."""

from __future__ import annotations

import functools
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, NoReturn, cast

from hive_nornir.errors import HiveError
from hive_nornir.operations.engine import Engine
from hive_nornir.operations.facts import Facts, facts_operation
from hive_nornir.operations.guard import GuardGate
from hive_nornir.tasks.os import os_data
from hive_nornir.tasks.os_model import OsData, TrustStore
from hive_nornir.tasks.role import RunOptions, Target

if TYPE_CHECKING:
    from hive_nornir.connections.container import ContainerTransport
    from hive_nornir.connections.shell import SshTransport
    from hive_nornir.connections.transport import Transport
    from hive_nornir.tasks.site_object import SiteObject

__all__ = ["ContainerTarget", "container_facts"]

_ALPINE = Path(__file__).parents[1] / "data" / "alpine.yaml"


class ContainerTarget(Target):
    """The container that a role works on. Its variables are those of the image or service.

    :param thing: the image or service.
    :param transport: into the container.
    """

    def __init__(self, thing: SiteObject, transport: ContainerTransport) -> None:
        super().__init__(task=thing.task, site=thing.site, check=thing.check, options=RunOptions(GuardGate(), stop=thing.run.stop))
        self._inside = transport

    @property
    def transport(self) -> SshTransport:
        """The root shell in the container."""
        return cast("SshTransport", self._inside)  # roles that work in containers use no more of it than Transport says

    @property
    def inside(self) -> ContainerTransport:
        """The way into the container."""
        return self._inside

    @property
    def facts(self) -> Facts:
        """What the container is; what belongs to a server alone, such as sshd, is empty."""
        known = self.task.host.data.get("hive_facts")
        if known is None:
            known = self.task.host.data["hive_facts"] = container_facts(self._inside, self.name)
        return cast("Facts", known)

    @property
    def os(self) -> OsData:
        """What differs between distributions; of Alpine, which no server has, only the package manager and the trust store."""
        return _alpine() if self.facts.family == "alpine" else os_data(self.facts)


def container_facts(transport: Transport, name: str) -> Facts:
    """Look at a container, in one round trip.

    :raises HiveError: its distribution is of no family that we know.
    """
    [outcome] = Engine(transport, name, check=True).run([facts_operation()])
    if outcome.observed is None:
        raise HiveError(f"{name} did not tell its facts")
    return Facts.parse(outcome.observed.text, container=True)


class _Alpine:
    family, manager = "alpine", "apk"

    def __init__(self, packages: dict[str, list[str]], ca: dict[str, str]) -> None:
        self.packages = SimpleNamespace(**{name: tuple(names) for name, names in packages.items()})
        self.ca = TrustStore(**ca)

    def __getattr__(self, name: str) -> NoReturn:
        raise HiveError(f"of Alpine nothing is known about {name}", "name packages, paths and services in the role itself")


@functools.cache
def _alpine() -> OsData:
    import yaml

    return cast("OsData", _Alpine(**yaml.safe_load(_ALPINE.read_text("utf-8"))))
