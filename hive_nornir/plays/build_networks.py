"""The phase build-networks: the overlay networks of the swarm (spec images-networks-volumes-services.md 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hive_nornir.errors import UsageError
from hive_nornir.plays.objects import NamedStep, ObjectPlay, chosen, run_plays
from hive_nornir.tasks.networks.overlay import overlay_network, removed_network, unknown_networks

if TYPE_CHECKING:
    from hive_nornir.plays.phase import PhaseOptions
    from hive_nornir.runs.events import RunProcessor
    from hive_nornir.site import Site

__all__ = ["check", "run", "targets"]


def targets(site: Site, limit: Sequence[str] | None) -> tuple[str, ...]:
    """The stage's networks that `--limit` leaves.

    :raises UsageError: an unknown one.
    """
    return chosen(limit, site.inventory.networks, "network", site.context.stage)


def check(site: Site, options: PhaseOptions) -> None:
    """Whether the options fit; touches nothing.

    :raises UsageError: they do not.
    """
    if options.halt or options.roles is not None or options.servers is not None:
        raise UsageError("build-networks has neither roles nor servers to choose from, and halts nothing")
    site.check()


def run(site: Site, options: PhaseOptions, processor: RunProcessor) -> None:
    """Make the networks, or with `destroy` remove them."""
    if options.destroy:
        steps, title = [NamedStep("network", removed_network)], "remove networks"
    else:
        steps, title = [NamedStep("network", overlay_network)], "build networks"
    plays = [ObjectPlay(title, options.hosts, steps)]
    if not options.limited and options.hosts:
        plays.append(ObjectPlay("networks that are not defined", options.hosts[:1], [NamedStep("undefined", unknown_networks)]))
    run_plays(site, options, processor, plays)
