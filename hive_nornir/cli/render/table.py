"""Tables: drawn by rich on a terminal, columns of plain text in a pipe."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import NamedTuple

from hive_nornir.cli.render.text import coloured, is_terminal, say

__all__ = ["Cell", "show_table", "terminal_width"]

_RICH = {"good": "green", "changed": "yellow", "bad": "bold red", "quiet": "dim", "title": "bold"}


class Cell(NamedTuple):
    """A cell with a style of `render.text.STYLES`."""

    text: str
    style: str = ""


Row = Sequence["str | Cell"]


def terminal_width() -> int:
    """Columns of the terminal that standard output goes to; 0 in a pipe, where lines may be as long as they are."""
    return shutil.get_terminal_size().columns if is_terminal(sys.stdout) else 0


def show_table(headers: Sequence[str], rows: Sequence[Row], *, err: bool = False) -> None:
    """Print a table on standard output, or on standard error."""
    stream = sys.stderr if err else sys.stdout
    cells = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
    if is_terminal(stream):
        _draw(headers, cells, err)
        return
    widths = [max(map(len, column)) for column in zip(headers, *([cell.text for cell in row] for row in cells), strict=True)]
    for line in [list(headers), *([cell.text for cell in row] for row in cells)]:
        say("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip(), err=err)


def _draw(headers: Sequence[str], rows: Sequence[Sequence[Cell]], err: bool) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    stream = sys.stderr if err else sys.stdout
    table = Table(*headers, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell.text, style=_RICH.get(cell.style, "")) for cell in row))
    Console(file=stream, color_system="auto" if coloured(stream) else None, highlight=False).print(table)
