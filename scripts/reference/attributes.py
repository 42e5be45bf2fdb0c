"""What may stand in the definition files."""

from __future__ import annotations

from typing import Any

from hive_nornir.inventory.definitions.files import HiveFile, ServicesFile
from hive_nornir.inventory.definitions.ports import PortDefinition
from hive_nornir.inventory.schema import json_schemas
from scripts.reference.markdown import link, table
from scripts.reference.shapes import field_rows, model_text

__all__ = ["HEADINGS", "attributes", "models"]

_INTRODUCTION = """# Attributes of the definitions

A site is defined in `inventory/*.yml`: one file with `plugin: hive_inventory`, the hive definition, and any number with
`plugin: hive_services`. An attribute that is not listed here is an error. `hive-nornir check` names every error at once.

Text may hold Jinja templates, and where the type says *template*, one may stand for the whole value. Templates are rendered when the
value is used, in the scope of the object that it belongs to. They are not rendered in names, `available_on`, `ports`, `standalone`,
`source` and `device_id` of volumes, numbers of hosts, and addresses.

What an attribute says can be read in templates as `hive_<attribute>`; see [variables](variables.md). Where the default is empty there is
none, or the description says what holds then. An attribute for one infrastructure names it; those that `hive-nornir providers` does not
list are to come.
"""

HEADINGS = {
    "HiveFile": "Hive definition",
    "StageDefinition": "Stage",
    "SubnetDefinition": "Subnet",
    "AzureImage": "Image of Azure",
    "SharedRepository": "Shared repository",
    "KickstartConfig": "Install medium",
    "KickstartNetwork": "Network interface of the install medium",
    "ServicesFile": "Service definitions",
    "ServiceDefinition": "Service",
    "ImageDefinition": "Image",
    "PortDefinition": "Port",
    "VolumeDefinition": "Volume",
    "DrbdDefinition": "Replicated volume",
    "NfsDefinition": "Volume on a file service",
    "NetworkAttachment": "Network that a service joins",
    "Placement": "Placement",
    "Logging": "Logging",
    "RestartConfig": "Restart policy",
    "Healthcheck": "Health check",
    "BackupScript": "Backup",
    "NetworkDefinition": "Network",
    "Ipam": "Addresses of a network",
}
"""Class -> the heading under which it is described, in the document's order."""


def attributes() -> str:
    """The document attributes.md."""
    known = models()
    sections = [_INTRODUCTION]
    for name in [*HEADINGS, *(name for name in known if name not in HEADINGS)]:
        rows = field_rows(known[name], known, _name_of)
        sections.append(
            f"## {_heading(name)}\n\n{model_text(known[name])}\n\n{table(['Attribute', 'Type', 'Default', 'Description'], rows)}"
        )
    return "\n".join(sections)


def _heading(name: str) -> str:
    return HEADINGS.get(name, name)


def _name_of(name: str) -> str:
    return link(_heading(name).lower(), _heading(name))


def models() -> dict[str, dict[str, Any]]:
    """Class -> its schema, of all that the two kinds of files are made of."""
    hive, services = json_schemas().values()
    files = {"HiveFile": {**hive, "description": HiveFile.__doc__}, "ServicesFile": {**services, "description": ServicesFile.__doc__}}
    return {**files, **hive["$defs"], **services["$defs"], "PortDefinition": PortDefinition.model_json_schema()}
