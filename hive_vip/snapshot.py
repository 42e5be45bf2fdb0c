"""What the engine tells at a moment, in our words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_interface
from typing import Any

from hive_vip.labels import IPAddress

__all__ = ["Service", "Swarm", "Task", "gateways", "node_labels"]


@dataclass(frozen=True)
class Service:
    """A service of the swarm.

    :param created: as the API says it, RFC 3339.
    """

    id: str
    name: str
    created: str
    labels: Mapping[str, str]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Service:
        """From what `GET /services` lists."""
        return cls(data["ID"], data["Spec"]["Name"], data["CreatedAt"], data["Spec"].get("Labels") or {})


@dataclass(frozen=True)
class Task:
    """A task that is meant to run.

    :param slot: 0 for the tasks of a global service.
    :param state: its present one.
    :param container: id, "" as long as it has none.
    """

    id: str
    service_id: str
    node_id: str
    slot: int
    state: str
    created: str
    container: str = ""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Task:
        """From what `GET /tasks` lists."""
        container = (data["Status"].get("ContainerStatus") or {}).get("ContainerID") or ""
        ids = (data["ID"], data.get("ServiceID") or "", data.get("NodeID") or "")
        return cls(*ids, data.get("Slot") or 0, data["Status"].get("State") or "", data["CreatedAt"], container)


@dataclass(frozen=True)
class Swarm:
    """What the engine tells.

    :param role: of this node: manager, worker; inactive where there is no swarm.
    :param tasks: of all nodes, those whose desired state is running.
    :param gateways: a container's id to its addresses on docker_gwbridge, on this node.
    :param node_labels: of this node.
    """

    role: str
    node_id: str = ""
    services: Sequence[Service] = ()
    tasks: Sequence[Task] = ()
    gateways: Mapping[str, Sequence[IPAddress]] = field(default_factory=dict)
    node_labels: Mapping[str, str] = field(default_factory=dict)


def gateways(network: Mapping[str, Any]) -> dict[str, tuple[IPAddress, ...]]:
    """A container's id to its addresses, from what `GET /networks/docker_gwbridge` tells."""
    return {container: tuple(_addresses(each)) for container, each in (network["Containers"] or {}).items()}


def node_labels(node: Mapping[str, Any]) -> Mapping[str, str]:
    """The labels in what `GET /nodes/ID` tells."""
    return node["Spec"].get("Labels") or {}


def _addresses(endpoint: Mapping[str, Any]) -> Iterator[IPAddress]:
    return (ip_interface(endpoint[key]).ip for key in ("IPv4Address", "IPv6Address") if endpoint.get(key))
