"""The phase initialize-services: roles in the running containers of services (spec images-networks-volumes-services.md 7)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hive_nornir.errors import UsageError
from hive_nornir.plays.container_roles import ContainerRoles
from hive_nornir.plays.objects import NamedStep, ObjectPlay, chosen, run_plays
from hive_nornir.tasks.services.initialize import initialized

if TYPE_CHECKING:
    from hive_nornir.plays.phase import PhaseOptions
    from hive_nornir.runs.events import RunProcessor
    from hive_nornir.site import Site

__all__ = ["check", "run", "targets"]

AT_A_TIME = 3


def targets(site: Site, limit: Sequence[str] | None) -> tuple[str, ...]:
    """The stage's services with `initialize_roles` that `--limit` leaves.

    :raises UsageError: a service that has none, or that is not there.
    """
    names = [name for name in site.inventory.services if site.inventory.scope(name).get("hive_initialize_roles")]
    return chosen(limit, names, "service with initialize_roles", site.context.stage)


def check(site: Site, options: PhaseOptions) -> None:
    """Whether the options and the roles fit; touches nothing.

    :raises UsageError: an option does not.
    :raises DefinitionErrors: the definitions do not: an unknown role, a variable that a role cannot take.
    """
    if options.halt or options.destroy or options.roles is not None or options.servers is not None or options.no_cache:
        raise UsageError("initialize-services runs the initialize_roles of services", "--limit SERVICE chooses services")
    site.check()


def run(site: Site, options: PhaseOptions, processor: RunProcessor) -> None:
    """Run the roles of each service, three services at a time."""
    roles = ContainerRoles(site.context.root)
    step = functools.partial(initialized, roles_of=lambda service: roles.all_of(site.inventory.scope(service).get("hive_initialize_roles")))
    run_plays(site, options, processor, [ObjectPlay("initialize services", options.hosts, [NamedStep("initialize", step)], AT_A_TIME)])
