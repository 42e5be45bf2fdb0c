"""What the tasks of the later phases work on: a service, an image, a volume or a network of the site, and the servers that it is on."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from hive_nornir.errors import HiveError
from hive_nornir.operations.api import ApiStep, run_steps
from hive_nornir.operations.core import Operation, Outcome
from hive_nornir.operations.engine import Engine
from hive_nornir.tasks.role import gather_facts, sub_result

if TYPE_CHECKING:
    from docker import DockerClient
    from nornir.core import Nornir
    from nornir.core.inventory import Host
    from nornir.core.task import Result, Task

    from hive_nornir.connections.shell import SshTransport
    from hive_nornir.connections.transport import Transport
    from hive_nornir.inventory.site_inventory import SiteInventory
    from hive_nornir.operations.facts import Facts

__all__ = ["ObjectStep", "ObjectsRun", "SiteObject", "object_task"]


@dataclass
class ObjectsRun:
    """What all objects of a run share; in Nornir it is `inventory.defaults.data["hive_objects"]`.

    :param servers: the stage's servers.
    :param check: nothing may be changed.
    :param progress: called with (object, plain words) as work goes on.
    :param hosts: the servers that the run may work on, by `--limit-server`; None is all.
    :ivar stop: set when the run was interrupted: whoever waits gives up.
    """

    site: SiteInventory
    servers: Nornir
    check: bool
    progress: Callable[[str, str], None]
    hosts: tuple[str, ...] | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    _opening: threading.Lock = field(default_factory=threading.Lock)
    _choosing: threading.Lock = field(default_factory=threading.Lock)
    _manager: str = ""

    def manager(self, without: str = "") -> str:
        """A hive that manages the swarm and answers: the stage's first one, or the next one while it is away.

        :param without: a hive that is not to be asked.
        :raises HiveError: none does; with the reason of each.
        """
        with self._choosing:
            if not self._manager:
                self._manager = self._find_manager(without)
            return self._manager

    def _find_manager(self, without: str) -> str:
        import docker
        import requests

        [first] = self.site.groups["first_hive"]
        reasons = []
        for name in sorted(set(self.site.hives) - {without}, key=lambda hive: (hive != first, hive)):
            try:
                if self.connection(name, "docker").info()["Swarm"].get("ControlAvailable"):
                    return name
                reasons.append(f"{name}: it is no manager of a swarm")
            except (HiveError, docker.errors.DockerException, requests.RequestException) as error:
                reasons.append(f"{name}: {error}")
        raise HiveError(f"no hive manages the swarm; {'; '.join(reasons)}", "`hive-nornir run setup-hosts` builds the swarm")

    def connection(self, server: str, kind: str) -> Any:
        """A connection to a server, shared by all objects of the run."""
        with self._opening:  # Nornir itself does not expect two threads that want the same
            if self.stop.is_set():
                raise HiveError("the run was interrupted")
            return self.servers.inventory.hosts[server].get_connection(kind, self.servers.config)


@dataclass
class SiteObject:
    """A service, image, volume or network, as its task sees it.

    :ivar outcomes: of every step so far.
    """

    task: Task
    run: ObjectsRun
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name in the inventory: `web`, `image_web`, `volume_web_data`."""
        return str(self.task.host.name)

    @property
    def site(self) -> SiteInventory:
        """The stage's inventory."""
        return self.run.site

    @property
    def check(self) -> bool:
        """Whether nothing may be changed."""
        return self.run.check

    @cached_property
    def variables(self) -> Mapping[str, Any]:
        """Its variables, `hive_…`, rendered when read."""
        return self.site.scope(self.name)

    def docker(self, server: str) -> DockerClient:
        """The API of a server's Docker engine; for several threads at once."""
        return cast("DockerClient", self.run.connection(server, "docker"))

    def swarm(self) -> DockerClient:
        """The API of the swarm: of a manager that answers.

        :raises HiveError: there is none.
        """
        return self.docker(self.run.manager())

    def shell(self, server: str) -> SshTransport:
        """The root shell on a server that all objects share: one script at a time."""
        return cast("SshTransport", self.run.connection(server, "hive"))

    @contextlib.contextmanager
    def own_shell(self, server: str) -> Iterator[SshTransport]:
        """A root shell of one's own, for what takes long."""
        from hive_nornir.connections.shell import SshTransport

        shared = self.shell(server)
        with contextlib.closing(SshTransport(dataclasses.replace(shared.target, forward=None))) as shell:
            yield shell

    def facts(self, server: str) -> Facts:
        """What a server is; gathered once a run."""
        data = self.run.servers.inventory.hosts[server].data
        if data.get("hive_facts") is None:
            data["hive_facts"] = gather_facts(self.shell(server), server)
        return cast("Facts", data["hive_facts"])

    def progress(self, text: str) -> None:
        """Tell the operator what is going on.

        :param text: plain words: `pulling nginx:stable on p-hive0`.
        :raises HiveError: the run was interrupted.
        """
        if self.run.stop.is_set():
            raise HiveError("the run was interrupted")
        self.run.progress(self.name, text)

    def through_api(self, *steps: ApiStep) -> dict[str, Outcome]:
        """Run steps through Docker's API and show each as a sub-result.

        :returns: their outcomes by name.
        :raises Exception: the error of the first that failed; the steps behind it were not run.
        """
        import docker
        import requests

        return self._record(run_steps(steps, check=self.check, errors=(docker.errors.DockerException, requests.RequestException)))

    def through_shell(self, server: str, operations: Iterable[Operation], transport: Transport | None = None) -> dict[str, Outcome]:
        """Run operations on a server and show each as a sub-result.

        :param transport: another way than the shared root shell, such as into a container.
        :returns: their outcomes by name.
        :raises Exception: the error of the first that failed.
        """
        return self._record(Engine(transport or self.shell(server), server, check=self.check).run(list(operations)))

    def _record(self, outcomes: list[Outcome]) -> dict[str, Outcome]:
        for outcome in outcomes:
            self.outcomes.append(outcome)
            self.task.results.append(sub_result(self.task, outcome))
        for outcome in outcomes:
            if outcome.status == "failed":
                raise outcome.error or HiveError(outcome.summary)
        return {outcome.operation.name: outcome for outcome in outcomes}


ObjectStep = Callable[[SiteObject], "str | None"]
"""What is done to an object. Returns why it does not apply, or None."""


def object_task(task: Task, step: ObjectStep) -> Result:
    """The Nornir task around a step."""
    from nornir.core.task import Result

    run: ObjectsRun = task.nornir.inventory.defaults.data["hive_objects"]
    if run.stop.is_set():
        raise HiveError("the run was interrupted before this began")
    thing = SiteObject(task, run)
    skipped = step(thing)
    if skipped:
        return Result(host=task.host, result=f"does not apply: {skipped}", hive_status="skipped")
    changed = sum(outcome.status in ("changed", "would-change", "unknown") for outcome in thing.outcomes)
    return Result(host=task.host, changed=bool(changed), result=f"{changed} changed of {len(thing.outcomes)}")


def close_all(servers: Iterable[Host]) -> None:
    """Close the connections under whoever waits in them; each in a thread, since closing may hang too."""
    for server in servers:
        connections = list(server.connections.values())
        server.connections.clear()  # whoever needs the server next opens new ones
        for connection in connections:
            threading.Thread(target=connection.close, daemon=True).start()
