"""Names for completion, read straight from the files: validating definitions and importing roles takes longer than a prompt may (200 ms).

What is offered here is checked when the command runs, so a name too many does no harm; tests hold both readings against each other.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hive_nornir.inventory.context import SiteContext

__all__ = ["quick_hosts", "quick_roles", "quick_services"]

_PREFIXES = {"private": "p-", "staging": "s-", "production": ""}


def quick_hosts(context: SiteContext) -> list[str]:
    """The stage's servers in order (spec inventory.md 3)."""
    for definition in _definitions(context, "hive_inventory"):
        stage = definition.get("stages", {}).get(context.stage) or {}
        default = 4 if stage.get("separate_repository", True) else 3
        count = len(stage.get("ip_address_list") or ()) or stage.get("number_of_hosts", default)
        stem = f"{_PREFIXES[context.stage]}{stage.get('custom_hostname', 'hive')}"
        return [f"{stem}{number}.{definition['name']}" for number in range(count)] if stage else []
    return []


def quick_services(context: SiteContext) -> list[str]:
    """The stage's services in the order of the definitions."""
    return [
        str(name)
        for definition in _definitions(context, "hive_services")
        for name, service in definition.get("services", {}).items()
        if context.stage in (service.get("available_on") or definition.get("available_on") or _PREFIXES)
    ]


def quick_roles(root: Path | None = None) -> list[str]:
    """The roles in order, and the tags of their plays, from the text of the play's module; then those of the site's folder `roles`."""
    import ast
    from importlib.util import find_spec

    spec = find_spec("hive_nornir.plays")
    folder = Path(str(spec and next(iter(spec.submodule_search_locations or ()))))
    names: list[str] = []
    for node in ast.walk(ast.parse((folder / "setup_hosts.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Play":
            _, _, tag, roles = node.args
            names += [role.id.replace("_", "-") for role in ast.walk(roles) if isinstance(role, ast.Name)]
            names += [tag.value] if isinstance(tag, ast.Constant) and isinstance(tag.value, str) else []
    own = sorted((root / "roles").glob("*.py")) if root else []
    return list(dict.fromkeys([*names, *(file.stem.replace("_", "-") for file in own)]))


def _definitions(context: SiteContext, plugin: str) -> list[dict[str, Any]]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    files = sorted(file for file in context.inventory_path.iterdir() if file.suffix in (".yml", ".yaml"))
    contents = [yaml.load(file.read_text(encoding="utf-8"), Loader=loader) for file in files]  # noqa: S506 - the C one of the safe loader
    return [content for content in contents if isinstance(content, dict) and content.get("plugin") == plugin]
