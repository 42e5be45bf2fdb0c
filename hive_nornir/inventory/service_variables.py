"""The variables of services, images, volumes and networks (spec inventory.md 5)."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from hive_nornir.inventory.allocations import port_key
from hive_nornir.inventory.definitions import Definitions, Network, Service, Volume
from hive_nornir.inventory.definitions.files import NetworkDefinition
from hive_nornir.inventory.definitions.service import ImageDefinition, ServiceDefinition
from hive_nornir.inventory.model import Stage

__all__ = ["OBJECT_VARIABLES", "image_variables", "network_variables", "published_ports", "service_variables", "volume_variables"]

_Numbers = Mapping[Stage, Mapping[str, int]]
_NOT_COPIED = ("available_on", "image", "ports", "volumes")
_MOUNT = ("source", "target", "type", "readonly")
_STANDALONE_MOUNTS = ("/run", "/tmp", "/sys/fs/cgroup")  # noqa: S108 - mount points inside the container
_STANDALONE_CAPABILITIES = ("NET_ADMIN", "SYS_ADMIN", "SYSLOG", "SYS_PTRACE", "AUDIT_CONTROL")
_STANDALONE_COMMAND = ["sh", "-c", "mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec /sbin/init"]
_FIRST_CLOSED_PORT = 10000

OBJECT_VARIABLES = frozenset(
    f"hive_{field.alias or name}"
    for model in (ServiceDefinition, ImageDefinition, NetworkDefinition)
    for name, field in model.model_fields.items()
    if name != "available_on"
) | {"hive_image_name", "hive_volume"}
"""What the attributes of services, images and networks become; a site may set them in its variables files as well."""


def service_variables(service: Service, port_map: _Numbers) -> tuple[dict[str, Any], dict[Stage, dict[str, Any]]]:
    """The variables of a service: `hive_<attribute>` as written, with what `standalone` adds (spec inventory.md 5.5).

    :param port_map: stage -> `port_key` -> published port.
    :returns: those that all stages share, and those of each stage (`hive_ports` with the ports that were assigned).
    """
    raw = service.place.raw
    found = {f"hive_{key}": copy.deepcopy(value) for key, value in raw.items() if key not in _NOT_COPIED}
    standalone = service.definition.standalone
    if standalone:
        found |= _standalone(raw)
    if standalone or "volumes" in raw:
        mounts = [{"source": "", "target": target, "type": "tmpfs"} for target in _STANDALONE_MOUNTS] if standalone else []
        found["hive_volumes"] = mounts + [
            {key: copy.deepcopy(volume[key]) for key in _MOUNT if key in volume} for volume in raw.get("volumes", [])
        ]
    if service.builds_image:
        found["hive_image_name"] = f"image_{service.name}"
    else:
        found["hive_image"] = raw["image"]
    if "ports" in raw:
        found["hive_ports"] = _ports(service, {})
    assigned = any(port.published_port is None for port in service.definition.ports)
    stages = service.stages if assigned else ()
    return found, {stage: {"hive_ports": _ports(service, port_map.get(stage, {}))} for stage in stages}


def _standalone(raw: Mapping[str, Any]) -> dict[str, Any]:
    capabilities = list(raw.get("cap_add") or [])
    capabilities += [name for name in _STANDALONE_CAPABILITIES if name not in capabilities]
    command = {} if raw.get("command", "") != "" else {"hive_command": list(_STANDALONE_COMMAND)}
    return {"hive_cap_add": capabilities, **command}


def _ports(service: Service, numbers: Mapping[str, int]) -> list[dict[str, Any]]:
    entries = []
    for port in service.definition.ports:
        entry = port.variables()
        number = numbers.get(port_key(service.name, port.target_port, port.protocol))
        if port.published_port is None and number is not None:
            entry["published_port"] = number
        entries.append(entry)
    return entries


def image_variables(service: Service) -> dict[str, Any]:
    """The variables of the image that a service has built: `hive_from`, `hive_roles` and so on."""
    found = {"hive_standalone": True, "hive_privileged": True} if service.definition.standalone else {}
    return found | {f"hive_{key}": copy.deepcopy(value) for key, value in service.place.raw["image"].items()}


def volume_variables(volume: Volume, device_ids: _Numbers) -> tuple[dict[str, Any], dict[Stage, dict[str, Any]]]:
    """`hive_volume` of a volume: its `name`, and `drbd`, `nfs`, or `driver` and `driver_options`.

    :param device_ids: stage -> volume -> device id.
    :returns: the variables that all stages share, and those of each stage (a DRBD volume with its device id).
    """
    numbers = {stage: device_ids.get(stage, {}).get(volume.name) for stage in volume.stages}
    if volume.kind != "drbd" or volume.device_id is not None:
        return _with_device_id(volume, volume.device_id), {}
    return _with_device_id(volume, None), {
        stage: _with_device_id(volume, number) for stage, number in numbers.items() if number is not None
    }


def _with_device_id(volume: Volume, number: int | None) -> dict[str, Any]:
    value = copy.deepcopy(volume.value)
    if number is not None:
        value["drbd"]["device_id"] = number
    return {"hive_volume": value}


def network_variables(network: Network) -> dict[str, Any]:
    """`hive_driver`, `hive_ipam` and `hive_driver_opts` of a network, those that are given."""
    return {f"hive_{key}": copy.deepcopy(value) for key, value in network.options.items()}


def published_ports(definitions: Definitions, stage: Stage, numbers: Mapping[str, int]) -> dict[str, list[str]]:
    """`hive_published_ports_tcp` and `_udp` of a stage: the ports below 10000 that firewalls let in.

    :param numbers: `port_key` -> published port in this stage.
    """
    entries = [entry for service in definitions.services.values() if stage in service.stages for entry in _ports(service, numbers)]
    return {
        f"hive_published_ports_{protocol}": [
            str(number)
            for number in sorted(
                {entry["published_port"] for entry in entries if entry["protocol"] == protocol and "published_port" in entry}
            )
            if number < _FIRST_CLOSED_PORT
        ]
        for protocol in ("tcp", "udp")
    }
