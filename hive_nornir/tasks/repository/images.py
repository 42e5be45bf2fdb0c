"""Which images the containers of the repository server are made of (data/containers.yaml)."""

from __future__ import annotations

import functools
from pathlib import Path

__all__ = ["image"]

_DATA = Path(__file__).parents[2] / "data" / "containers.yaml"


def image(name: str, tag: str = "") -> str:
    """The image of a container, `registry:2.8.3`.

    :param tag: another one than the pinned.
    """
    pinned = _pinned()[name]
    return f"{pinned.partition(':')[0]}:{tag}" if tag else pinned


@functools.cache
def _pinned() -> dict[str, str]:
    import yaml

    found: dict[str, str] = yaml.safe_load(_DATA.read_text("utf-8"))
    return found
