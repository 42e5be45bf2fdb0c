"""What differs between distributions: names of packages, paths, units (spec os-matrix.md). Roles hold no such name themselves.

The data is in `hive_nornir/data/os`, a file for each column of the table, which inherits from its family's.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from hive_nornir.operations.distributions import Column
from hive_nornir.operations.facts import Facts
from hive_nornir.tasks.os_model import OsData

__all__ = ["OsData", "os_data"]

_DATA = Path(__file__).parent.parent / "data" / "os"


def os_data(facts: Facts) -> OsData:
    """What the host's distribution calls things."""
    return _os_data(facts.column, facts.distribution, facts.major)


@functools.cache
def _os_data(column: Column, distribution: str, major: int) -> OsData:
    tree = _inherited(column.lower())
    own = tree.pop("distributions", {}).get(distribution, {})
    tree = _merged(tree, own)
    tree["docker"]["repository_url"] = tree["docker"]["repository_url"].format(major=major)
    return OsData(column=column, **tree)


def _inherited(name: str) -> dict[str, Any]:
    """A file merged over those that it inherits from."""
    import yaml

    tree: dict[str, Any] = yaml.safe_load((_DATA / f"{name}.yaml").read_text("utf-8"))
    parent = tree.pop("inherits", None)
    return _merged(_inherited(parent), tree) if parent else tree


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Mappings are merged, everything else is replaced."""
    both = {key: _merged(under[key], over[key]) for key in under.keys() & over.keys() if isinstance(over[key], dict)}
    return {**under, **over, **both}
