"""The variables of every object in one stage: Ansible's precedence, rendered when read.

From weak to strong: the definitions' group variables, `group_vars/all`, `group_vars/<group>` (parents before children, peers in
alphabetical order), the definitions' own variables of the object, `host_vars`, what the command injects. That is Ansible's documented
order ("Understanding variable precedence", "How variables are merged"). A variable replaces a weaker one whole, maps are not merged.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hive_nornir.inventory.model import STAGES, ComputedInventory, InventoryObject, Stage
from hive_nornir.inventory.template_names import TemplateNames
from hive_nornir.inventory.template_values import OMIT, RenderError, UndefinedVariableError
from hive_nornir.inventory.templating import Templar, is_template
from hive_nornir.inventory.variable_files import VariableFiles

__all__ = ["SiteVariables", "VariableScope"]


class SiteVariables:
    """Variables of all objects of a site, as one stage sees them.

    :param computed: the site's objects and groups, of all stages.
    :param files: `group_vars/` and `host_vars/`.
    :param stage: an object that exists in several stages gets this one's group variables, never another's (spec inventory.md 8.5).
    :param injected: what the command sets, above everything.
    """

    def __init__(
        self, computed: ComputedInventory, files: VariableFiles, stage: Stage, injected: Mapping[str, Any], templar: Templar
    ) -> None:
        self.computed = computed
        self.files = files
        self.stage = stage
        self.injected = dict(injected)
        self.templar = templar
        self._depths = _depths(computed.children)
        self._of_groups: dict[tuple[str, ...], dict[str, Any]] = {}
        self._scopes: dict[str, VariableScope] = {}
        self._open = _Open()

    def scope(self, name: str) -> VariableScope:
        """An object's variables.

        :raises KeyError: there is no such object.
        """
        scope = self._scopes.get(name)
        if scope is None:
            scope = self._scopes.setdefault(name, VariableScope(self, self.computed.objects[name]))
        return scope

    def forget(self) -> None:
        """Render everything anew, because secrets can be made from now on."""
        for scope in self._scopes.values():
            scope.forget()

    def defined(self, name: str) -> dict[str, Any]:
        """An object's variables as they are written, templates not rendered, without injected ones."""
        owner = self.computed.objects[name]
        stage = self.stage_of(owner)
        return {**self.of_groups(owner), **owner.variables_in(stage), **self.files.objects.get(name, {})}

    def groups_of(self, owner: InventoryObject) -> list[str]:
        """The groups whose variables an object gets, weakest first, without `all`."""
        stage = self.stage_of(owner)
        groups = {group for group in owner.groups if group not in STAGES or group == stage}
        return sorted(groups, key=lambda group: (self._depths.get(group, 1), group))

    def stage_of(self, owner: InventoryObject) -> Stage:
        """The stage in which an object is seen: the current one, or its own first if it is not there."""
        return self.stage if self.stage in owner.stages or not owner.stages else owner.stages[0]

    def of_groups(self, owner: InventoryObject) -> dict[str, Any]:
        """What an object gets from its groups. Objects with the same groups share the answer: do not change it."""
        groups = ("all", *self.groups_of(owner))
        if groups not in self._of_groups:
            layers = [self.computed.group_variables, self.files.groups]
            self._of_groups[groups] = {name: value for layer in layers for group in groups for name, value in layer.get(group, {}).items()}
        return self._of_groups[groups]

    def place(self, owner: InventoryObject, variable: str) -> tuple[Path, int] | None:
        """The file and line that give an object a variable; None when the definitions or the command do."""
        above = variable in self.files.objects.get(owner.name, {})
        if variable in self.injected or (variable in owner.variables_in(self.stage_of(owner)) and not above):
            return None
        return self.files.place([owner.name, *reversed(self.groups_of(owner)), "all"], variable)

    def of_stage(self, group: str) -> list[str]:
        """The members of a group in the current stage, in order, those of its child groups too."""
        objects = self.computed.objects
        return [name for name in self.members(group) if self.stage in objects[name].stages]

    def members(self, group: str) -> list[str]:
        """The members of a group in all stages, in order, those of its child groups too."""
        if group == "all":
            return list(self.computed.objects)
        found = dict.fromkeys(self.computed.groups.get(group, []))
        for child in self.computed.children.get(group, []):
            found.update(dict.fromkeys(self.members(child)))
        return list(found)

    def group_names(self) -> list[str]:
        """All groups of the site, with `all`."""
        return ["all", *dict.fromkeys([*self.computed.groups, *self.computed.children])]


