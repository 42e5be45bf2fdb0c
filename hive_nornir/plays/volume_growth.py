"""Replicated volumes become as large as their definitions say, while they are in use (spec operations.md 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hive_nornir.errors import UsageError
from hive_nornir.plays import build_volumes
from hive_nornir.plays.objects import NamedStep, ObjectPlay, run_plays
from hive_nornir.plays.phase import PhaseOptions, run_phase
from hive_nornir.tasks.volumes.drbd.grow import grow_volume

if TYPE_CHECKING:
    from hive_nornir.runs.events import Observer, RunProcessor
    from hive_nornir.runs.report import RunReport
    from hive_nornir.site import Site

__all__ = ["check", "grow", "run"]

NAME = "volume-growth"


def grow(site: Site, volumes: Sequence[str], *, check: bool = False, observers: Sequence[Observer] = ()) -> RunReport:
    """Extend volumes to the size of their definitions.

    :param volumes: as services call them.
    :param check: only find out what would change.
    :param observers: called with every `Event` as it happens.
    :raises UsageError: one of them is unknown, or is not replicated.
    """
    options = PhaseOptions(NAME, None, build_volumes.targets(site, volumes), check, halt=False, destroy=False, limited=True)
    return run_phase(site, options, observers)


def check(site: Site, options: PhaseOptions) -> None:
    """Whether the volumes are replicated; touches nothing.

    :raises UsageError: one is not.
    """
    site.check()
    if others := [name for name in options.hosts if "drbd" not in site.inventory.scope(name)["hive_volume"]]:
        raise UsageError(
            f"{others[0].removeprefix(build_volumes.PREFIX)} is no replicated volume", "only those have a size that is hive-nornir's"
        )


def run(site: Site, options: PhaseOptions, processor: RunProcessor) -> None:
    """Extend them, one after the other: several in one volume group want the same room."""
    run_plays(site, options, processor, [ObjectPlay("grow volumes", options.hosts, [NamedStep("volume", grow_volume)], at_a_time=1)])
