"""Running a phase: the lock, the record, the plays one after the other."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from hive_nornir.runs.events import Event, Observer, RunProcessor
from hive_nornir.runs.report import HostReport, RunReport

if TYPE_CHECKING:
    from types import ModuleType

    from hive_nornir.site import Site

__all__ = ["PhaseOptions", "run_phase", "targets"]


@dataclass(frozen=True)
class PhaseOptions:
    """What `Site.run` was asked for, checked.

    :param hosts: inventory names of what the phase works on, in the site's order: servers, or images, volumes, networks, services.
    :param limited: `hosts` are not all of them.
    :param servers: the servers that build-volumes may work on; None is all.
    :param no_cache: build-images begins with fresh containers.
    """

    phase: str
    roles: Sequence[str] | None
    hosts: tuple[str, ...]
    check: bool
    halt: bool
    destroy: bool
    allow_reboot: bool = False
    limited: bool = False
    servers: tuple[str, ...] | None = None
    no_cache: bool = False

    @property
    def whole(self) -> bool:
        """Whether the phase is run for real, with all that belongs to it (spec setup-hosts.md T-3)."""
        narrowed = self.limited or self.roles is not None or self.servers is not None
        return not (narrowed or self.check or self.halt or self.destroy)


def targets(site: Site, phase: str, limit: Sequence[str] | None) -> tuple[str, ...]:
    """The inventory names of what a phase works on.

    :param limit: names as the operator writes them; None is all.
    :raises UsageError: one of them is unknown.
    """
    of_phase = getattr(_module(phase), "targets", None)
    return of_phase(site, limit) if of_phase else site.select_hosts(limit)


def _module(phase: str) -> ModuleType:
    return import_module(f"hive_nornir.plays.{phase.replace('-', '_')}")


def run_phase(site: Site, options: PhaseOptions, observers: Sequence[Observer]) -> RunReport:
    """Run a phase and report it; a dry run takes no lock and leaves no record (spec setup-hosts.md 2.5).

    A phase's module has `check(site, options)`, which raises before anything is touched, and `run(site, options, processor)`; and
    `targets(site, limit)` if it works on something else than servers.

    :raises UsageError: the options do not fit the phase; nothing was touched.
    :raises DefinitionErrors: a variable is wrong; nothing was touched.
    """
    phase = _module(options.phase)
    phase.check(site, options)
    report = RunReport(options.phase, site.context.stage, options.check)
    report.hosts = {name: HostReport(name) for name in options.hosts}
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        listeners = list(observers)
        if not options.check:
            from hive_nornir.runs.lock import stage_lock
            from hive_nornir.runs.record import RunRecord

            stack.enter_context(stage_lock(site.context, options.phase))
            listeners.append(stack.enter_context(RunRecord(site.context, site.inventory.passwords)))
        processor = RunProcessor(report, listeners)
        processor.emit(Event("phase-started", options.phase, hosts=options.hosts))
        try:
            phase.run(site, options, processor)
        except KeyboardInterrupt:
            report.interrupted = True
        report.notes += report.notices()
        report.seconds = time.monotonic() - started
        if report.ok and not options.check:
            from hive_nornir.plays.start_phase import note_success

            note_success(site.context.persistents, options)
        status = "interrupted" if report.interrupted else "ok" if report.ok else "failed"
        processor.emit(Event("phase-finished", options.phase, status=status, seconds=report.seconds, text="; ".join(report.notes)))
    return report