class VariableScope(Mapping[str, Any]):
    """The variables of one object. Reading one renders it, in this scope, and what it needs; nothing else.

    A variable that is missing, or that is `omit`, is a KeyError, as in any map; one that cannot be rendered is a RenderError that
    names the object, the variable and what is wrong.
    """

    def __init__(self, site: SiteVariables, owner: InventoryObject) -> None:
        self.owner = owner
        self._site = site
        self._raw: dict[str, Any] = {**site.defined(owner.name), **site.injected}
        self._values: dict[str, Any] = {}
        self._names = TemplateNames(self, site)

    @property
    def names(self) -> TemplateNames:
        """The variables as templates see them, with `groups`, `hostvars` and `inventory_hostname`."""
        return self._names

    @property
    def label(self) -> str:
        """How messages call the object."""
        return f"{self.owner.kind} {self.owner.name}"

    def __getitem__(self, name: str) -> Any:
        value = self.value(name)
        if value is OMIT:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        if name not in self._raw:
            return False
        raw = self._raw[str(name)]
        try:
            return not (is_template(raw) and "omit" in raw) or self.value(str(name)) is not OMIT
        except UndefinedVariableError:
            return True

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._raw if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<variables of {self.label}>"

    def render(self, value: Any, attribute: str) -> Any:
        """A value of the definitions, rendered in this scope.

        :param value: texts, lists and maps of any depth; a key or item that is `omit` is left out.
        :param attribute: what messages call it.
        :return: the value; `template_values.OMIT` when the whole of it is omitted.
        :raises RenderError: naming the object, the attribute and, for an undefined variable, the variable.
        """
        if isinstance(value, dict):
            items = ((self._key(key, attribute), self.render(item, f"{attribute}.{key}")) for key, item in value.items())
            return {key: item for key, item in items if item is not OMIT}
        if isinstance(value, list):
            rendered = (self.render(item, f"{attribute}[{index}]") for index, item in enumerate(value))
            return [item for item in rendered if item is not OMIT]
        return self._text(value, attribute) if is_template(value) else value

    def forget(self) -> None:
        """Render everything anew."""
        self._values = {}

    def value(self, name: str) -> Any:
        """Like `[name]`, but OMIT for a variable that is omitted."""
        if name not in self._values:
            with self._site._open.of(self, name):
                self._values[name] = self.render(self._raw[name], name)
        return _fresh(self._values[name])

    def _key(self, key: Any, attribute: str) -> Any:
        return self._text(key, f"{attribute}, a key") if is_template(key) else key

    def _text(self, text: str, attribute: str) -> Any:
        try:
            return self._site.templar.render(text, self._names)
        except RenderError as error:
            if error.located:
                raise
            message = f"{self._where(attribute)}{self.label}: {attribute}: {error.message}"
            raise type(error)(message, error.hint, located=True) from None

    def _where(self, attribute: str) -> str:
        """`file:line: ` of the variable that an attribute belongs to (`hive_users` of `hive_users.me[0]`); "" when it is in no file."""
        place = self._site.place(self.owner, re.split(r"[.\[,]", attribute, maxsplit=1)[0])
        return f"{place[0]}:{place[1]}: " if place else ""


class _Open(threading.local):
    """The variables that a thread is rendering, outermost first: one that comes twice needs itself."""

    def __init__(self) -> None:
        self.names: list[tuple[str, str]] = []

    def of(self, scope: VariableScope, name: str) -> _Open:
        key = scope.label, name
        if key in self.names:
            circle = [variable for _, variable in self.names[self.names.index(key) :]]
            words = f"{scope.label}: {name}: the variable needs itself: {' -> '.join([*circle, name])}"
            raise RenderError(f"{scope._where(name)}{words}", located=True)
        self.names.append(key)
        return self

    def __enter__(self) -> None:
        """The variable is being rendered."""

    def __exit__(self, *_: object) -> None:
        self.names.pop()


def _fresh(value: Any) -> Any:
    # A template may append to what it gets; the next reader must not see that.
    if isinstance(value, dict):
        return {key: _fresh(item) for key, item in value.items()}
    return [_fresh(item) for item in value] if isinstance(value, list) else value


def _depths(children: Mapping[str, list[str]]) -> dict[str, int]:
    """How far below `all` each group is, on its longest way; groups that nobody contains are at 1."""
    parents: dict[str, list[str]] = {}
    for parent, members in children.items():
        for child in members:
            if parent != "all":
                parents.setdefault(child, []).append(parent)

    def depth(group: str) -> int:
        return 1 + max((depth(parent) for parent in parents.get(group, [])), default=0)

    return {group: depth(group) for group in {*children, *parents}}
