"""Services of the systemd inside of a standalone service's containers."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from hive_onhost.failure import NOT_FOUND, Failure
from hive_onhost.probes import units
from hive_onhost.probes.answers import log
from hive_onhost.probes.cache import Cache
from hive_onhost.probes.services import Service
from hive_onhost.probes.swarm import Swarm, command_output

if TYPE_CHECKING:
    from docker.models.containers import Container

__all__ = ["count_failed", "discover", "uptime"]

NOT_RUNNING = -1.0
_AGE = 'cat /proc/uptime; exec systemctl show --no-pager -p LoadState -p ActiveState -p ActiveEnterTimestampMonotonic -- "$1"'


def discover(swarm: Swarm, cache: Cache) -> list[dict[str, str]]:
    """The inner services of every standalone service; those that the cache knows are not looked for again."""
    services = {service.name: service for service in swarm.services.values() if service.standalone}
    cache.keep(services)
    lists = units.Lists.read()
    asked = {service.running[0]: name for name, service in services.items() if service.running and name not in cache}
    if asked:
        try:
            for place, found in swarm.in_containers(list(asked), lambda container: units.discover(_run(container), lists)):
                cache[asked[place]] = found
        except Failure as failure:  # no container at all tells; what is known stays known
            log(str(failure))
    return [
        {"SERVICE_NAME": name, "INNER": units.shown(inner)} for name in sorted(services) if name in cache for inner in sorted(cache[name])
    ]


def uptime(swarm: Swarm, service: Service, inner: str) -> float:
    """For how many seconds an inner service has run, of all containers where it has done so least; -1 where it does not run.

    :raises Failure: no container tells, or knows it.
    """
    unit = units.unit(inner)
    return min(age for _, age in swarm.in_containers(service.running, lambda container: _age(container, unit)))


def count_failed(swarm: Swarm, service: Service) -> int:
    """How many inner services have failed, in all containers together.

    :raises Failure: no container tells.
    """
    lists = units.Lists.read()
    return sum(len(found) for _, found in swarm.in_containers(service.running, lambda container: units.failed(_run(container), lists)))


def _run(container: Container) -> units.Run:
    return functools.partial(command_output, container)


def _age(container: Container, unit: str) -> float:
    up, _, told = command_output(container, ["sh", "-c", _AGE, "sh", unit]).partition("\n")
    state = units.properties(told)
    if state.get("LoadState") != "loaded":
        raise Failure(f"there is no unit {unit} in {container.name}", NOT_FOUND)
    if state["ActiveState"] not in ("active", "reloading"):
        return NOT_RUNNING
    return float(up.split()[0]) - int(state["ActiveEnterTimestampMonotonic"]) / 1e6
