"""The resources of an infrastructure: what is there, what is missing, what would be destroyed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hive_nornir.cli.render.table import Cell, show_table

if TYPE_CHECKING:
    from hive_nornir.inventory.providers.base import Resource

__all__ = ["RESOURCE_COLUMNS", "resource_rows", "show_resources"]

RESOURCE_COLUMNS = ["kind", "name", "state", "detail"]

_STYLES = {"present": "good", "missing": "changed", "stopped": "changed", "differs": "changed", "unknown": "quiet"}


def show_resources(resources: Iterable[Resource], *, err: bool = False) -> None:
    """Print resources with their state."""
    show_table(RESOURCE_COLUMNS, resource_rows(resources), err=err)


def resource_rows(resources: Iterable[Resource]) -> list[list[str | Cell]]:
    """Resources as rows of a table with the columns `RESOURCE_COLUMNS`."""
    return [[item.kind, item.name, Cell(item.state, _STYLES.get(item.state, "")), item.detail] for item in resources]
