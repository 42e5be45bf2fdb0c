"""Plays whose Nornir hosts are the site's images, volumes, networks or services; and servers, for what belongs to these beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hive_nornir.errors import UsageError, nearest
from hive_nornir.plays.play import mark_the_rest
from hive_nornir.runs.events import Event
from hive_nornir.runs.report import HostReport
from hive_nornir.tasks.site_object import ObjectsRun, ObjectStep, close_all, object_task

if TYPE_CHECKING:
    from nornir.core import Nornir
    from nornir.core.task import Result, Task

    from hive_nornir.plays.phase import PhaseOptions
    from hive_nornir.runs.events import RunProcessor
    from hive_nornir.site import Site

__all__ = ["NamedStep", "ObjectPlay", "chosen", "run_plays"]


@dataclass(frozen=True)
class NamedStep:
    """A step with the name under which reports show it, as a role's."""

    name: str
    function: ObjectStep


@dataclass(frozen=True)
class ObjectPlay:
    """Steps that follow each other for each object, the objects side by side.

    :param title: as the documentation names it.
    :param names: the objects, as the inventory names them; or servers.
    :param at_a_time: how many objects; 0 is all.
    """

    title: str
    names: Sequence[str]
    steps: Sequence[NamedStep]
    at_a_time: int = 0


def chosen(limit: Sequence[str] | None, known: Sequence[str], kind: str, stage: str) -> tuple[str, ...]:
    """The names that `--limit` leaves, in the site's order.

    :param limit: names; None is all.
    :param kind: what they are names of, for the message: `service`.
    :raises UsageError: an unknown one.
    """
    if limit is None:
        return tuple(known)
    unknown = [name for name in limit if name not in known]
    if unknown or not limit:
        name = unknown[0] if unknown else ""
        raise UsageError(f"stage {stage} has no {kind} {name!r}", nearest(name, known))
    return tuple(name for name in known if name in limit)


def run_plays(site: Site, options: PhaseOptions, processor: RunProcessor, plays: Sequence[ObjectPlay]) -> None:
    """Run plays one after the other; an object that failed takes no part in the later ones.

    Connections to servers are opened when they are first needed and closed at the end.
    """
    if not options.check:
        site.inventory.allocate()
    site.nornir.data.reset_failed_hosts()

    def progress(name: str, text: str) -> None:
        processor.emit(Event("progress", options.phase, processor.play, host=name, text=text))

    run = ObjectsRun(site.inventory, site.nornir, options.check, progress, options.servers)
    names = [name for play in plays for name in play.names]
    nornir = _nornir(site, run, names).with_processors([processor])
    try:
        for play in plays:
            _run_play(nornir, play, options, processor)
    except BaseException:
        run.stop.set()  # before connections go: a thread that outlives Ctrl-C must not open new ones
        close_all(site.nornir.inventory.hosts.values())
        raise
    else:
        site.close()


def _run_play(nornir: Nornir, play: ObjectPlay, options: PhaseOptions, processor: RunProcessor) -> None:
    from hive_nornir.runs.runner import HiveRunner

    failed = nornir.data.failed_hosts
    names = tuple(name for name in play.names if name not in failed)
    if not names:
        return
    for name in names:  # a server is not among what the phase was asked to work on
        processor.report.hosts.setdefault(name, HostReport(name))
    steps = tuple(step.name for step in play.steps)
    processor.emit(Event("play-started", options.phase, play.title, hosts=names, roles=steps))
    selected = nornir.filter(filter_func=lambda host: host.name in names)
    if play.at_a_time:
        selected = selected.with_runner(HiveRunner(workers=play.at_a_time))
    try:
        selected.run(task=_steps_task, name=play.title, steps=play.steps)
    finally:
        for name in names:
            mark_the_rest(processor, play.title, name, steps)


def _steps_task(task: Task, steps: Sequence[NamedStep]) -> Result:
    from nornir.core.task import Result

    for step in steps:
        task.run(task=object_task, name=step.name, step=step.function)
    return Result(host=task.host)


def _nornir(site: Site, run: ObjectsRun, names: Sequence[str]) -> Nornir:
    from typing import Any, cast

    from nornir.core import Nornir
    from nornir.core.configuration import Config
    from nornir.core.inventory import Defaults, Groups, Host, Hosts, Inventory

    from hive_nornir.inventory.plugin import HostData
    from hive_nornir.runs.runner import HiveRunner

    defaults = Defaults(data={"hive_site": site.inventory, "hive_objects": run})
    hosts = Hosts()
    for name in dict.fromkeys(names):
        hosts[name] = Host(name=name, data=cast("dict[str, Any]", HostData(site.inventory.scope(name))), defaults=defaults)
    nornir = Nornir(inventory=Inventory(hosts=hosts, groups=Groups(), defaults=defaults), config=Config(), runner=HiveRunner())
    nornir.data.dry_run = run.check
    nornir.data.reset_failed_hosts()
    return nornir
