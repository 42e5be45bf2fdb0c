"""What a template sees by name: its object's variables and Ansible's magic ones (spec inventory.md 7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hive_nornir.inventory.template_values import HiveUndefined, UndefinedVariableError, note_secrets

if TYPE_CHECKING:
    from hive_nornir.inventory.variables import SiteVariables, VariableScope

__all__ = ["TemplateNames"]


class TemplateNames(Mapping[str, Any]):
    """The names that a template of one object can use; also what `hostvars['name']` gives.

    A variable that cannot be rendered because something in it is undefined is undefined itself, so that
    `hostvars[x].a | default('')` works; it fails where it is used, and says why.
    """

    def __init__(self, scope: VariableScope, site: SiteVariables) -> None:
        self._scope = scope
        self._magic: dict[str, Callable[[], Any]] = {
            "group_names": lambda: sorted(site.groups_of(scope.owner)),
            "groups": lambda: _Groups(site),
            "hostvars": lambda: _HostVars(site),
            "inventory_hostname": lambda: scope.owner.name,
            "inventory_hostname_short": lambda: scope.owner.name.split(".", 1)[0],
        }

    def __getitem__(self, name: str) -> Any:
        if name in self._magic:
            return self._magic[name]()
        try:
            value = self._scope[name]
        except UndefinedVariableError as error:
            return HiveUndefined(hint=f"variable {name!r} cannot be rendered: {error}", name=name)
        note_secrets(value)
        return value

    def __contains__(self, name: object) -> bool:
        return name in self._magic or name in self._scope

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._scope, *self._magic]))

    def __len__(self) -> int:
        return len(list(iter(self)))


class _Groups(Mapping[str, list[str]]):
    """`groups`: the members of every group, of all stages; sites narrow it with `intersect(groups[hive_stage])`."""

    def __init__(self, site: SiteVariables) -> None:
        self._site = site

    def __getitem__(self, group: str) -> list[str]:
        if group not in self:
            raise KeyError(group)
        return self._site.members(group)

    def __contains__(self, group: object) -> bool:
        return group in self._site.group_names()

    def __iter__(self) -> Iterator[str]:
        return iter(self._site.group_names())

    def __len__(self) -> int:
        return len(self._site.group_names())


class _HostVars(Mapping[str, TemplateNames]):
    """`hostvars`: the variables of any object, rendered in that object's own scope."""

    def __init__(self, site: SiteVariables) -> None:
        self._site = site

    def __getitem__(self, name: str) -> TemplateNames:
        return self._site.scope(name).names

    def __iter__(self) -> Iterator[str]:
        return iter(self._site.computed.objects)

    def __len__(self) -> int:
        return len(self._site.computed.objects)
