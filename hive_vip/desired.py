"""What has to be on this node, from the services and tasks of the swarm (spec swarm-extension.md 2.1, SWX-3, SWX-13). Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hive_vip import labels
from hive_vip.labels import IPAddress, Refusal, Request, Vip
from hive_vip.snapshot import Service, Swarm, Task

__all__ = ["Claim", "Wanted", "wanted"]


@dataclass(frozen=True)
class Claim:
    """A virtual IP that a service has a right to.

    :param here: its task is on this node.
    :param runs: so does its container.
    :param container: the container's address of the same family on docker_gwbridge, or None.
    """

    vip: Vip
    here: bool = False
    runs: bool = False
    container: IPAddress | None = None

    @property
    def needs_container(self) -> bool:
        """Whether rules have to lead to the container, or away from it."""
        return bool(self.here and (self.vip.ports or self.vip.snat))


@dataclass(frozen=True)
class Wanted:
    """What has to be, and what cannot.

    :param marks: node label to the services whose tasks are here.
    :param running_here: names of the services that have a task here.
    :param notes: what is unusual.
    """

    claims: Sequence[Claim] = ()
    marks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    refusals: Sequence[Refusal] = ()
    running_here: Collection[str] = ()
    notes: Sequence[str] = ()

    @property
    def here(self) -> dict[IPAddress, Claim]:
        """What this node has to answer for."""
        return {claim.vip.address: claim for claim in self.claims if claim.here}


def wanted(swarm: Swarm, reserved: Collection[str] = ()) -> Wanted:
    """What has to be on the node.

    :param reserved: node labels that setup-hosts manages (SWX-16).
    """
    tasks = _tasks(swarm)
    requests = [
        (service, labels.read(service.name, service.labels))
        for service in sorted(swarm.services, key=lambda each: (_instant(each.created), each.id))
    ]
    running_here = frozenset(each.name for each, _ in requests if any(task.node_id == swarm.node_id for task in tasks[each.id]))
    claims, conflicts = _claims(requests, tasks, swarm)
    marks: dict[str, list[str]] = defaultdict(list)
    for service, request in requests:
        if request.mark in reserved:
            conflicts.append(Refusal(service.name, "HIVE_MARK", f"{request.mark} is the label of a group, which setup-hosts manages"))
        elif request.mark and service.name in running_here:
            marks[request.mark].append(service.name)
    refusals = [refusal for _, request in requests for refusal in request.refusals]
    notes = [_several(service, tasks[service.id]) for service, request in requests if request.vips]
    return Wanted(claims, dict(marks), (*refusals, *conflicts), running_here, tuple(filter(None, notes)))


def _tasks(swarm: Swarm) -> dict[str, list[Task]]:
    """The tasks of each service that the scheduler has found a place for."""
    tasks: dict[str, list[Task]] = defaultdict(list)
    for task in swarm.tasks:
        if task.node_id:
            tasks[task.service_id].append(task)
    return tasks


def _claims(
    requests: Iterable[tuple[Service, Request]], tasks: Mapping[str, Sequence[Task]], swarm: Swarm
) -> tuple[list[Claim], list[Refusal]]:
    """Who has a right to which address: the first service that asked for it (SWX-3)."""
    owners: dict[IPAddress, Vip] = {}
    refusals = []
    for _, request in requests:
        for vip in request.vips:
            first = owners.setdefault(vip.address, vip)
            if first is not vip:
                reason = f"{vip.address} belongs to {first.label} of {first.service}, which was first"
                refusals.append(Refusal(vip.service, vip.label, reason))
    holders = {service.name: _holder(tasks[service.id]) for service, _ in requests}
    return [_claim(vip, holders[vip.service], swarm) for vip in owners.values()], refusals


def _several(service: Service, tasks: Sequence[Task]) -> str:
    """What to say of a service with several tasks; a task and its successor in the same slot are one."""
    places = {(task.slot, task.slot or task.node_id) for task in tasks}
    return f"{service.name} has {len(places)} tasks: its virtual IP is where the first of them is" if len(places) > 1 else ""


def _claim(vip: Vip, holder: Task | None, swarm: Swarm) -> Claim:
    if holder is None or holder.node_id != swarm.node_id:
        return Claim(vip)
    runs = holder.state == "running"
    addresses = swarm.gateways.get(holder.container, ()) if runs else ()
    return Claim(vip, True, runs, next((address for address in addresses if address.version == vip.address.version), None))


def _holder(tasks: Iterable[Task]) -> Task | None:
    """The task that the virtual IP goes with: the same one for whichever node asks."""
    return min(tasks, key=lambda task: (task.slot, task.state != "running", _instant(task.created), task.id), default=None)


def _instant(text: str) -> tuple[str, str]:
    """Something that sorts like the time: Go leaves away the zeros at the end of a fraction."""
    seconds, _, fraction = text.rstrip("Z").partition(".")
    return seconds, fraction.ljust(9, "0")
