"""`hive-drbd-status`: replicated disks (swarm-extension.md 5.2)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_onhost.failure import NOT_FOUND, Failure
from hive_onhost.options import UsageProblem
from hive_onhost.probes.answers import discovered, probe
from hive_onhost.probes.superuser import DRBD_RESOURCES, DRBD_STATUS, as_root

if TYPE_CHECKING:
    from hive_onhost.probes.answers import Answer

__all__ = ["connections", "local_disk", "main", "peer_disks"]


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    return probe(_drbd, arguments, "usage: hive-drbd-status [disk|peers|connections RESOURCE]")


def _drbd(arguments: Sequence[str]) -> Answer:
    asked = {"disk": local_disk, "peers": peer_disks, "connections": connections}
    if not arguments and not Path(DRBD_RESOURCES.split()[0]).exists():
        return []  # a hive without replicated disks
    if not arguments:
        return discovered({"RESOURCE_NAME": name} for name in as_root(DRBD_RESOURCES).split())
    if len(arguments) != 2 or arguments[0] not in asked:
        raise UsageProblem("disk, peers or connections is wanted, and a resource")
    what, name = arguments
    resources: list[dict[str, Any]] = json.loads(as_root(DRBD_STATUS) or "[]")
    for resource in resources:
        if resource["name"] == name:
            return asked[what](resource)
    raise Failure(f"the resource {name} is not up", NOT_FOUND)


def local_disk(resource: Mapping[str, Any]) -> str:
    """The state of this host's disk; `Diskless client` where it is meant to have none. Of several volumes each state once."""
    clients = ("Diskless client" if device.get("client") is True else device["disk-state"] for device in resource["devices"])
    return ", ".join(dict.fromkeys(clients))


def peer_disks(resource: Mapping[str, Any]) -> str:
    """`p-hive1 UpToDate, p-hive2 Diskless client`."""
    found = []
    for peer in resource["connections"]:
        for device in peer["peer_devices"]:
            client = device.get("peer-client") is True
            found.append(f"{peer['name']} {'Diskless client' if client else device['peer-disk-state']}")
    return ", ".join(dict.fromkeys(found))


def connections(resource: Mapping[str, Any]) -> str:
    """`p-hive1 Connected, p-hive2 StandAlone`; the latter is what a split brain leaves."""
    return ", ".join(f"{peer['name']} {peer['connection-state']}" for peer in resource["connections"])
