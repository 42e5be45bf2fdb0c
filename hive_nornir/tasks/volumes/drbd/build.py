"""Makes a replicated volume, or brings it up, as `decide` says."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Change, Operation
from hive_nornir.tasks.volumes.drbd import node_ids, steps
from hive_nornir.tasks.volumes.drbd.decide import Plan, decide, next_step
from hive_nornir.tasks.volumes.drbd.looking import look
from hive_nornir.tasks.volumes.drbd.model import Observation, Resource
from hive_nornir.tasks.volumes.drbd.resource_file import resource_file
from hive_nornir.tasks.volumes.hives import hives_of, on_each, short

if TYPE_CHECKING:
    from hive_nornir.tasks.site_object import SiteObject

__all__ = ["replicated_volume"]

WAIT_SECONDS = 600.0
_SECRET = "drbd_secret"  # noqa: S105 - the name of its file


def replicated_volume(thing: SiteObject, wanted: Resource) -> None:
    """The volume is up on the hives, with one file system that all copies have.

    A hive that `--limit-server` leaves out need not answer, unless the volume is new.

    :raises OperationFailed: nothing may be done, or what was begun does not come to its end in ten minutes.
    """
    servers = hives_of(thing)
    chosen = [short(server) for server in servers]
    seen = {host: each for host, each in look(thing, wanted, thing.site.hives).items() if host in chosen or each.answers}
    plan = decide(wanted, seen, chosen)
    _lay_out(thing, wanted, servers, plan, seen)
    on_each(servers, lambda server: _up(thing, wanted, server))
    if thing.check:
        if plan.begin:
            _announce(thing, servers[0], f"file system of {wanted.name}", f"make {wanted.fstype}, once all hosts are in touch")
        notes: Sequence[str] = plan.notes
    else:
        notes = [*plan.notes, *_until_ready(thing, wanted, servers)]
    away = [host for host in wanted.addresses if host not in seen]
    notes = [*notes, *([f"volume {wanted.name}: {', '.join(away)} was left out and does not answer"] if away else [])]
    if notes:
        thing.through_shell(servers[0], [_note(text) for text in notes])


def _note(text: str) -> Operation:
    """Something that the operator has to know."""
    return Operation(text, ":", lambda _seen: None, notice=True)


def _lay_out(thing: SiteObject, wanted: Resource, servers: Sequence[str], plan: Plan, seen: Mapping[str, Observation]) -> None:
    """Logical volumes, resource files and metadata; the hosts' numbers are recorded before anything is made with them."""
    context = thing.site.context
    known = node_ids.recorded(context, wanted.name)
    numbers = node_ids.assign(wanted.addresses, known, {h: o.node_id for h, o in seen.items() if o.node_id is not None})
    if numbers != known and not thing.check:
        node_ids.remember(context, wanted.name, numbers)
    text = resource_file(wanted, numbers, thing.site.secret(_SECRET))

    def one(server: str) -> None:
        host = short(server)
        operations = [steps.disk(wanted, host)] if host in plan.new_disks else []
        operations += [steps.described(wanted, host, text)]
        operations += [steps.metadata(wanted, host, joins=not plan.begin)] if host in plan.new_metadata else []
        operations += [steps.not_new(wanted, host)] if host in plan.settled else []
        thing.through_shell(server, operations)

    on_each(servers, one)


def _up(thing: SiteObject, wanted: Resource, server: str) -> None:
    host = short(server)
    thing.through_shell(server, [steps.brought_up(wanted, host), steps.adjusted(wanted, host)])


def _announce(thing: SiteObject, server: str, name: str, what: str) -> None:
    """What a run would do later."""
    thing.through_shell(server, [Operation(name, ":", lambda _seen: Change(what, "exit 1"))])


def _until_ready(thing: SiteObject, wanted: Resource, servers: Sequence[str]) -> list[str]:
    """See the resource through to its being of use.

    :returns: what the operator has to know.
    """
    give_up = time.monotonic() + WAIT_SECONDS
    told = ""
    while True:
        chosen = [short(server) for server in servers]
        seen = {h: o for h, o in look(thing, wanted, thing.site.hives).items() if h in chosen or (o.answers and o.up)}
        step = next_step(wanted, seen)
        if step.what in ("seed", "format"):
            _begin(thing, wanted, step.what, step.host, servers)
            continue
        if step.what == "done" or (step.syncing and time.monotonic() > give_up):
            new = [server for server in servers if seen[short(server)].disk_new]
            on_each(new, lambda server: thing.through_shell(server, [steps.not_new(wanted, short(server))]))
            return [f"volume {wanted.name}: {step.text}" if step.syncing else step.text] if step.text else []
        if time.monotonic() > give_up:
            raise OperationFailed(
                f"volume {wanted.name}: waited {WAIT_SECONDS:.0f} s in vain until {step.text}",
                "see `drbdadm status` and the kernel's log on its hives",
            )
        if step.text != told:
            told = step.text
            thing.progress(f"volume {wanted.name}: waiting until {told}")
        if thing.run.stop.wait(1.0):
            thing.progress("")  # raises


def _begin(thing: SiteObject, wanted: Resource, what: str, host: str, servers: Sequence[str]) -> None:
    server = next(server for server in servers if short(server) == host)
    if what == "seed":
        thing.through_shell(server, [steps.first_generation(wanted, host)])
        return
    thing.progress(f"volume {wanted.name}: making {wanted.fstype}")
    with thing.own_shell(server) as shell:  # a large one takes minutes, and others want the shared shell
        thing.through_shell(server, [steps.file_system(wanted, host)], shell)
