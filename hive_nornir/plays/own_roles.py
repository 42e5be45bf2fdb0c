"""Roles that do not come with hive-nornir: a site's `roles/NAME.py`, and other packages' (entry points `hive_nornir.roles`)."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from hive_nornir.errors import DefinitionErrors, HiveError, Problem
from hive_nornir.tasks.role import Role
from hive_nornir.tasks.servers.plugin import load_plugin

__all__ = ["OVERRIDES", "of_package", "own_role_files", "own_roles", "role_of_file", "used_in_containers"]

# They override built-in roles of the same name, in those roles' own places.
OVERRIDES = ("addon", "addon2")


def own_roles(root: Path | None) -> tuple[Role, ...]:
    """The roles of other packages and of the site that work on servers, in the order of their names.

    :param root: the site's folder; None is no site.
    :raises DefinitionErrors: a file of the site is no role; names file and line.
    """
    inside = used_in_containers(root)
    points = [point for point in sorted(entry_points(group="hive_nornir.roles")) if point.name.replace("-", "_") not in inside]
    files = [file for file in own_role_files(root) if file.stem not in inside]
    return (*(of_package(point.name, point.load()) for point in points), *map(role_of_file, files))


def own_role_files(root: Path | None) -> list[Path]:
    """The files of the site's own roles, `roles/NAME.py`, but for those that stand for addon and addon2."""
    return [file for file in sorted((root / "roles").glob("*.py")) if file.stem not in OVERRIDES] if root else []


def used_in_containers(root: Path | None) -> set[str]:
    """The roles that an image or a service of any stage names, with underscores: they work in containers and never on servers.

    Names that a template makes are not seen. The definitions are only looked at: what is wrong in them is told when they are loaded.
    """
    found: set[str] = set()
    for file in sorted((root / "inventory").glob("[!.]*")) if root else []:
        content = _content(file)
        services = content.get("services") if isinstance(content, dict) else None
        for service in services.values() if isinstance(services, dict) else []:
            if isinstance(service, dict):
                image = service.get("image")
                lists = [service.get("initialize_roles"), image.get("roles") if isinstance(image, dict) else None]
                found |= {str(name).replace("-", "_") for names in lists if isinstance(names, list) for name in names}
    return found


def _content(file: Path) -> Any:
    import yaml

    if file.suffix not in (".yml", ".yaml") or not file.is_file():
        return None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(file.read_text("utf-8"), Loader=loader)  # noqa: S506 - the C one of the safe loader
    except (yaml.YAMLError, OSError, UnicodeDecodeError):
        return None


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


def of_package(name: str, found: object) -> Role:
    """What an entry point leads to.

    :raises HiveError: it is no role.
    """
    if not isinstance(found, Role):
        raise HiveError(f"the entry point hive_nornir.roles:{name} is no role", "it must name a function with the decorator @role()")
    return found
