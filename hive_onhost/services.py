"""The tasks of a service: which of them run, and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from hive_onhost.engines import PATIENCE, Engines
from hive_onhost.failure import NOT_FOUND, Failure

if TYPE_CHECKING:
    import docker

    from hive_onhost.options import Options

__all__ = ["Task", "choose", "running_task", "tasks_of"]


@dataclass(frozen=True)
class Task:
    """One task of a service.

    :param name: `web.1`, or `web.p-hive0` for a service with a task on every node.
    :param slot: its number in the service; 0 for a service with a task on every node.
    :param node: host name of the node it is on, "" while it is on none.
    :param state: what it is doing now, `running`; `desired_state` what the swarm wants of it.
    :param container: id of its container, "" without one.
    :param error: why it does not run.
    """

    name: str
    id: str
    slot: int
    node: str
    state: str
    desired_state: str
    container: str
    image: str
    error: str

    @property
    def runs(self) -> bool:
        """Whether a command can be run in it now (UTL-3)."""
        return self.state == "running" and bool(self.container)

    def as_dict(self) -> dict[str, Any]:
        """For JSON (UTL-7)."""
        return asdict(self)


def tasks_of(swarm: docker.DockerClient, service: str) -> list[Task]:
    """All tasks of a service, in the order of their numbers, the ones that run first.

    :param service: its exact name.
    :raises Failure: there is no such service.
    """
    # The engine's filter also finds names that only begin so.
    known = [found for found in swarm.services.list(filters={"name": service}) if found.name == service]
    if not known:
        raise Failure(f"service {service} not found", NOT_FOUND)
    nodes = {node["ID"]: node["Description"]["Hostname"] for node in swarm.api.nodes()}
    found = [_task(service, each, nodes) for each in known[0].tasks()]  # type: ignore[no-untyped-call]
    return sorted(found, key=lambda task: (not task.runs, task.slot, task.node, task.id))


def choose(tasks: Sequence[Task], service: str, number: int = 1, node: str = "") -> Task:
    """The task that is meant: the n-th of those that run.

    :param number: from 1.
    :param node: host name of a node; only tasks there count.
    :raises Failure: there is none.
    """
    running = [task for task in tasks if task.runs and (not node or task.node.split(".")[0] == node.split(".")[0])]
    where = f" on {node}" if node else ""
    if not running:
        raise Failure(f"service {service} is not running{where}", NOT_FOUND)
    if number > len(running):
        raise Failure(f"service {service} has no task number {number}{where}: {len(running)} running", NOT_FOUND)
    return running[number - 1]


@contextmanager
def running_task(
    engines: Engines, service: str, options: Options, patience: float = PATIENCE
) -> Iterator[tuple[Task, docker.DockerClient]]:
    """The task that the options select, and a client of its node's engine, which was seen to have it.

    :param patience: seconds for an answer of that engine.
    :raises Failure: there is none, or an engine does not answer.
    """
    import docker

    with engines.connect(engines.swarm) as swarm:
        task = choose(tasks_of(swarm, service), service, options.number, options.node)
    with engines.connect(engines.address(task.node), patience) as node:
        try:
            node.api.inspect_container(task.container)
        except docker.errors.NotFound as error:
            raise Failure(f"the container of {task.name} on {task.node} is gone", NOT_FOUND) from error
        yield task, node


def _task(service: str, task: Mapping[str, Any], nodes: Mapping[str, str]) -> Task:
    status = task.get("Status", {})
    node = nodes.get(task.get("NodeID", ""), "")
    slot = int(task.get("Slot", 0))
    return Task(
        name=f"{service}.{slot or node}",
        id=task["ID"],
        slot=slot,
        node=node,
        state=status.get("State", ""),
        desired_state=task.get("DesiredState", ""),
        container=status.get("ContainerStatus", {}).get("ContainerID", ""),
        image=task.get("Spec", {}).get("ContainerSpec", {}).get("Image", ""),
        error=status.get("Err", ""),
    )
