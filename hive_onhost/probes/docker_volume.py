"""`docker-volume-discover`: the volumes of services, and how full they are (swarm-extension.md 5.1)."""

from __future__ import annotations

import argparse
import re
import syslog
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hive_onhost.failure import ENGINE, Failure
from hive_onhost.probes.answers import discovered, probe
from hive_onhost.probes.docker_service import engines
from hive_onhost.probes.swarm import Swarm, command_output

if TYPE_CHECKING:
    from docker.models.containers import Container

    from hive_onhost.probes.answers import Answer

__all__ = ["main", "used"]


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    return probe(_docker_volume, arguments, "usage: docker-volume-discover --help", syslog.LOG_LOCAL1)


def _docker_volume(arguments: Sequence[str]) -> Answer:
    parser = argparse.ArgumentParser("docker-volume-discover", description="The volumes of services.")
    parser.add_argument("--service", help="tell instead how full the file system is that this service has at --path, in per cent")
    parser.add_argument("--path")
    parser.add_argument("servers", nargs="+", metavar="SERVER")
    given = parser.parse_args(arguments)
    if bool(given.service) != bool(given.path):
        parser.error("--service and --path go together")
    swarm = Swarm.of(engines(), given.servers)
    if given.service:
        places = swarm.service(given.service).running
        return max(found for _, found in swarm.in_containers(places, lambda container: _used(container, given.path)))
    services = (service for _, service in sorted(swarm.services.items()))
    return discovered(
        {"SERVICE_NAME": service.name, "NAME": name, "PATH": path} for service in services for name, path in sorted(service.volumes)
    )


def _used(container: Container, path: str) -> float:
    # As POSIX has it (PRB-6): else a long name of a device makes two lines of one.
    return used(command_output(container, ["df", "-P", path]))


def used(text: str) -> float:
    """Per cent of a file system that are used, from what `df -P` printed of it.

    :raises Failure: it has no size.
    """
    found = re.search(r"\s(\d+)%\s", text.strip().rpartition("\n")[2])
    if not found:
        raise Failure(f"df does not tell how full it is: {text.strip()}", ENGINE)
    return float(found[1])
