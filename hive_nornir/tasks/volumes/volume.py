"""A volume of any kind: what carries it first, then the Docker volume on every hive; to remove it, the other way round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_nornir.errors import OperationFailed
from hive_nornir.tasks.volumes.docker_volume import DockerVolume, docker_volume, no_docker_volume, users_of
from hive_nornir.tasks.volumes.drbd.build import replicated_volume
from hive_nornir.tasks.volumes.drbd.definition import mounting, resource_of
from hive_nornir.tasks.volumes.drbd.destroy import refuse_mounted, removed_replicas
from hive_nornir.tasks.volumes.hives import hives_of, on_each, volume_name
from hive_nornir.tasks.volumes.nfs import no_shared_folder, shared_folder, shared_volume

if TYPE_CHECKING:
    from hive_nornir.tasks.site_object import SiteObject

__all__ = ["removed_volume", "volume"]


def volume(thing: SiteObject) -> None:
    """The volume is on all hives of the stage, or those that `--limit-server` leaves."""
    definition = thing.variables["hive_volume"]
    name = volume_name(thing)
    if "drbd" in definition:
        resource = resource_of(thing)
        replicated_volume(thing, resource)
        wanted = mounting(resource)
    elif "nfs" in definition:
        shared_folder(thing)
        wanted = shared_volume(name, thing.site.scope(thing.site.mother))
    else:
        wanted = DockerVolume.of(definition)
    on_each(hives_of(thing), lambda server: docker_volume(thing, server, wanted))


def removed_volume(thing: SiteObject) -> None:
    """The volume is on no hive any more, nor what was in it; refused while a service or container uses it.

    With `--limit-server` what several hives share stays.
    """
    name, servers = volume_name(thing), hives_of(thing)
    users: list[str] = []
    on_each(servers, lambda server: users.extend(users_of(thing, server, name)))
    if users:
        raise OperationFailed(
            f"volume {name} is used by {', '.join(sorted(set(users)))}", "remove them first: `hive-nornir run deploy-services --destroy`"
        )
    resource = resource_of(thing) if "drbd" in thing.variables["hive_volume"] else None
    if resource:
        refuse_mounted(thing, resource)
    on_each(servers, lambda server: no_docker_volume(thing, server, name))
    if resource:
        removed_replicas(thing, resource)
    if "nfs" in thing.variables["hive_volume"] and thing.run.hosts is None:
        no_shared_folder(thing)
