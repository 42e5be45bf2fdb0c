"""What roles there are, derived from the plays and the roles themselves."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["RoleInfo", "VariableInfo", "role_catalogue"]


@dataclass(frozen=True)
class VariableInfo:
    """A variable that a role reads; `default` is as in JSON, None when there is none."""

    name: str
    type: str
    default: Any
    description: str


@dataclass(frozen=True)
class RoleInfo:
    """A role as `hive-nornir roles` shows it.

    :param group: the hosts that it runs on.
    :param condition: when it applies, in words.
    :param doc: its whole documentation.
    """

    name: str
    play: str
    group: str
    condition: str
    summary: str
    doc: str
    variables: tuple[VariableInfo, ...]
    source: str


def role_catalogue(root: Path | None = None) -> list[RoleInfo]:
    """Every role in the order in which it runs.

    :param root: the site's folder, for its own roles; None is no site.
    :raises DefinitionErrors: a file of the site's own roles is wrong.
    """
    from hive_nornir.plays.setup_hosts import plays_of

    return [
        RoleInfo(
            role.name,
            play.title,
            play.group,
            role.condition,
            role.summary,
            inspect.cleandoc(role.__doc__ or ""),
            tuple(
                VariableInfo(
                    name,
                    _type_name(field.annotation),
                    None if field.is_required() else field.get_default(call_default_factory=True),
                    field.description or "",
                )
                for name, field in role.variables.model_fields.items()
            ),
            role.__module__,
        )
        for play in plays_of(root)
        for role in play.roles
    ]


def _type_name(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")
