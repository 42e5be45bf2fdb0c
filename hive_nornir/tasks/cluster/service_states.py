"""How the swarm's services are, as a manager tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hive_nornir.errors import HiveError

if TYPE_CHECKING:
    from docker import DockerClient

__all__ = ["ServiceState", "ServiceStates", "TaskState", "read_services", "service_states"]


@dataclass(frozen=True)
class TaskState:
    """A task of a service: the newest one in its place.

    :param slot: its number among the replicas, from 1; 0 for a global service.
    :param node: the swarm's name of the node that it is on, "" while none has been found for it.
    :param state: as Docker calls it: `running`, `pending`, `preparing`, `failed`, `rejected`, `complete` …
    :param error: why it does not run; of one that is still to start, why the one before it ended. "" when it runs.
    """

    slot: int
    node: str
    state: str
    error: str


@dataclass(frozen=True)
class ServiceState:
    """A service of the swarm.

    :param image: without digest.
    :param mode: `replicated`, `global`, `replicated-job` or `global-job`.
    :param desired: tasks that the swarm wants to run, and `running` those that do.
    :param tasks: by slot and node.
    """

    name: str
    image: str
    mode: str
    desired: int
    running: int
    tasks: tuple[TaskState, ...]


class ServiceStates(list[ServiceState]):
    """The services of a swarm, by name."""

    def _repr_html_(self) -> str:
        from hive_nornir.runs import html

        return html.services(self)


def read_services(manager: DockerClient) -> ServiceStates:
    """Ask a manager of the swarm.

    :raises HiveError: it does not answer.
    """
    import docker
    import requests

    api: Any = manager.api
    try:
        return service_states(api.services(status=True), api.tasks(), api.nodes())
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise HiveError(f"the swarm does not tell its services: {error}") from error


def service_states(
    services: Iterable[Mapping[str, Any]], tasks: Iterable[Mapping[str, Any]], nodes: Iterable[Mapping[str, Any]]
) -> ServiceStates:
    """The states from what Docker's API says of services (with their status), tasks and nodes."""
    hostnames = {node["ID"]: node["Description"]["Hostname"] for node in nodes}
    places: dict[str, dict[tuple[int, str], list[Mapping[str, Any]]]] = {}
    # Times have as many decimals as they need, so only without the Z they compare as text.
    for task in sorted(tasks, key=lambda task: str(task["CreatedAt"]).rstrip("Z"), reverse=True):
        slot = task.get("Slot", 0)
        place = (slot, "" if slot else hostnames.get(task.get("NodeID", ""), ""))
        places.setdefault(task["ServiceID"], {}).setdefault(place, []).append(task)
    states = [_service(service, places.get(service["ID"], {}), hostnames) for service in services]
    return ServiceStates(sorted(states, key=lambda state: state.name))


def _service(
    service: Mapping[str, Any], places: Mapping[tuple[int, str], list[Mapping[str, Any]]], hostnames: Mapping[str, str]
) -> ServiceState:
    spec, status = service["Spec"], service.get("ServiceStatus") or {}
    mode = next(iter(spec["Mode"]))
    return ServiceState(
        name=spec["Name"],
        image=spec["TaskTemplate"]["ContainerSpec"]["Image"].partition("@")[0],
        mode={"Replicated": "replicated", "Global": "global", "ReplicatedJob": "replicated-job", "GlobalJob": "global-job"}.get(mode, mode),
        desired=status.get("DesiredTasks", 0),
        running=status.get("RunningTasks", 0),
        tasks=tuple(_task(place, history, hostnames) for place, history in sorted(places.items()) if not _given_up(history[0])),
    )


def _given_up(task: Mapping[str, Any]) -> bool:
    """Whether nothing is wanted in its place any more: fewer replicas, or a node that is gone."""
    return task["Status"]["State"] in ("shutdown", "remove", "orphaned") or task["DesiredState"] == "remove"


def _task(place: tuple[int, str], history: list[Mapping[str, Any]], hostnames: Mapping[str, str]) -> TaskState:
    """:param history: the tasks of a place, the newest first."""
    newest = history[0]
    state = newest["Status"]["State"]
    told = (task["Status"].get("Err", "") for task in history[:2])
    error = "" if state in ("running", "complete") else next(filter(None, told), "")
    return TaskState(place[0], hostnames.get(newest.get("NodeID", ""), ""), state, error)
