"""The two kinds of definition files, and networks (spec inventory.md 2, 5 and 5.6)."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field

from hive_nornir.inventory.definitions.types import Definition, ScalarMap, StageName, TemplateOr, Text, matching

__all__ = ["HIVE_PLUGIN", "SERVICES_PLUGIN", "HiveFile", "Ipam", "NetworkDefinition", "ServicesFile"]

HIVE_PLUGIN = "hive_inventory"
SERVICES_PLUGIN = "hive_services"
StageT = TypeVar("StageT")
ServiceT = TypeVar("ServiceT")
NetworkT = TypeVar("NetworkT")


class HiveFile(Definition, Generic[StageT]):
    """The hive definition: the servers of every stage.

    The type of a stage is open, so that the stages are checked one by one and an error in one does not hide those of another.
    """

    plugin: Literal["hive_inventory"]
    name: Annotated[str, matching(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", "a name such as pdns.example.com")] = Field(
        description="suffix of every host name"
    )
    stages: Annotated[dict[StageName, StageT], Field(min_length=1)]


class Ipam(Definition):
    """The addresses of a network."""

    driver: Text | None = None
    config: Annotated[Any, TemplateOr(list[dict[str, Any]])] = None
    options: ScalarMap | None = None


class NetworkDefinition(Definition):
    """An overlay network; null stands for one with the defaults."""

    driver: Text | None = Field(None, description="always overlay, whatever stands here")
    driver_opts: ScalarMap | None = None
    ipam: Annotated[Any, TemplateOr(Ipam)] | None = None


class ServicesFile(Definition, Generic[ServiceT, NetworkT]):
    """A service definition file."""

    plugin: Literal["hive_services"]
    services: dict[Any, ServiceT]
    networks: dict[Any, NetworkT] | None = None
    available_on: list[StageName] | None = Field(None, description="default all stages; of services and networks in this file")
