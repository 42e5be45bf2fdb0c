"""Volumes and networks put together from all the places that speak of them (spec inventory.md 5.2, 5.6, pitfall 9)."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from hive_nornir.errors import Problem
from hive_nornir.inventory.definitions.findings import Place
from hive_nornir.inventory.definitions.site import Network, Service, Volume
from hive_nornir.inventory.definitions.volumes import VolumeDefinition
from hive_nornir.inventory.model import STAGES, Stage

__all__ = ["DEFAULT_NETWORK", "in_order", "merge_networks", "merge_volumes"]

DEFAULT_NETWORK = "hive_default_network"


def in_order(stages: Iterable[str]) -> tuple[Stage, ...]:
    """Stages without duplicates, in the order private, staging, production."""
    wanted = set(stages)
    return tuple(stage for stage in STAGES if stage in wanted)


def merge_volumes(services: Iterable[Service]) -> tuple[dict[str, Volume], list[Problem]]:
    """Every volume that is to be made. It is in all stages of all its descriptions, which must say the same."""
    volumes: dict[str, Volume] = {}
    problems: list[Problem] = []
    for service in services:
        for index, definition in enumerate(service.definition.volumes):
            if definition.kind is None:
                continue
            volume = _volume(service, index, definition)
            first = volumes.setdefault(volume.name, volume)
            difference = _difference(first, volume)
            if difference:
                problems.append(volume.place.problem(difference, hint=f"the other description: {_where(first.place)}"))
            elif first is not volume:
                volumes[volume.name] = replace(
                    first, stages=in_order(first.stages + volume.stages), device_id=first.device_id or volume.device_id
                )
    return volumes, problems


def _volume(service: Service, index: int, definition: VolumeDefinition) -> Volume:
    place = Place(service.place.source, (*service.place.steps, "volumes", index))
    raw = copy.deepcopy(place.raw)
    value: dict[str, Any] = {"name": definition.source}
    stages = service.stages
    device_id = definition.drbd.device_id if definition.drbd else None
    part = definition.drbd or definition.nfs
    if part is None:
        value |= {"driver": raw["driver"]} | ({"driver_options": raw["driver_opts"]} if "driver_opts" in raw else {})
    else:
        value[definition.kind or ""] = raw[definition.kind]
        stages = in_order(part.available_on) if "available_on" in part.model_fields_set else stages
    return Volume(definition.source, definition.kind or "volume", value, stages, place, device_id)


def _difference(first: Volume, second: Volume) -> str:
    if first.kind != second.kind:
        return f"the volume {second.name!r} is of kind {second.kind} here and {first.kind} elsewhere"
    if first.device_id and second.device_id and first.device_id != second.device_id:
        return f"the volume {second.name!r} has device_id {second.device_id} here and {first.device_id} elsewhere"
    if _essence(first) != _essence(second):
        return f"the volume {second.name!r} is described differently elsewhere"
    return ""


def _essence(volume: Volume) -> dict[str, Any]:
    """What every description of the volume has to agree on."""
    own = volume.value.get(volume.kind)
    if not isinstance(own, dict):
        return volume.value
    return {key: value for key, value in own.items() if key not in ("available_on", "device_id")}


def merge_networks(files: Iterable[tuple[Place, Mapping[str, Any] | None, tuple[Stage, ...]]]) -> tuple[dict[str, Network], list[Problem]]:
    """The networks of all files. The default network is there wherever a file does not name it (hive-builder does so for every file).

    :param files: for every services file its place, its networks as written, and the stages that it is for.
    """
    networks: dict[str, Network] = {}
    problems: list[Problem] = []
    for place, written, stages in files:
        named = dict(written or {})
        for name, options in named.items():
            found = Network(name, copy.deepcopy(options or {}), stages, Place(place.source, ("networks", name)))
            first = networks.get(name)
            if first and first.options and found.options and first.options != found.options:
                problems.append(found.place.problem("is described differently elsewhere", hint=f"the other one: {_where(first.place)}"))
            _add(networks, found)
        if DEFAULT_NETWORK not in named:
            _add(networks, Network(DEFAULT_NETWORK, {}, stages, Place(place.source, ())))
    return networks, problems


def _add(networks: dict[str, Network], network: Network) -> None:
    first = networks.get(network.name)
    if first is None:
        networks[network.name] = network
    else:
        options = first.options or network.options
        networks[network.name] = replace(first, stages=in_order(first.stages + network.stages), options=options)


def _where(place: Place) -> str:
    return f"{place.source.file}:{place.source.line(place.steps)}"
