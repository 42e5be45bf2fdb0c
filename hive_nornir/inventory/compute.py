"""From definitions to objects, groups and variables, as hive-builder computes them (spec inventory.md 3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hive_nornir.errors import UsageError
from hive_nornir.inventory.definitions import Definitions, SiteStage, host_names, mother_name
from hive_nornir.inventory.groups import CHILDREN, GROUPS
from hive_nornir.inventory.model import STAGES, ComputedInventory, InventoryObject, Kind, Stage
from hive_nornir.inventory.server_variables import host_group_variables, mother_variables, server_variables, stage_group_variables
from hive_nornir.inventory.service_variables import image_variables, network_variables, published_ports, service_variables, volume_variables

__all__ = ["compute"]

_VOLUME_GROUPS = {"drbd": "drbd_volumes", "nfs": "nfs_volumes", "volume": "volumes"}
_Numbers = Mapping[Stage, Mapping[str, int]]


def compute(definitions: Definitions, first_hive: Mapping[Stage, int], device_ids: _Numbers, port_map: _Numbers) -> ComputedInventory:
    """Everything that the definitions amount to, for all stages.

    :param first_hive: stage -> number of the first hive; 0 where it lacks one.
    :param device_ids: stage -> DRBD volume -> device id, from `allocate_device_ids`. A volume without one has no `device_id`.
    :param port_map: stage -> `port_key` -> published port, from `allocate_ports`. A port without one has no `published_port`.
    :raises UsageError: when a stage has no hive of the number given in `first_hive`.
    """
    site = _Objects()
    for stage in definitions.stages.values():
        _add_servers(site, definitions, stage, first_hive.get(stage.name, 0), port_map.get(stage.name, {}))
    for service in definitions.services.values():
        common, by_stage = service_variables(service, port_map)
        site.add(service.name, "service", ("services",), service.stages, common, by_stage)
        if service.builds_image:
            site.add(f"image_{service.name}", "image", ("images",), service.stages, image_variables(service))
    for volume in definitions.volumes.values():
        common, by_stage = volume_variables(volume, device_ids)
        site.add(f"volume_{volume.name}", "volume", (_VOLUME_GROUPS[volume.kind],), volume.stages, common, by_stage)
    for network in definitions.networks.values():
        site.add(network.name, "network", ("networks",), network.stages, network_variables(network))
    group_variables = {"all": {"hive_name": definitions.hive_name}, **host_group_variables()}
    for stage in definitions.stages.values():
        group_variables[stage.name] = stage_group_variables(definitions.hive_name, stage)
    children = {group: list(below) for group, below in CHILDREN.items()}
    return ComputedInventory(definitions.hive_name, site.objects, site.groups, children, group_variables)


def _add_servers(site: _Objects, definitions: Definitions, stage: SiteStage, first_hive: int, ports: Mapping[str, int]) -> None:
    names = host_names(definitions.hive_name, stage)
    hives = names[:-1] if stage.definition.separate_repository else names
    if not 0 <= first_hive < len(hives):
        raise UsageError(
            f"first_hive is {first_hive}, but stage {stage.name} has the hives 0 to {len(hives) - 1}",
            "set first_hive to one of these numbers, or unset it",
        )
    published = published_ports(definitions, stage.name, ports)
    mother = mother_variables(definitions.hive_name, stage) | published
    site.add(mother_name(definitions.hive_name, stage.name), "mother", ("mother",), (stage.name,), mother)
    for index, (name, variables) in enumerate(zip(names, server_variables(definitions.hive_name, stage), strict=True)):
        groups = ("hives",) * (name in hives) + ("repository",) * (name == names[-1]) + ("first_hive",) * (index == first_hive)
        site.add(name, "server", groups, (stage.name,), variables | published)


class _Objects:
    """Collects objects and the direct members of groups, in the order in which they come."""

    def __init__(self) -> None:
        self.objects: dict[str, InventoryObject] = {}
        self.groups: dict[str, list[str]] = {group: [] for group in GROUPS}

    def add(
        self,
        name: str,
        kind: Kind,
        groups: Iterable[str],
        stages: tuple[Stage, ...],
        variables: dict[str, Any],
        stage_variables: dict[Stage, dict[str, Any]] | None = None,
    ) -> None:
        direct = (*groups, *(stage for stage in STAGES if stage in stages))
        for group in direct:
            self.groups[group].append(name)
        self.objects[name] = InventoryObject(name, kind, _with_parents(direct), stages, variables, stage_variables or {})


def _with_parents(groups: tuple[str, ...]) -> tuple[str, ...]:
    found = list(groups)
    for parent, children in CHILDREN.items():
        if any(child in found for child in children):
            found.append(parent)
    return tuple(found)
