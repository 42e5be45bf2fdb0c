"""A swarm as one of its managers tells it, and what is asked of containers on the nodes (swarm-extension.md 5.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from hive_onhost.engines import API_PORT, Engines
from hive_onhost.failure import ENGINE, NOT_FOUND, Failure
from hive_onhost.probes.answers import log
from hive_onhost.probes.parallel import answers
from hive_onhost.probes.services import Place, Service, services_of

if TYPE_CHECKING:
    from docker.models.containers import Container

__all__ = ["CONTAINER_SECONDS", "SERVER_SECONDS", "NoSwarm", "Swarm", "command_output"]

# A dead server costs no more than this, and containers are asked all at once: together that is well below the agent's time-out (PRB-1).
SERVER_SECONDS = 5.0
CONTAINER_SECONDS = 10.0

T = TypeVar("T")


class NoSwarm(Failure):
    """The servers are members of no swarm, or not yet."""


@dataclass(frozen=True)
class Swarm:
    """What a manager said.

    :param servers: of the nodes: id -> name, of those that were given to us.
    """

    engines: Engines
    services: Mapping[str, Service]
    servers: Mapping[str, str]

    @classmethod
    def of(cls, engines: Engines, servers: Sequence[str]) -> Swarm:
        """Ask all servers at once; the first that answers as a manager counts.

        :raises NoSwarm: all answer, and none is one.
        :raises Failure: none does.
        """
        problems = []
        calls = {server: lambda server=server: _told(engines, server) for server in servers}
        for server, told in answers(calls, SERVER_SECONDS + 1):
            if isinstance(told, Failure):
                log(f"{server} is skipped: {told}")
                problems.append(str(told))
                continue
            services, tasks, nodes = told
            return cls(engines, services_of(services, tasks), _servers(nodes, servers))
        none = all("is not a swarm manager" in problem for problem in problems)
        raise (NoSwarm if none else Failure)(f"no server answers as a manager of the swarm: {'; '.join(problems)}", ENGINE)

    def service(self, name: str) -> Service:
        """The service with exactly this name.

        :raises Failure: there is none.
        """
        if name not in self.services:
            raise Failure(f"service {name} not found", NOT_FOUND)
        return self.services[name]

    def in_containers(self, places: Sequence[Place], ask: Callable[[Container], T]) -> Iterator[tuple[Place, T]]:
        """Ask containers on their own nodes, all at once; those that do not answer are left out and noted in the log.

        :raises Failure: not one of them answers, or there is none.
        """
        calls = {place: lambda place=place: self._ask(place, ask) for place in places}
        found, problem = False, "no task is running"
        for place, answer in answers(calls, CONTAINER_SECONDS):
            if isinstance(answer, Failure):
                log(f"{place} is skipped: {answer}")
                problem = str(answer)
            else:
                found = True
                yield place, answer
        if not found:
            raise Failure(problem, ENGINE)

    def _ask(self, place: Place, ask: Callable[[Container], T]) -> T:
        if place.node not in self.servers:
            raise Failure(f"node {place.node} is none of the servers that were named", ENGINE)
        with self.engines.connect(f"{self.servers[place.node]}:{API_PORT}", SERVER_SECONDS) as node:
            return ask(node.containers.get(place.container))


def command_output(container: Container, words: Sequence[str]) -> str:
    """What a command prints in a container.

    :raises Failure: it fails.
    """
    code, streams = container.exec_run(list(words), demux=True)
    out, error = ((stream or b"").decode(errors="replace") for stream in cast("tuple[bytes | None, bytes | None]", streams))
    if code:
        raise Failure(f"{words[0]} fails with {code} in {container.name}: {(error + out).strip()}", ENGINE)
    return out


def _told(engines: Engines, server: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    with engines.connect(f"{server}:{API_PORT}", SERVER_SECONDS) as client:
        api: Any = client.api  # whose methods have no types
        return api.services(), api.tasks(), api.nodes()


def _servers(nodes: Sequence[Mapping[str, Any]], servers: Sequence[str]) -> dict[str, str]:
    """Node id -> server, by the first label of its name."""
    known = {server.partition(".")[0]: server for server in servers}
    names = {node["ID"]: node["Description"]["Hostname"].partition(".")[0] for node in nodes}
    return {node: known[name] for node, name in names.items() if name in known}
