"""A replicated volume as the site defines it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hive_nornir.errors import UsageError
from hive_nornir.tasks.servers.drbd import DrbdVariables, MirroredDisk
from hive_nornir.tasks.volumes.docker_volume import DockerVolume
from hive_nornir.tasks.volumes.drbd.model import Resource, bytes_of
from hive_nornir.tasks.volumes.hives import short, volume_name

if TYPE_CHECKING:
    from hive_nornir.tasks.site_object import SiteObject

__all__ = ["mounting", "resource_of"]


def resource_of(thing: SiteObject) -> Resource:
    """The volume, with all hives of the stage.

    Its volume group and thin pool go by the variables of the first hive that keeps a copy.

    :raises UsageError: the definition does not fit the stage.
    """
    name, definition = volume_name(thing), thing.variables["hive_volume"]["drbd"]
    scopes = {server: thing.site.scope(server) for server in thing.site.hives}
    diskless = [str(each) for each in definition.get("diskless") or []]
    if unknown := [each for each in diskless if each not in scopes and each not in map(short, scopes)]:
        raise UsageError(f"volume {name}: diskless names {unknown[0]}, which is no hive of the stage", f"hives: {', '.join(scopes)}")
    diskful = [
        server for server, scope in scopes.items() if server not in diskless and short(server) not in diskless and not _without_disk(scope)
    ]
    try:
        size = bytes_of(str(definition["size"]))
    except ValueError as error:
        raise UsageError(f"volume {name}: {error}") from None
    group = str(definition.get("vgname") or "drbdvg")
    return Resource(
        name,
        size,
        str(definition["fstype"]),
        int(definition["device_id"]),
        {short(server): str(scope["hive_private_ip"]) for server, scope in scopes.items()},
        tuple(map(short, diskful)),
        group,
        _pool(scopes[diskful[0]], name, group) if diskful else "",
        may_begin=not thing.variables.get("hive_no_format", False),
    )


def mounting(wanted: Resource) -> DockerVolume:
    """The Docker volume that mounts it; DRBD makes the host primary where it is mounted."""
    return DockerVolume(wanted.name, options={"type": wanted.fstype, "device": wanted.device})


def _without_disk(scope: Mapping[str, Any]) -> bool:
    return bool(scope.get("hive_no_mirrored_device") or scope.get("hive_no_mirrored_devices"))


def _pool(scope: Mapping[str, Any], name: str, group: str) -> str:
    given = scope.get("hive_mirrored_disk_devices")
    default: tuple[MirroredDisk, ...] = DrbdVariables.model_fields["hive_mirrored_disk_devices"].default
    disks = default if given is None else [MirroredDisk(**each) for each in given]
    found = next((disk for disk in disks if disk.vgname == group), None)
    if found is None:
        raise UsageError(f"volume {name}: no entry of hive_mirrored_disk_devices has the vgname {group}")
    return found.poolname
