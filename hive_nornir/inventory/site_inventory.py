"""The inventory of a site in one stage: definitions, computed objects, numbers and variables, put together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cached_property
from importlib.metadata import entry_points
from typing import Any

from hive_nornir.errors import DefinitionErrors, HiveError, Problem, UsageError, nearest
from hive_nornir.inventory import ansible_export
from hive_nornir.inventory.compute import compute
from hive_nornir.inventory.context import SiteContext
from hive_nornir.inventory.definitions import BUILTIN_PROVIDERS, Definitions, load_definitions
from hive_nornir.inventory.groups import GROUPS
from hive_nornir.inventory.known_variables import unknown_variables
from hive_nornir.inventory.lookups import Lookups
from hive_nornir.inventory.model import ComputedInventory, InventoryObject
from hive_nornir.inventory.numbers import Numbers, persist_numbers, read_numbers
from hive_nornir.inventory.persistents import Persistents
from hive_nornir.inventory.templating import Templar, site_filters
from hive_nornir.inventory.variable_files import VariableFiles, load_variable_files
from hive_nornir.inventory.variables import SiteVariables, VariableScope

__all__ = ["SiteInventory"]


class SiteInventory:
    """A site's servers, groups, services and their variables, as one stage sees them. Made by `load`.

    :ivar context: the site and stage.
    :ivar definitions: what the definition files say.
    :ivar computed: all objects and groups, of all stages.
    :ivar variables: the variables of all objects.
    """

    def __init__(
        self, context: SiteContext, definitions: Definitions, numbers: Numbers, variables: SiteVariables, lookups: Lookups
    ) -> None:
        self.context = context
        self.definitions = definitions
        self.variables = variables
        self.computed: ComputedInventory = variables.computed
        self._numbers = numbers
        self._lookups = lookups

    @classmethod
    def load(cls, context: SiteContext, *, injected: Mapping[str, Any] | None = None) -> SiteInventory:
        """Read and check everything; writes nothing.

        Numbers that are not recorded yet (published ports, DRBD device ids) are those that `allocate` will record.

        :param injected: variables above all others, besides those that the command always injects (spec cli.md 3).
        :raises DefinitionErrors: with everything that is wrong in the definitions and variables files.
        :raises UsageError: the stage is not defined, or has no such first hive.
        """
        definitions, numbers = _definitions(context)
        computed = compute(definitions, _first_hives(context, definitions), numbers.device_ids, numbers.ports)
        files = load_variable_files(context.inventory_path, ["all", *computed.groups], computed.objects)
        if files.problems:
            raise DefinitionErrors(files.problems)
        lookups = Lookups(context.root, context.env)
        templar = Templar(lookups.globals(), site_filters(context.root / "plugins" / "filter"))
        given = {"inventory_dir": str(context.inventory_path), **context.persistents.exported(), **(injected or {})}
        return cls(context, definitions, numbers, SiteVariables(computed, files, context.stage, given, templar), lookups)

    @property
    def hive_name(self) -> str:
        """The hive's name, the end of every server's name."""
        return self.computed.hive_name

    @cached_property
    def groups(self) -> dict[str, list[str]]:
        """Group -> its members in this stage, in order, those of child groups too."""
        return {group: self.variables.of_stage(group) for group in self.variables.group_names()}

    @property
    def servers(self) -> list[str]:
        """The stage's servers in order, the repository last."""
        return self.groups["servers"]

    @property
    def hives(self) -> list[str]:
        """The stage's container hosts, in order."""
        return self.groups["hives"]

    @property
    def repository(self) -> str:
        """The stage's repository server."""
        return self.groups["repository"][0]

    @property
    def mother(self) -> str:
        """The object of this machine in the stage."""
        return self.groups["mother"][0]

    @property
    def services(self) -> list[str]:
        """The stage's services, in the order of the definitions."""
        return self.groups["services"]

    @property
    def volumes(self) -> list[str]:
        """The stage's volumes of any kind, as services call them; their objects are named `volume_<name>`."""
        kinds = [name for group in ("volumes", "drbd_volumes", "nfs_volumes") for name in self.groups[group]]
        return [name.removeprefix("volume_") for name in self.computed.objects if name in kinds]

    @property
    def stale_volumes(self) -> tuple[str, ...]:
        """Volumes that have a DRBD device id in the stage and are not defined any more (spec inventory.md 5.2)."""
        return self._numbers.stale_volumes[self.context.stage]

    @property
    def networks(self) -> list[str]:
        """The stage's networks."""
        return self.groups["networks"]

    def object(self, name: str) -> InventoryObject:
        """An object by its name, of any stage.

        :raises UsageError: there is none.
        """
        found = self.computed.objects.get(name)
        if found is None:
            raise UsageError(f"the inventory has no {name!r}", nearest(name, self.computed.objects))
        return found

    def scope(self, name: str) -> VariableScope:
        """An object's variables, rendered when read.

        :raises UsageError: there is no such object.
        """
        return self.variables.scope(self.object(name).name)

    def allocate(self) -> None:
        """Get ready to change things: record the stage's numbers, and let templates make the passwords that do not exist yet.

        Every command that changes something calls this once, before it reads variables. Doing it again does no harm.

        :raises HiveError: another command has recorded other numbers since this inventory was loaded.
        """
        self.context.prepare()
        if not persist_numbers(self.context.persistents.store, self.definitions, self.context.stage, self._numbers):
            raise HiveError("another command has assigned ports or device ids in the meantime", "run this one again")
        self._lookups.create = True
        self.variables.forget()

    def secret(self, name: str) -> str:
        """A secret of the stage, in the file `name` of the context directory (0600): made when first needed, one for each purpose.

        :param name: `registry_password`, as hive-builder has it, or another purpose's.
        :returns: 15 letters and digits; in a plan, when it does not exist yet, words that say so.
        """
        return self._lookups.password(str(self.context.context_dir / name), length=15, chars="ascii_letters,digits")

    @property
    def passwords(self) -> Collection[str]:
        """Every password that templates and roles were given so far, for logs to mask."""
        return self._lookups.issued

    def unknown_variables(self, known: Collection[str]) -> DefinitionErrors | None:
        """`hive_…` variables in `group_vars` and `host_vars` that nobody reads, as an error to raise or show.

        :param known: the variables that roles and providers declare; those of the specification, those that are computed or injected and
            those that the site's own templates and roles name are known besides.
        """
        problems = unknown_variables(self.variables, self.context.root, known)
        return DefinitionErrors(problems) if problems else None

    def located(self, problem: Problem, name: str, variable: str) -> Problem:
        """A problem with a variable, with the file and line where the variable is defined, if it is in a file."""
        place = self.variables.place(self.object(name), variable)
        return replace(problem, file=place[0], line=place[1]) if place else problem

    def ansible_list(self) -> dict[str, Any]:
        """Ansible's dynamic inventory, `--list`: all stages, variables as defined."""
        return ansible_export.ansible_list(self.variables)

    def ansible_host(self, name: str) -> dict[str, Any]:
        """Ansible's dynamic inventory, `--host`: an object's variables as defined."""
        return ansible_export.ansible_host(self.variables, self.object(name).name)

    def graph(self) -> str:
        """The tree of groups and their members, of all stages, as `ansible-inventory --graph` draws it."""
        return ansible_export.graph(self.variables)

    def _repr_html_(self) -> str:
        from hive_nornir.runs import html

        return html.inventory(self)


def _definitions(context: SiteContext) -> tuple[Definitions, Numbers]:
    providers = {*BUILTIN_PROVIDERS, *(point.name for point in entry_points(group="hive_nornir.providers"))}
    try:
        definitions = load_definitions(context.root, providers, inventory=context.inventory_path)
        numbers = read_numbers(context.persistents.store, definitions)
    except DefinitionErrors as error:
        # All problems at once: what the variables files show by themselves belongs to them.
        others: VariableFiles = load_variable_files(context.inventory_path, ["all", *GROUPS], None)
        raise DefinitionErrors([*error.problems, *others.problems]) from None
    if context.stage not in definitions.stages:
        raise UsageError(
            f"stage {context.stage} is not defined in the hive definition",
            f"defined: {', '.join(definitions.stages)}; choose one with --stage or `set stage`",
        )
    return definitions, numbers


def _first_hives(context: SiteContext, definitions: Definitions) -> dict[Any, int]:
    others = {stage: Persistents(context.root, stage) for stage in definitions.stages if stage != context.stage}
    return {stage: int(own.get("first_hive")[0]) for stage, own in {**others, context.stage: context.persistents}.items()}
