"""Roles in the running container of a service, wherever it runs (spec images-networks-volumes-services.md 7)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import docker

from hive_nornir.connections.container import ContainerTransport
from hive_nornir.errors import ConnectionFailed, HiveError, OperationFailed
from hive_nornir.tasks.container_target import ContainerTarget

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Role
    from hive_nornir.tasks.site_object import SiteObject

__all__ = ["RunningTask", "initialized", "ready", "why_not"]

WAIT_SECONDS = 120.0
_PAUSE_SECONDS = 1.0
_NOTICED_SECONDS = 15.0
_RETRY = "when it runs again, `hive-nornir run initialize-services --limit {name}` goes on"


@dataclass(frozen=True)
class RunningTask:
    """A task of a service that runs.

    :param identity: the task's id; a successor has another one.
    :param container: the container's id.
    :param server: the inventory's name of the node.
    """

    identity: str
    container: str
    server: str


def initialized(thing: SiteObject, *, roles_of: Callable[[str], Sequence[Role]]) -> None:
    """A service's `initialize_roles` are done in one running container of it.

    :param roles_of: the roles of a service.
    :raises HiveError: no task of it runs, or a role failed, or the task was replaced meanwhile.
    """
    task = _located(thing, 0 if thing.check else WAIT_SECONDS)
    thing.progress(f"in the container on {task.server}")
    with thing.own_shell(task.server) as shell:
        inside = ContainerTransport(shell, task.container, f"{thing.name} on {task.server}")
        target = ContainerTarget(thing, inside)
        target.forget_facts()
        for role in roles_of(thing.name):
            thing.progress(f"role {role.name}")
            try:
                thing.outcomes += role.apply(target) or []
            except HiveError as error:
                raise _explained(thing, task, role.name, error) from error


def _located(thing: SiteObject, patience: float) -> RunningTask:
    """A task that runs and is healthy, waited for.

    :param patience: seconds.
    :raises OperationFailed: there is none.
    """
    api: Any = thing.swarm().api
    try:
        service = api.inspect_service(thing.name)
    except docker.errors.NotFound:
        raise OperationFailed(f"service {thing.name} is not deployed", "`hive-nornir run deploy-services` deploys it") from None
    give_up = time.monotonic() + patience
    said = ""
    while True:
        tasks: list[Mapping[str, Any]] = api.tasks(filters={"service": service["ID"]})
        if (task := ready(tasks)) is not None:
            running = RunningTask(task["ID"], task["Status"]["ContainerStatus"]["ContainerID"], _server(thing, api, task))
            if (health := _health(thing, running)) in ("", "healthy"):
                return running
            reason = f"its container on {running.server} is {health}"
        else:
            reason = why_not(tasks)
        if time.monotonic() > give_up:
            hint = "`hive-nornir logs` and Docker's own `service ps` show more" if tasks else "it has no replicas, or no node can run it"
            raise OperationFailed(f"no task of service {thing.name} can be initialised: {reason}", hint)
        if reason != said:
            thing.progress(f"waiting: {reason}")
            said = reason
        thing.run.stop.wait(_PAUSE_SECONDS)
        if thing.run.stop.is_set():
            raise HiveError("the run was interrupted")


def ready(tasks: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The task to work in: one that runs and is wanted to, the first slot of a replicated service, else the first by its id."""
    running = [task for task in tasks if task["DesiredState"] == "running" and task["Status"]["State"] == "running"]
    with_container = [task for task in running if (task["Status"].get("ContainerStatus") or {}).get("ContainerID")]
    return min(with_container, key=lambda task: (task.get("Slot", 0), task["ID"]), default=None)


def why_not(tasks: Sequence[Mapping[str, Any]]) -> str:
    """Why no task is ready, in plain words: how the latest ones are, and what their errors say."""
    latest = sorted(tasks, key=lambda task: str(task.get("UpdatedAt", "")), reverse=True)
    wanted = [task for task in latest if task["DesiredState"] in ("running", "ready")] or latest
    failed = [task for task in latest if task["Status"].get("Err")][:1]
    shown = {task["ID"]: task for task in [*wanted[:2], *failed]}.values()
    if not shown:
        return "it has no task"
    return "; ".join(
        f"a task is {task['Status']['State']}"
        + (f": {said}" if (said := task["Status"].get("Err") or task["Status"].get("Message")) else "")
        for task in shown
    )


def _server(thing: SiteObject, api: Any, task: Mapping[str, Any]) -> str:
    hostname = str(api.inspect_node(task["NodeID"])["Description"]["Hostname"])
    for name in thing.site.hives:
        if hostname in (name, name.split(".", 1)[0]):
            return name
    raise OperationFailed(f"service {thing.name} runs on the node {hostname}, which is no hive of the stage")


def _health(thing: SiteObject, task: RunningTask) -> str:
    """`healthy`, `starting` or `unhealthy`; "" without a health check."""
    try:
        state = thing.docker(task.server).api.inspect_container(task.container)["State"]
    except docker.errors.NotFound:
        return "gone"
    if not state["Running"]:
        return str(state["Status"])
    return str((state.get("Health") or {}).get("Status", "")).replace("none", "")


def _explained(thing: SiteObject, task: RunningTask, doing: str, error: HiveError) -> HiveError:
    """What went wrong: the role, or the container went away under it."""
    stderr = getattr(error, "stderr", "")
    wanted, status = _now(thing, task)
    if isinstance(error, ConnectionFailed):
        give_up = time.monotonic() + _NOTICED_SECONDS
        while wanted == status["State"] == "running" and time.monotonic() < give_up and not thing.run.stop.wait(_PAUSE_SECONDS):
            wanted, status = _now(thing, task)  # the swarm hears of a container's end a little later than we do
    if wanted == status["State"] == "running":
        return OperationFailed(f"role {doing}: {error.message}", error.hint, stderr=stderr)
    why = status.get("Err") or status.get("Message") or ""
    return OperationFailed(
        f"the task of service {thing.name} on {task.server} was replaced while role {doing} worked in it: it is {status['State']}"
        + (f", {why}" if why else ""),
        _RETRY.format(name=thing.name),
        stderr=stderr,
    )


def _now(thing: SiteObject, task: RunningTask) -> tuple[str, Mapping[str, Any]]:
    """How the swarm wants the task, and how it is."""
    api: Any = thing.swarm().api
    try:
        found = api.inspect_task(task.identity)
    except docker.errors.NotFound:
        return "removed", {"State": "gone"}
    return str(found["DesiredState"]), found["Status"]
