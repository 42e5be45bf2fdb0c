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

    plugin: Literal["hive_inventory"] = Field(description="makes this file the hive definition")
    name: Annotated[str, matching(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", "a name such as pdns.example.com")] = Field(
        description="suffix of every host name"
    )
    stages: Annotated[dict[StageName, StageT], Field(min_length=1)] = Field(description="the stages by name, one at least")


class Ipam(Definition):
    """The addresses of a network."""

    driver: Text | None = Field(None, description="driver that gives addresses, default Docker's own")
    config: Annotated[Any, TemplateOr(list[dict[str, Any]])] = Field(
        None, description="ranges, each with subnet and, where wanted, gateway, ip_range and aux_addresses"
    )
    options: ScalarMap | None = Field(None, description="the driver's options")


class NetworkDefinition(Definition):
    """An overlay network; null stands for one with the defaults."""

    driver: Text | None = Field(None, description="always overlay, whatever stands here")
    driver_opts: ScalarMap | None = Field(None, description="options of the overlay driver")
    ipam: Annotated[Any, TemplateOr(Ipam)] | None = Field(None, description="its addresses; without it Docker chooses them")


class ServicesFile(Definition, Generic[ServiceT, NetworkT]):
    """A service definition file."""

    plugin: Literal["hive_services"] = Field(description="makes this file one of services")
    services: dict[Any, ServiceT] = Field(description="the services by name: letters, digits and hyphens, none that begins with hive-")
    networks: dict[Any, NetworkT] | None = Field(
        None, description="overlay networks by name, beside hive_default_network, which is there without being defined"
    )
    available_on: list[StageName] | None = Field(None, description="default all stages; of services and networks in this file")
