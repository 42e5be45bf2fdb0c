"""What must hold across the files of a site (spec inventory.md 2, 5 and 8)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from hive_nornir.errors import Problem, nearest
from hive_nornir.inventory.definitions.findings import Place
from hive_nornir.inventory.definitions.port_rules import published_twice
from hive_nornir.inventory.definitions.service import NetworkAttachment
from hive_nornir.inventory.definitions.site import Definitions, host_names, mother_name
from hive_nornir.inventory.definitions.types import is_template
from hive_nornir.inventory.groups import GROUPS

__all__ = ["check_site"]


def check_site(site: Definitions, complete: bool) -> list[Problem]:
    """Every problem between services, networks, volumes and stages.

    :param complete: whether all hosts and networks are known; if not, a name that is unknown is no problem.
    """
    return [
        *_names_are_unique(site),
        *(_networks_exist(site) if complete else ()),
        *_device_ids_differ(site),
        *(_diskless_hosts_exist(site) if complete else ()),
        *_azure_file_service(site),
        *published_twice(site.services.values()),
    ]


def _names_are_unique(site: Definitions) -> Iterator[Problem]:
    taken = dict.fromkeys((*GROUPS, "all", "ungrouped"), "a group")
    for stage in site.stages.values():
        taken |= dict.fromkeys(host_names(site.hive_name, stage), "a server") | {mother_name(site.hive_name, stage.name): "a mother"}
    built = [(f"image_{s.name}", f"the image of service {s.name}", s.place) for s in site.services.values() if s.builds_image]
    for name, what, place in [
        *((service.name, "a service", service.place) for service in site.services.values()),
        *built,
        *((f"volume_{volume.name}", f"the volume {volume.name}", volume.place) for volume in site.volumes.values()),
        *((network.name, "a network", network.place) for network in site.networks.values()),
    ]:
        if name in taken:
            yield place.problem(f"{what} cannot be called {name!r}: {taken[name]} has that name", hint="choose another name")
        taken.setdefault(name, what)


def _networks_exist(site: Definitions) -> Iterator[Problem]:
    for service in site.services.values():
        wanted = service.definition.networks
        for index, entry in enumerate(wanted if isinstance(wanted, list) else []):
            name = entry.name if isinstance(entry, NetworkAttachment) else entry
            if is_template(name):
                continue
            network = site.networks.get(name)
            lacking = [stage for stage in service.stages if network and stage not in network.stages]
            if network is None:
                yield service.place.problem(f"unknown network {name!r}", "networks", index, hint=nearest(name, site.networks))
            elif lacking:
                yield service.place.problem(
                    f"the network {name!r} does not exist in stage {lacking[0]}",
                    "networks",
                    index,
                    hint=f"it is for {', '.join(network.stages)}",
                )


def _device_ids_differ(site: Definitions) -> Iterator[Problem]:
    for first, second in combinations([volume for volume in site.volumes.values() if volume.device_id], 2):
        if first.device_id == second.device_id:
            yield second.place.problem(
                f"the volume {first.name!r} has device_id {first.device_id} too",
                "drbd",
                "device_id",
                hint="choose another, or let it be assigned",
            )


def _diskless_hosts_exist(site: Definitions) -> Iterator[Problem]:
    hosts = [name for stage in site.stages.values() for name in host_names(site.hive_name, stage)]
    for place, index, name in _diskless(site):
        if name not in hosts and not is_template(name):
            yield place.problem(f"unknown host {name!r}", "drbd", "diskless", index, hint=nearest(name, hosts))


def _diskless(site: Definitions) -> Iterator[tuple[Place, int, str]]:
    for service in site.services.values():
        for number, volume in enumerate(service.definition.volumes):
            listed = volume.drbd.diskless if volume.drbd else None
            for index, name in enumerate(listed if isinstance(listed, list) else []):
                yield Place(service.place.source, (*service.place.steps, "volumes", number)), index, name


def _azure_file_service(site: Definitions) -> Iterator[Problem]:
    stages = {name for name, stage in site.stages.items() if stage.definition.provider == "azure"}
    volumes = [volume for volume in site.volumes.values() if volume.kind == "nfs" and stages & set(volume.stages)]
    if volumes and site.hive_name and not re.fullmatch(r"[a-z0-9]{3,24}", site.hive_name):
        yield site.hive_place.problem(
            f"with nfs volumes on azure the name becomes a storage account, {site.hive_name!r} cannot be one",
            hint="3 to 24 lower-case letters and digits, nothing else",
        )
    for volume in volumes:
        if "size" not in volume.value["nfs"]:
            yield volume.place.problem("size is missing", "nfs", hint="azure needs it, such as size: 100G")
