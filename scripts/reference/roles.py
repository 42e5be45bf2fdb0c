"""The phases, and the roles and steps that they are made of."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

from hive_nornir.inventory.providers.registry import provider_catalogue
from hive_nornir.plays.container_roles import BUILTIN
from hive_nornir.plays.play import Play
from hive_nornir.plays.setup_hosts import PLAYS
from hive_nornir.site import PHASES
from hive_nornir.tasks.role import Role
from scripts.reference.attributes import HEADINGS
from scripts.reference.markdown import code, link, prose, table
from scripts.reference.shapes import field_rows, model_text

__all__ = ["IMAGE_ROLES", "SERVER_ROLES", "roles"]

SERVER_ROLES: dict[str, Role] = {role.name: role for play in PLAYS for role in play.roles}
"""Those of setup-hosts, in the order in which they first run."""
IMAGE_ROLES: dict[str, Role] = dict(BUILTIN)
_INTRODUCTION = """# Phases and roles

A site is built in phases, each a command of `hive-nornir`, and `hive-nornir all` runs those that are left to do. `setup-hosts` is made of
roles, which `--roles` chooses by their names or by the tag of their play; `hive-nornir roles NAME` tells of a role what stands here. A
site adds roles of its own as files in its folder `roles`; `hive-nornir new role NAME` writes one.
"""


def roles() -> str:
    """The document roles.md."""
    sections = [_INTRODUCTION, table(["Phase", "What it is about"], [(_phase_link(phase), _about(phase)) for phase in PHASES])]
    sections.append(_overview())
    for phase in PHASES:
        sections.append(f"## {phase}\n\n{_capital(_about(phase))}.\n")
        sections += _CONTENTS[phase]() if phase in _CONTENTS else _steps(_module(phase))
    sections.append(
        "## Roles of images\n\nWhat `roles` of an image, or `initialize_roles` of a service, may name beside the site's own roles.\n"
    )
    sections += [_role(role, "images and containers") for role in IMAGE_ROLES.values()]
    return "\n".join(sections)


def _overview() -> str:
    rows = [(link(role.name, role.name), code(play.group), prose(role.summary)) for play, role in _first_places()]
    rows += [(link(role.name, role.name), "images", prose(role.summary)) for role in IMAGE_ROLES.values()]
    return table(["Role", "On", "What it does"], rows)


def _first_places() -> Iterator[tuple[Play, Role]]:
    seen: set[str] = set()
    for play in PLAYS:
        for role in play.roles:
            if role.name not in seen:
                seen.add(role.name)
                yield play, role


def _setup_hosts() -> Iterator[str]:
    first = {(play.title, role.name) for play, role in _first_places()}
    yield "The plays run one after the other; in a play, the hosts side by side, each with one role after the other.\n"
    for number, play in enumerate(PLAYS, 1):
        names = ", ".join(link(role.name, role.name) for role in play.roles)
        yield f"### Play {number}: {play.title}\n\nOn the group {code(play.group)}, tag {code(play.tag)}: {names}.\n"
        for role in play.roles:
            if (play.title, role.name) in first:
                yield _role(role, f"the group {code(play.group)}")


def _role(role: Role, where: str) -> str:
    schema = role.variables.model_json_schema()
    definitions = schema.get("$defs", {})
    documentation = prose(inspect.cleandoc(role.__doc__ or ""))
    condition = "" if role.condition == "always" else f", if {prose(role.condition)}"
    parts = [f"#### {role.name}\n", f"{documentation}\n", f"Runs on {where}{condition}.\n"]
    parts.append(table(["Variable", "Type", "Default", "Description"], field_rows(schema, definitions, _name_of)))
    for name, definition in definitions.items():
        if name not in HEADINGS:
            rows = table(["Key", "Type", "Default", "Description"], field_rows(definition, definitions, _name_of))
            parts.append(f"*{_class_name(name)}*: {model_text(definition)}\n\n{rows}")
    return "\n".join(part for part in parts if part)


def _name_of(name: str) -> str:
    """A model's name; those of definitions are described there."""
    return link(HEADINGS[name].lower(), HEADINGS[name], "attributes.md") if name in HEADINGS else _class_name(name)


def _class_name(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def _providers() -> list[str]:
    rows = [(code(each.name), prose(each.description), each.extra and code(f"hive-nornir[{each.extra}]")) for each in provider_catalogue()]
    return ["A stage names its infrastructure:\n", table(["Provider", "Servers", "Needs"], rows)]


def _steps(module: ModuleType) -> Iterator[str]:
    """What a phase does with the site's objects: each function for one that its `run` names, in the order of the text."""
    found = [(function.__name__.replace("_", " "), prose(_paragraph(function))) for function in _functions(module)]
    yield table(["Step", "What it does"], found)


def _functions(module: ModuleType) -> Iterator[Callable[..., Any]]:
    tree = ast.parse(inspect.getsource(module.run))
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    for name in dict.fromkeys(node.id for node in sorted(names, key=lambda node: (node.lineno, node.col_offset))):
        function = getattr(module, name, None)
        if inspect.isfunction(function) and "SiteObject" in [
            str(each.annotation) for each in inspect.signature(function).parameters.values()
        ]:
            yield function


def _paragraph(function: Callable[..., Any]) -> str:
    return inspect.cleandoc(function.__doc__ or "").partition("\n\n")[0]


def _module(phase: str) -> ModuleType:
    return import_module(f"hive_nornir.plays.{phase.replace('-', '_')}")


def _about(phase: str) -> str:
    """The first line of its module, without the words that they all begin with."""
    return prose((_module(phase).__doc__ or "").splitlines()[0].removeprefix(f"The phase {phase}: ")).rstrip(".")


def _phase_link(phase: str) -> str:
    return link(phase, phase)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


_CONTENTS: dict[str, Callable[[], Iterable[str]]] = {"build-infra": _providers, "setup-hosts": _setup_hosts}
