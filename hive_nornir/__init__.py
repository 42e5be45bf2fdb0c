"""hive-nornir builds and runs small Docker swarm sites from one folder of YAML definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hive_nornir.site import Site

__all__ = ["Site", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # `import hive_nornir` stays quick: Site brings pydantic and Nornir only where it is used.
    if name == "Site":
        from hive_nornir.site import Site

        return Site
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
