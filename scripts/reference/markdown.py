"""Text as GitHub's Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["anchor", "code", "link", "prose", "table"]

_RULES = re.compile(r"\s*\((?:(?:spec|ruling) [^)]*|[A-Z][A-Z0-9]*-\d+(?:, [A-Z][A-Z0-9]*-\d+)*)\)")


def anchor(heading: str) -> str:
    """The name under which GitHub links to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def link(text: str, heading: str, file: str = "") -> str:
    """A link to a heading, of another file or of this one."""
    return f"[{text}]({file}#{anchor(heading)})"


def code(text: str) -> str:
    """Text as it is typed."""
    return f"`{text}`"


def prose(text: str) -> str:
    """A docstring's words, without the ids of rules, which are for whoever changes the code; and not taken for Markdown's own signs."""
    parts = re.split(r"(`[^`]*`)", _RULES.sub("", text))
    return "".join(part if part.startswith("`") else re.sub(r"([*<])", r"\\\1", part) for part in parts)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; "" without rows. A column that is empty in every row is left out."""
    filled = list(rows)
    if not filled:
        return ""
    kept = [index for index in range(len(columns)) if any(row[index] for row in filled)]
    lines = [[columns[index] for index in kept], ["---"] * len(kept)]
    lines += [[re.sub(r"\s*\n\s*", " ", row[index]).replace("|", r"\|") for index in kept] for row in filled]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
