"""The variables of the inventory, and of the command itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from hive_nornir.inventory.known_variables import SITE_VARIABLES
from hive_nornir.inventory.persistent_variables import PHASES, VARIABLES, PersistentVariable
from hive_nornir.inventory.server_variables import SERVER_VARIABLES, host_group_variables
from hive_nornir.inventory.service_variables import OBJECT_VARIABLES
from scripts.reference.descriptions import COMMAND, DERIVED, OF_ANSIBLE, SITE
from scripts.reference.markdown import code, link, prose, table
from scripts.reference.roles import IMAGE_ROLES, SERVER_ROLES
from scripts.reference.shapes import field_rows

__all__ = ["declared_by_roles", "inventory_names", "variables"]

_INTRODUCTION = """# Variables

Variables of the inventory are set in `inventory/group_vars/GROUP.yml` and `inventory/host_vars/NAME.yml`, and read by roles and
templates. A variable `hive_…` that nobody reads is an error; other names are the site's own, and free. From weak to strong:
`group_vars/all`, other groups (`servers`, `hives`, `repository`, `services`, `images`, `networks`, the stage and so on; parents before
their children), `host_vars`, and what the command passes on. A variable replaces a weaker one whole; maps are not merged.

Where roles differ in what they say of a variable, the first one's words stand here; [the roles](roles.md) have all of them. An empty
default is none. Variables for one infrastructure name it; those that `hive-nornir providers` does not list are to come.
"""
_ATTRIBUTES = """[Attributes](attributes.md) are variables of what they belong to, with `hive_` before their names. Roles and
templates read them, and a site may set them in its variables' files too, for example `hive_memory_size` of one server.
"""
_COMMAND = """## Variables of the command

`hive-nornir set NAME VALUE` stores one, for the site or for its stage; `get` and `variables` show, `unset` forgets. From weak to strong:
the default, stored values, the environment, options. One that is stored for nothing cannot be set. Secrets are kept in a file of their own
and never shown.
"""


_TYPES = {
    "str": "text",
    "int": "integer",
    "bool": "boolean",
    "directory": "directory",
    "dict": "map, as JSON",
    "proxy": "`host:port`",
    "enum": "text",
}


@dataclass
class _Declared:
    """A variable as its first role declares it, and all that read it."""

    type: str
    default: str
    description: str
    readers: list[str] = field(default_factory=list)


def variables() -> str:
    """The document variables.md."""
    declared = _declared()
    names = inventory_names()
    sections = [
        _INTRODUCTION,
        "## What a site sets\n",
        table(["Variable", "Type", "Default", "Read by", "Description"], _site(declared, names)),
        "## What attributes become\n",
        _ATTRIBUTES,
        "Of servers, from their stage:\n",
        _list(SERVER_VARIABLES - DERIVED.keys()),
        "Of services, images, volumes and networks:\n",
        _list(OBJECT_VARIABLES - DERIVED.keys()),
        "## What is computed\n",
        "To be read, not to be set.\n",
        table(["Variable", "Template", "Read by", "Description"], _computed(declared)),
        _COMMAND,
        table(["Variable", "Type", "Default", "Stored for", "Environment", "In templates", "Description"], map(_command_row, _own())),
        "Settings of Ansible that hive-builder stored can be read and set, and nothing uses them:\n",
        _list(OF_ANSIBLE),
    ]
    return "\n".join(sections)


def inventory_names() -> list[str]:
    """The variables that a site sets, whether roles read them or not."""
    others = {*SERVER_VARIABLES, *OBJECT_VARIABLES, *DERIVED, *_of_templates(), *(each.exported for each in VARIABLES)}
    return sorted({*SITE_VARIABLES, *_declared()} - others)


def declared_by_roles(name: str) -> bool:
    """Whether a role declares a variable, and so describes it."""
    return name in _declared()


def _of_templates() -> dict[str, str]:
    """Variables of servers that are made of others by a template -> that template."""
    return host_group_variables()["hosts"]


@lru_cache
def _declared() -> dict[str, _Declared]:
    found: dict[str, _Declared] = {}
    for name, role in {**SERVER_ROLES, **IMAGE_ROLES}.items():
        schema = role.variables.model_json_schema()
        for quoted, kind, default, description in field_rows(schema, schema.get("$defs", {}), lambda _name: ""):
            default = "" if default == "required" else default
            found.setdefault(quoted.strip("`"), _Declared(kind, default, description)).readers.append(link(name, name, "roles.md"))
    return found


def _site(declared: dict[str, _Declared], names: list[str]) -> Iterator[tuple[str, ...]]:
    for name in names:
        each = declared.get(name, _Declared("", "", ""))
        yield code(name), each.type, each.default, ", ".join(each.readers), prose(SITE[name]) if name in SITE else each.description


def _computed(declared: dict[str, _Declared]) -> Iterator[tuple[str, ...]]:
    templates = _of_templates()
    for name in sorted({*DERIVED, *templates}):
        readers = declared[name].readers if name in declared else []
        yield code(name), code(templates[name]) if name in templates else "", ", ".join(readers), prose(DERIVED.get(name, ""))


def _own() -> Iterator[PersistentVariable]:
    return (each for each in VARIABLES if each.name not in OF_ANSIBLE)


def _command_row(variable: PersistentVariable) -> tuple[str, ...]:
    choices = "name of a phase" if variable.choices == PHASES else ", ".join(map(code, variable.choices))
    default = (
        "" if variable.default is None else str(variable.default).lower() if isinstance(variable.default, bool) else str(variable.default)
    )
    return (
        code(variable.name),
        choices or _TYPES[variable.type],
        default and code(default),
        {"global": "site", "stage": "stage", "none": ""}[variable.scope],
        variable.environment and code(variable.environment),
        variable.exported and code(variable.exported),
        prose(COMMAND.get(variable.name, "")) + (" Secret." if variable.secret else ""),
    )


def _list(names: frozenset[str] | set[str]) -> str:
    return ", ".join(map(code, sorted(names))) + ".\n"
