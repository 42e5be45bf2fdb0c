"""The phase build-volumes: volumes on all hives (spec images-networks-volumes-services.md 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hive_nornir.errors import UsageError
from hive_nornir.plays.objects import NamedStep, ObjectPlay, chosen, run_plays
from hive_nornir.tasks.volumes.volume import removed_volume, volume

if TYPE_CHECKING:
    from hive_nornir.plays.phase import PhaseOptions
    from hive_nornir.runs.events import RunProcessor
    from hive_nornir.site import Site

__all__ = ["check", "run", "targets"]

AT_A_TIME = 5
PREFIX = "volume_"


def targets(site: Site, limit: Sequence[str] | None) -> tuple[str, ...]:
    """The objects of the stage's volumes that `--limit` leaves.

    :param limit: volumes as services call them.
    :raises UsageError: an unknown one.
    """
    return tuple(f"{PREFIX}{name}" for name in chosen(limit, site.inventory.volumes, "volume", site.context.stage))


def check(site: Site, options: PhaseOptions) -> None:
    """Whether the options fit; touches nothing.

    :raises UsageError: they do not.
    """
    if options.halt or options.roles is not None:
        raise UsageError("build-volumes has no roles to choose from, and halts nothing")
    if options.servers is not None and not set(options.servers) & set(site.inventory.hives):
        raise UsageError(f"none of {', '.join(options.servers)} is a hive", f"hives: {', '.join(site.inventory.hives)}")
    site.check()


def run(site: Site, options: PhaseOptions, processor: RunProcessor) -> None:
    """Make the volumes, or with `destroy` remove them and what is in them."""
    step, title = (removed_volume, "remove volumes") if options.destroy else (volume, "build volumes")
    run_plays(site, options, processor, [ObjectPlay(title, options.hosts, [NamedStep("volume", step)], AT_A_TIME)])
