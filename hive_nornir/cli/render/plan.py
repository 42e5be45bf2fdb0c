"""The resources of an infrastructure: what is there, what is missing, what would be destroyed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hive_nornir.cli.render.table import Cell, show_table

if TYPE_CHECKING:
    from hive_nornir.inventory.providers.base import Resource

__all__ = ["show_resources"]

_STYLES = {"present": "good", "missing": "changed", "stopped": "changed", "differs": "changed", "unknown": "quiet"}


def show_resources(resources: Iterable[Resource], *, err: bool = False) -> None:
    """Print resources with their state."""
    rows: list[list[str | Cell]] = [
        [item.kind, item.name, Cell(item.state, _STYLES.get(item.state, "")), item.detail] for item in resources
    ]
    show_table(["kind", "name", "state", "detail"], rows, err=err)
