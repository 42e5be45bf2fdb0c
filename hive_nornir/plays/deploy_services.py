"""The phase deploy-services: services in the swarm, their backups and log monitors (spec images-networks-volumes-services.md 4 to 6)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from hive_nornir.errors import DefinitionErrors, UsageError
from hive_nornir.inventory.tag_mapping import TagMapping
from hive_nornir.plays.objects import NamedStep, ObjectPlay, chosen, run_plays
from hive_nornir.tasks.repository import backup_scripts
from hive_nornir.tasks.services.backups import backup_descriptions
from hive_nornir.tasks.services.deploy import deployed_service, other_services, planned_spec, removed_service
from hive_nornir.tasks.services.log_monitor import log_monitors, monitors
from hive_nornir.tasks.services.logins import logins

if TYPE_CHECKING:
    from hive_nornir.plays.phase import PhaseOptions
    from hive_nornir.runs.events import RunProcessor
    from hive_nornir.site import Site

__all__ = ["check", "run", "targets"]


def targets(site: Site, limit: Sequence[str] | None) -> tuple[str, ...]:
    """The stage's services that `--limit` leaves.

    :raises UsageError: an unknown one.
    """
    return chosen(limit, site.inventory.services, "service", site.context.stage)


def check(site: Site, options: PhaseOptions) -> None:
    """Whether the options and the services' attributes are right; touches nothing.

    :raises UsageError: an option of another phase, or two backups have one name.
    :raises DefinitionErrors: what is wrong with the services.
    """
    if options.halt or options.roles is not None or options.servers is not None or options.no_cache:
        raise UsageError("deploy-services has neither roles, servers nor caches to choose from, and halts nothing")
    site.check()
    mapping = TagMapping.load(site.context.context_dir)
    if options.destroy:
        return
    problems = []
    for name in options.hosts:
        try:
            planned_spec(site.inventory, name, mapping)
        except DefinitionErrors as error:
            problems += error.problems
    if problems:
        raise DefinitionErrors(problems)
    logins(site.inventory)
    backup_scripts.descriptions(site.inventory)
    monitors(site.inventory, options.hosts)


def run(site: Site, options: PhaseOptions, processor: RunProcessor) -> None:
    """Deploy the services, or with `destroy` remove them."""
    mapping = TagMapping.load(site.context.context_dir)
    repository, first = (site.inventory.repository,), tuple(site.inventory.groups["first_hive"])
    beside = [
        NamedStep(name, partial(step, services=options.hosts, whole=not options.limited, remove=options.destroy))
        for name, step in (("backup-scripts", backup_descriptions), ("log-monitors", log_monitors))
    ]
    plays = [ObjectPlay("backups and log monitors", repository, beside)]
    if options.destroy:
        plays.append(ObjectPlay("remove services", options.hosts, [NamedStep("service", removed_service)]))
    else:
        plays.append(ObjectPlay("deploy services", options.hosts, [NamedStep("service", partial(deployed_service, mapping=mapping))]))
    if not options.limited:
        others = NamedStep("others", partial(other_services, mapping=mapping))
        plays.append(ObjectPlay("services that are not defined", first, [others]))
    run_plays(site, options, processor, plays)
