"""`docker-service`: what the monitoring asks about the services of a swarm (swarm-extension.md 5.1, 5.3)."""

from __future__ import annotations

import argparse
import os
import syslog
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hive_onhost.engines import Engines
from hive_onhost.failure import Failure
from hive_onhost.probes import cache, inner, managers, usage
from hive_onhost.probes.answers import discovered, log, probe
from hive_onhost.probes.services import Service
from hive_onhost.probes.swarm import NoSwarm, Swarm

if TYPE_CHECKING:
    from hive_onhost.probes.answers import Answer

__all__ = ["engines", "main"]

NOT_RUNNING = -1.0


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    return probe(_docker_service, arguments, "usage: docker-service --help", syslog.LOG_LOCAL2)


def engines() -> Engines:
    """Engines that are asked by the names of their servers, with the certificate in ~/.docker."""
    return Engines.from_environment({**os.environ, "DOCKER_HOST": "none", "HIVE_NAME": "none"})


def _docker_service(arguments: Sequence[str]) -> Answer:
    given = _parser().parse_args(arguments)
    if given.managers:
        return managers.count(engines(), given.servers, given.managers)
    try:
        swarm = Swarm.of(engines(), given.servers)
    except NoSwarm as failure:
        if not given.dispose:
            raise
        log(str(failure))  # there is nothing to keep fresh yet
        return []
    if given.discover or given.discover_standalone:
        found = (name for name, service in sorted(swarm.services.items()) if service.standalone or given.discover)
        return discovered({"SERVICE_NAME": name} for name in found)
    if given.discover_innerservice:
        with cache.opened(given.servers) as known:
            known.dispose(given.dispose)
            return discovered(inner.discover(swarm, known))
    if given.all:
        return _everything(swarm)
    return _one(swarm, given)


def _one(swarm: Swarm, given: argparse.Namespace) -> Answer:
    """What is asked about one service."""
    if given.uptime:
        service = swarm.service(given.uptime)
        return inner.uptime(swarm, service, given.inner) if given.inner else _uptime(service)
    if given.replicas:
        return _replicas(swarm.service(given.replicas))
    if given.replica_count:
        service = swarm.service(given.replica_count)
        return len(service.running) if given.count_type == "running" else service.desired
    if given.failed_innerservice_count:
        return inner.count_failed(swarm, swarm.service(given.failed_innerservice_count))
    service = swarm.service(given.stats)
    twice = given.metric == "cpu"
    looks = swarm.in_containers(service.running, lambda container: usage.look(container, twice=twice))
    return usage.mean(given.metric, [stats for _, stats in looks])


def _uptime(service: Service) -> float:
    """Seconds since the youngest running task came into its state; -1 where none runs."""
    if not service.running:
        return NOT_RUNNING
    return float(int(max(0.0, time.time() - max(place.since for place in service.running))))


def _replicas(service: Service) -> float:
    """Per cent of the tasks that are to run; 0 where none is to."""
    return 100 * len(service.running) / service.desired if service.desired else 0.0


def _everything(swarm: Swarm) -> list[dict[str, Any]]:
    """All numbers of all services, in one answer for many items (PRB-2); what cannot be told is left out (PRB-4)."""
    running = [place for service in swarm.services.values() for place in service.running]
    stats = {}
    with suppress(Failure):  # no container tells, or none runs
        stats = dict(swarm.in_containers(running, lambda container: usage.look(container, twice=True)))
    return [
        {
            "service": name,
            "running": len(service.running),
            "desired": service.desired,
            "replicas": round(_replicas(service), 2),
            "uptime": _uptime(service),
            **_means([stats[place] for place in service.running if place in stats]),
        }
        for name, service in sorted(swarm.services.items())
    ]


def _means(looks: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    found = {}
    for metric in usage.METRICS if looks else ():
        with suppress(Failure):
            found[metric] = round(usage.mean(metric, looks), 2)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("docker-service", description="What the monitoring asks about the services of a swarm.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--discover", action="store_true", help="all services")
    what.add_argument("--discover-standalone", action="store_true", help="those with a systemd of their own")
    what.add_argument("--discover-innerservice", action="store_true", help="the services inside of those")
    what.add_argument("--uptime", metavar="SERVICE", help="seconds since the youngest task began to run; -1 if none runs")
    what.add_argument("--replicas", metavar="SERVICE", help="per cent of the tasks that are to run")
    what.add_argument("--stats", metavar="SERVICE", help="the mean of a --metric over its containers")
    what.add_argument("--replica-count", metavar="SERVICE", help="how many tasks run, or are to run: --count-type")
    what.add_argument("--failed-innerservice-count", metavar="SERVICE", help="inner services that have failed")
    what.add_argument("--all", action="store_true", help="all numbers of all services")
    what.add_argument("--managers", choices=("total", "reachable"), help="how many managers the swarm has, or has left")
    parser.add_argument("--inner", metavar="UNIT", help="with --uptime: of this inner service; %% in its name is @")
    parser.add_argument("--metric", choices=sorted(usage.METRICS), default="cpu")
    parser.add_argument("--count-type", choices=("running", "desired"), default="running")
    parser.add_argument("--dispose", type=int, default=0, metavar="NUMBER", help="forget so many inner services' oldest entries first")
    parser.add_argument("servers", nargs="+", metavar="SERVER")
    return parser
