"""What a manager tells of services and their tasks, taken apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

__all__ = ["Place", "Service", "services_of"]


@dataclass(frozen=True)
class Place:
    """Where a container of a service runs.

    :param node: id of the node.
    :param since: when its task came into its present state, in seconds since 1970.
    """

    node: str
    container: str
    since: float

    def __str__(self) -> str:
        return f"container {self.container[:12]}"


@dataclass(frozen=True)
class Service:
    """A service, and which of its tasks run.

    :param labels: of the service.
    :param volumes: source and target of each mount of the type volume.
    :param desired: how many tasks the swarm wants to run.
    """

    name: str
    labels: Mapping[str, str]
    volumes: tuple[tuple[str, str], ...]
    desired: int
    running: tuple[Place, ...]

    @property
    def standalone(self) -> bool:
        """Whether its containers run a systemd of their own."""
        return self.labels.get("HIVE_STANDALONE") == "True"


def services_of(services: Sequence[Mapping[str, Any]], tasks: Sequence[Mapping[str, Any]]) -> dict[str, Service]:
    """Name -> service, from what the engine's lists hold."""
    found = {}
    for each in services:
        spec = each["Spec"]
        own = [task for task in tasks if task["ServiceID"] == each["ID"]]
        mounts = spec["TaskTemplate"].get("ContainerSpec", {}).get("Mounts") or ()
        found[spec["Name"]] = Service(
            name=spec["Name"],
            labels=spec.get("Labels") or {},
            volumes=tuple((mount.get("Source", ""), mount["Target"]) for mount in mounts if mount.get("Type") == "volume"),
            desired=_desired(spec["Mode"], own),
            running=tuple(_place(task) for task in own if task["Status"]["State"] == task["DesiredState"] == "running"),
        )
    return found


def _desired(mode: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> int:
    """As docker itself counts: the replicas that were asked for, or the tasks that are to run, one on every node that may have one."""
    if "Replicated" in mode:
        return int(mode["Replicated"].get("Replicas", 1))
    return sum(task["DesiredState"] in ("running", "ready", "accepted") for task in tasks)


def _place(task: Mapping[str, Any]) -> Place:
    status = task["Status"]
    # Nanoseconds are more than Python reads.
    since = datetime.strptime(status["Timestamp"][:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return Place(task.get("NodeID", ""), status.get("ContainerStatus", {}).get("ContainerID", ""), since.timestamp())
