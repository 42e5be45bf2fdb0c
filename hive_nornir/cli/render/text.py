"""Lines of text: styled on a terminal, plain in a pipe; what hosts say is made harmless first."""

from __future__ import annotations

import os
import re
import sys
from typing import Any, TextIO

import click

__all__ = ["STYLES", "clean", "coloured", "is_terminal", "plural", "say", "seconds"]

STYLES: dict[str, dict[str, Any]] = {
    "": {},
    "good": {"fg": "green"},
    "changed": {"fg": "yellow"},
    "bad": {"fg": "red", "bold": True},
    "quiet": {"dim": True},
    "title": {"bold": True},
    "added": {"fg": "green"},
    "removed": {"fg": "red"},
}
"""What a style means, in click's words."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def is_terminal(stream: TextIO) -> bool:
    """Whether somebody looks at it, on a terminal that can do more than print lines."""
    return stream.isatty() and os.environ.get("TERM", "") != "dumb"


def coloured(stream: TextIO) -> bool:
    """Whether colours may be used (https://no-color.org)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def clean(text: str) -> str:
    """Text from a host or a file, fit for a terminal: no control characters but tab and newline, no bytes that are no text."""
    shown = text.replace("\r\n", "\n").encode("utf-8", "backslashreplace").decode()
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", shown)


def say(text: str = "", style: str = "", *, err: bool = False, newline: bool = True) -> None:
    """Print a line.

    :param style: a name of `STYLES`.
    :param err: on standard error.
    """
    stream = sys.stderr if err else sys.stdout
    if style and coloured(stream):
        text = click.style(text, **STYLES[style])
    click.echo(text, err=err, nl=newline, color=coloured(stream))


def seconds(value: float) -> str:
    """A time as it is read best: `0.3 s`, `12 s`, `2 min 05 s`."""
    if value < 10:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def plural(count: int, word: str) -> str:
    """`1 host`, `2 hosts`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
