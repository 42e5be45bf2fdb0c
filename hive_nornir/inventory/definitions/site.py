"""A whole site as its files define it, checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hive_nornir.inventory.definitions.findings import Place
from hive_nornir.inventory.definitions.service import ImageDefinition, ServiceDefinition
from hive_nornir.inventory.definitions.stage import StageDefinition
from hive_nornir.inventory.definitions.stage_rules import PREFIXES
from hive_nornir.inventory.model import Stage

__all__ = ["Definitions", "Network", "Service", "SiteStage", "Volume", "VolumeKind", "host_names", "mother_name"]

VolumeKind = Literal["drbd", "nfs", "volume"]


@dataclass(frozen=True)
class SiteStage:
    """A stage of the hive.

    :param place: where it stands; its `raw` is what is written there.
    """

    name: Stage
    definition: StageDefinition
    place: Place


@dataclass(frozen=True)
class Service:
    """A service.

    :param stages: where it runs, by its own or its file's `available_on`.
    """

    name: str
    definition: ServiceDefinition
    stages: tuple[Stage, ...]
    place: Place

    @property
    def builds_image(self) -> bool:
        """Whether its image is built by the site, as object `image_<name>`."""
        return isinstance(self.definition.image, ImageDefinition)


@dataclass(frozen=True)
class Network:
    """A network, put together from every file that has it.

    :param options: as written, {} for the defaults.
    """

    name: str
    options: dict[str, Any]
    stages: tuple[Stage, ...]
    place: Place


@dataclass(frozen=True)
class Volume:
    """A volume that build-volumes makes, put together from every service that describes it.

    :param value: the variable `hive_volume`, without a device id that was assigned.
    :param device_id: the one that a service gives.
    """

    name: str
    kind: VolumeKind
    value: dict[str, Any]
    stages: tuple[Stage, ...]
    place: Place
    device_id: int | None = None


@dataclass(frozen=True)
class Definitions:
    """Everything that the files of a site say, valid.

    :param root: the site's folder.
    :param hive_place: where the hive's name stands.
    :param services: by name, in the order of files and lines, as are the others.
    """

    root: Path
    hive_name: str
    hive_place: Place
    stages: dict[Stage, SiteStage]
    services: dict[str, Service]
    networks: dict[str, Network]
    volumes: dict[str, Volume]


def host_names(hive_name: str, stage: SiteStage) -> list[str]:
    """The servers of a stage in order, the repository last (spec inventory.md 3)."""
    definition = stage.definition
    return [f"{PREFIXES[stage.name]}{definition.custom_hostname}{index}.{hive_name}" for index in range(definition.host_count)]


def mother_name(hive_name: str, stage: Stage) -> str:
    """The mother of a stage, the machine that the tool runs on."""
    return f"{PREFIXES[stage]}mother.{hive_name}"
