"""Roles that do not come with hive-nornir: a site's `roles/NAME.py`, and other packages' (entry points `hive_nornir.roles`)."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

from hive_nornir.errors import DefinitionErrors, HiveError, Problem
from hive_nornir.tasks.role import Role
from hive_nornir.tasks.servers.plugin import load_plugin

__all__ = ["own_role_files", "own_roles", "role_of_file"]

# They override built-in roles of the same name, in those roles' own places.
OVERRIDES = ("addon", "addon2")


def own_roles(root: Path | None) -> tuple[Role, ...]:
    """The roles of other packages and of the site, in the order of their names.

    :param root: the site's folder; None is no site.
    :raises DefinitionErrors: a file of the site is no role; names file and line.
    """
    packages = [_of_package(point.name, point.load()) for point in sorted(entry_points(group="hive_nornir.roles"))]
    return (*packages, *(role_of_file(file) for file in own_role_files(root)))


def own_role_files(root: Path | None) -> list[Path]:
    """The files of the site's own roles, `roles/NAME.py`, but for those that stand for addon and addon2."""
    return [file for file in sorted((root / "roles").glob("*.py")) if file.stem not in OVERRIDES] if root else []


def role_of_file(file: Path) -> Role:
    """The role of which a file has the name.

    :raises DefinitionErrors: the file cannot be read as Python, or has no role of its name.
    """
    plugin = load_plugin(file, file.stem)
    if not plugin.is_role:
        raise DefinitionErrors(
            [Problem(file, 0, f"the function {file.stem} is no role", "give it the decorator @role(); see `hive-nornir new role`")]
        )
    return plugin.role


def _of_package(name: str, found: object) -> Role:
    if not isinstance(found, Role):
        raise HiveError(f"the entry point hive_nornir.roles:{name} is no role", "it must name a function with the decorator @role()")
    return found
