"""The site: the one object that a script or a notebook holds."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_nornir.errors import DefinitionErrors, UsageError, nearest
from hive_nornir.inventory.context import SiteContext

if TYPE_CHECKING:
    from types import TracebackType

    from nornir.core import Nornir

    from hive_nornir.inventory.ca import SiteCA
    from hive_nornir.inventory.providers.base import Provider, ProviderSite, Resource
    from hive_nornir.inventory.site_inventory import SiteInventory
    from hive_nornir.runs.events import Observer
    from hive_nornir.runs.records import PastRuns
    from hive_nornir.runs.report import RunReport
    from hive_nornir.tasks.cluster.service_states import ServiceStates
    from hive_nornir.tasks.facts import HostFacts

__all__ = ["PHASES", "Site"]

PHASES = ("build-infra", "setup-hosts", "build-images", "build-volumes", "build-networks", "deploy-services", "initialize-services")


class Site:
    """A site in one of its stages::

        from hive_nornir import Site

        with Site.open("site") as site:
            print(site.run("setup-hosts", roles=["base", "docker"]).changed)

    The `with` closes the connections to the servers, as `close` does; they are opened when they are first needed, and again after that.
    Opening reads nothing but the stage; the definitions are read and checked when they are first needed.
    """

    def __init__(self, context: SiteContext) -> None:
        self.context = context

    @classmethod
    def open(cls, root: str | Path | None = None, stage: str | None = None) -> Site:
        """Open a site's folder.

        :param root: the folder that holds `inventory/`; the environment's HIVE_ROOT_DIR or the current folder without it.
        :param stage: private, staging or production; HIVE_STAGE, the persisted one or private without it.
        :raises UsageError: there is no such folder or stage.
        """
        return cls(SiteContext.resolve(Path(root) if root is not None else None, stage, os.environ))

    def __enter__(self) -> Site:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @cached_property
    def inventory(self) -> SiteInventory:
        """The hosts, groups and variables of the stage.

        :raises DefinitionErrors: with everything that is wrong in the definitions.
        """
        from hive_nornir.inventory.site_inventory import SiteInventory

        return SiteInventory.load(self.context)

    @cached_property
    def nornir(self) -> Nornir:
        """The stage's servers as a Nornir object, to run your own tasks with."""
        from hive_nornir.inventory.plugin import nornir_for

        return nornir_for(self.inventory)

    def plan(self, phase: str, *, roles: Sequence[str] | None = None, limit: Sequence[str] | None = None, **options: Any) -> RunReport:
        """What `run` would change; touches nothing, neither on the hosts nor here.

        Takes the same arguments as `run`.
        """
        return self.run(phase, roles=roles, limit=limit, check=True, **options)

    def run(
        self,
        phase: str,
        *,
        roles: Sequence[str] | None = None,
        limit: Sequence[str] | None = None,
        check: bool = False,
        halt: bool = False,
        destroy: bool = False,
        allow_reboot: bool = False,
        servers: Sequence[str] | None = None,
        no_cache: bool = False,
        observers: Sequence[Observer] = (),
    ) -> RunReport:
        """Run a phase on the stage.

        :param phase: one of `PHASES`.
        :param roles: names of roles or tags of plays; None is all (setup-hosts only).
        :param limit: what the phase works on, None is all: servers by their inventory or short names, services (build-images,
            deploy-services, initialize-services), volumes or networks by theirs.
        :param check: only find out what would change.
        :param halt: stop the servers (build-infra only).
        :param destroy: delete the servers, volumes, networks or services and their data, without asking.
        :param allow_reboot: restart servers that need it (setup-hosts only).
        :param servers: the hives that build-volumes may work on; None is all.
        :param no_cache: begin with fresh containers (build-images only).
        :param observers: called with every `Event` as it happens.
        :returns: what was done; a host's failure is in it, not raised.
        :raises UsageError: an unknown phase, role or host; nothing was touched.
        :raises DefinitionErrors: the definitions are wrong; nothing was touched.
        """
        from hive_nornir.plays.phase import PhaseOptions, run_phase, targets

        if phase not in PHASES:
            raise UsageError(f"there is no phase {phase!r}", nearest(phase, PHASES))
        hosts = targets(self, phase, limit)
        chosen = self.select_hosts(servers) if servers is not None else None
        options = PhaseOptions(phase, roles, hosts, check, halt, destroy, allow_reboot, limit is not None, chosen, no_cache)
        return run_phase(self, options, observers)

    def run_all(
        self,
        *,
        start: str | None = None,
        check: bool = False,
        allow_reboot: bool = False,
        observers: Sequence[Observer] = (),
    ) -> list[RunReport]:
        """Run the phases one after the other, up to the first that fails; the next call begins with that one.

        :param start: the phase to begin with; None is the variable start_phase, which an earlier call may have left.
        :param check: only find out what would change. What needs servers that are not built yet is unknown, and ends it.
        :param allow_reboot: restart servers that need it.
        :param observers: called with every `Event` as it happens.
        :returns: the reports of the phases that were begun.
        :raises UsageError: there is no such phase.
        :raises DefinitionErrors: the definitions are wrong; nothing was touched.
        """
        from hive_nornir.plays.start_phase import remaining

        if start is not None and start not in PHASES:
            raise UsageError(f"there is no phase {start!r}", nearest(start, PHASES))
        self.check()
        persistents = self.context.persistents
        if start is not None and not check:
            persistents.set("start_phase", start)  # from where the next call goes on if this one fails
        reports: list[RunReport] = []
        for phase in remaining(persistents, start):
            reports.append(self.run(phase, check=check, allow_reboot=allow_reboot, observers=observers))
            if not reports[-1].ok or (check and phase == PHASES[0] and reports[-1].changed):
                break
        return reports

    def facts(self, limit: Sequence[str] | None = None) -> HostFacts:
        """What servers are: distribution, kernel, interfaces, disks and so on, asked now, side by side.

        :param limit: servers by their inventory or short names; None is all.
        :returns: facts by the server's inventory name; servers that could not be asked are in its `errors`.
        :raises UsageError: there is no such server.
        """
        from hive_nornir.tasks.facts import host_facts

        return host_facts(self.nornir, self.select_hosts(limit))

    def services(self) -> ServiceStates:
        """How the swarm's services are now, by name; those that others have started in the swarm too.

        :raises HiveError: no manager of the swarm answers; with the reason of each hive.
        """
        from hive_nornir.tasks.cluster.service_states import read_services
        from hive_nornir.tasks.site_object import ObjectsRun

        swarm = ObjectsRun(self.inventory, self.nornir, check=True, progress=lambda _name, _text: None)
        return read_services(swarm.connection(swarm.manager(), "docker"))

    def records(self) -> PastRuns:
        """The runs that the stage has seen from this machine, the latest last; dry runs leave no record."""
        from hive_nornir.runs.records import past_runs

        return past_runs(self.context.context_dir / "runs")

    def check(self) -> None:
        """Check everything that can be wrong in the site's files; touches nothing.

        :raises DefinitionErrors: with everything that was found: definitions, variables that nobody reads, values that a role cannot take.
        """
        from hive_nornir.plays.container_roles import BUILTIN, ContainerRoles
        from hive_nornir.plays.setup_hosts import plays_of

        inventory = self.inventory
        plays = plays_of(self.context.root)
        roles = [*(role for play in plays for role in play.roles), *BUILTIN.values()]
        unread = inventory.unknown_variables({name for role in roles for name in role.variables.model_fields})
        problems = [*(unread.problems if unread else []), *ContainerRoles(self.context.root).problems(self)]
        seen: set[tuple[object, ...]] = set()
        for play in plays:
            for host in inventory.groups[play.group]:
                found = [each for role in play.roles for each in role.problems(inventory.scope(host), host)]
                for problem in (inventory.located(problem, host, variable) for variable, problem in found):
                    # One mistake in a group's file is one problem, however many hosts and roles read it.
                    if (place := (problem.file, problem.line, problem.message)) not in seen:
                        seen.add(place)
                        problems.append(problem)
        if problems:
            raise DefinitionErrors(problems)

    def reload(self) -> None:
        """Read the definitions and the connection data anew when they are next needed."""
        self.close()
        for name in ("inventory", "nornir", "provider"):
            self.__dict__.pop(name, None)

    def close(self) -> None:
        """Drop the connections to the servers."""
        if "nornir" in self.__dict__:
            for host in self.nornir.inventory.hosts.values():
                host.close_connections()

    def certificate_authority(self, *, create: bool) -> SiteCA | None:
        """The site's certificate authority (spec build-infra.md 9), which signs for servers and is trusted by all of them.

        :param create: make it when it is not there, and the one for clients of Docker's API beside it.
        :returns: None when it is not there and is not to be made.
        """
        from hive_nornir.inventory.authorities import Authorities
        from hive_nornir.inventory.ca import CA_DAYS, SiteCA

        folder = self.context.context_dir / "ca"
        if not create and not (folder / "cacert.pem").exists():
            return None
        mother = self.inventory.scope(self.inventory.mother)
        ca = SiteCA.load_or_create(
            folder,
            self.inventory.hive_name,
            days=int(mother.get("hive_valid_in", CA_DAYS)),
            sub_prefix=str(mother.get("hive_sub_prefix", "")),
            imported_cert=str(mother.get("hive_ca_cert", "")),
            imported_key=str(mother.get("hive_ca_key", "")),
        )
        Authorities(self.context.context_dir, self.inventory.hive_name).api_clients(create=create)
        return ca

    def private_key(self, variables: Mapping[str, Any]) -> Path:
        """The private key that lets us into a server: `hive_private_key_path`, or the stage's own.

        :param variables: of the server.
        """
        return Path(str(variables.get("hive_private_key_path") or self.context.context_dir / "id_rsa"))

    def select_hosts(self, limit: Sequence[str] | None) -> tuple[str, ...]:
        """Inventory names of the servers that `limit` names, in the site's order.

        :param limit: inventory names or short names; None is all.
        :raises UsageError: a name fits no server of the stage.
        """
        servers = self.inventory.servers
        if limit is None:
            return tuple(servers)
        short = {name.split(".", 1)[0]: name for name in servers}
        unknown = [name for name in limit if name not in servers and name not in short]
        if unknown or not limit:
            name = unknown[0] if unknown else ""
            raise UsageError(f"stage {self.context.stage} has no host {name!r}", nearest(name, [*servers, *short]))
        wanted = {short.get(name, name) for name in limit}
        return tuple(name for name in servers if name in wanted)

    @cached_property
    def provider(self) -> Provider:
        """The infrastructure of the stage."""
        from hive_nornir.inventory.providers.registry import provider_named

        return provider_named(str(self.inventory.scope(self.inventory.mother)["hive_provider"]))

    def provider_site(self, progress: Any = lambda _name, _text: None) -> ProviderSite:
        """What the provider is told about the stage.

        :param progress: called with (name, plain words) as a provider works.
        """
        from hive_nornir.inventory.providers.base import ProviderSite, ServerSpec

        inventory = self.inventory
        servers = [
            ServerSpec(name, str(inventory.scope(name)["hive_private_ip"]), inventory.object(name).groups, inventory.scope(name))
            for name in inventory.servers
        ]
        return ProviderSite(
            hive_name=inventory.hive_name,
            stage=self.context.stage,
            root=self.context.root,
            context_dir=self.context.context_dir,
            servers=servers,
            mother=inventory.scope(inventory.mother),
            progress=progress,
        )

    def resources(self) -> list[Resource]:
        """Every resource of the stage's infrastructure with its state; reads only."""
        return self.provider.plan(self.provider_site())
