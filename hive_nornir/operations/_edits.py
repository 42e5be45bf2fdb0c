r"""Edits of a text: a managed block, one line, no lines that match, packages to exclude.

Whatever is not edited stays as it was, byte for byte. A line keeps its own end (`\n` or `\r\n`), a new one gets the end that the text's
first line has, and a text without a newline at its end keeps to that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from hive_nornir.errors import OperationFailed

__all__ = ["block_ends", "with_block", "with_excludes", "with_line", "without_matching"]


@dataclass(frozen=True)
class _Line:
    text: str
    end: str


def block_ends(marker: str, comment: str) -> tuple[str, str]:
    """The lines around a managed block."""
    return f"{comment} BEGIN hive-nornir {marker}", f"{comment} END hive-nornir {marker}"


def with_block(text: str, lines: Sequence[str], *, marker: str, at: Literal["start", "end"] = "end", comment: str = "#") -> str:
    """The text with one block of lines between its BEGIN and END; without it when `lines` is empty.

    A block that is there keeps its place, also one of hive-builder with the same marker text; further ones are removed.

    :raises OperationFailed: a block begins and does not end, so where it ends is anybody's guess.
    """
    begin, end = block_ends(marker, comment)
    inherited = f"{comment} BEGIN ANSIBLE MANAGED BLOCK {marker}", f"{comment} END ANSIBLE MANAGED BLOCK {marker}"
    rest, place = _without_blocks(_parse(text), {begin: end, inherited[0]: inherited[1]})
    if place is None:
        place = 0 if at == "start" else len(rest)
    if lines:
        rest[place:place] = [_Line(line, "") for line in (begin, *lines, end)]
    return _joined(rest, text)


def with_line(text: str, line: str, match: str = "") -> str:
    """The text with the line: instead of the last line that matches, else where it is already, else at the end.

    :param match: Python regex, searched in each line outside of managed blocks; "" for none. If the line itself does not match, nothing is
        replaced once it is there: otherwise one matching line after the other would go.
    """
    lines = _parse(text)
    matching = _matching(lines, match) if match else []
    absent = all(there.text != line for there in lines)
    if matching and (absent or re.search(match, line)):
        lines[matching[-1]] = _Line(line, lines[matching[-1]].end)
    elif absent:
        lines.append(_Line(line, ""))
    return _joined(lines, text)


def without_matching(text: str, match: str) -> str:
    """The text without the lines in which the regex is found; managed blocks are left alone."""
    lines = _parse(text)
    gone = set(_matching(lines, match))
    return _joined([line for at, line in enumerate(lines) if at not in gone], text)


def with_excludes(text: str, patterns: Sequence[str]) -> str:
    """A dnf.conf or yum.conf whose `exclude` of the section `main` has all the patterns, besides those that it has."""
    lines = _parse(text)
    start = next((at for at, line in enumerate(lines) if line.text.strip() == "[main]"), None)
    if start is None:
        lines[:0] = [_Line("[main]", ""), _Line(f"exclude={' '.join(patterns)}", "")]
        return _joined(lines, text)
    end = next((at for at in range(start + 1, len(lines)) if lines[at].text.startswith("[")), len(lines))
    options = [at for at in range(start + 1, end) if re.match(r"exclude(pkgs)?\s*=", lines[at].text)]
    if not options:
        lines.insert(start + 1, _Line(f"exclude={' '.join(patterns)}", ""))
        return _joined(lines, text)
    at = options[-1]  # the last one counts
    value = lines[at].text.partition("=")[2]
    for more in lines[at + 1 : end]:
        if not more.text[:1].isspace():
            break
        value += " " + more.text
    missing = [pattern for pattern in patterns if pattern not in re.split(r"[,\s]+", value)]
    if missing:
        lines[at] = _Line(" ".join([lines[at].text.rstrip(), *missing]), lines[at].end)
    return _joined(lines, text)


def _parse(text: str) -> list[_Line]:
    *whole, last = text.split("\n")
    lines = [_Line(line[:-1], "\r\n") if line.endswith("\r") else _Line(line, "\n") for line in whole]
    return [*lines, _Line(last, "")] if last else lines


def _joined(lines: Sequence[_Line], before: str) -> str:
    """The lines as one text; where an end is missing, as in new lines, it is that of the first line of the text before."""
    first = _parse(before)[:1]
    usual = (first[0].end if first else "") or "\n"
    text = "".join(line.text + (line.end or usual) for line in lines)
    if before and not before.endswith("\n"):
        return text.removesuffix("\r\n") if text.endswith("\r\n") else text.removesuffix("\n")
    return text


def _without_blocks(lines: Sequence[_Line], ends: Mapping[str, str]) -> tuple[list[_Line], int | None]:
    """The lines outside of the blocks, and where the first block was; `ends` has the END for each BEGIN."""
    rest: list[_Line] = []
    place, begin = None, ""
    for line in lines:
        if begin and line.text == ends[begin]:
            begin = ""
        elif line.text in ends:
            if begin:
                break
            begin, place = line.text, len(rest) if place is None else place
        elif not begin:
            rest.append(line)
    if begin:
        raise OperationFailed(
            f"the line {begin!r} is not followed by {ends[begin]!r}", "add the missing line, or remove the rest of the block"
        )
    return rest, place


def _matching(lines: Sequence[_Line], match: str) -> list[int]:
    """Indexes of the lines in which the regex is found, those in managed blocks left out."""
    pattern = re.compile(match)
    found: list[int] = []
    at = 0
    while at < len(lines):
        begin = re.fullmatch(r"(.*) BEGIN hive-nornir (.*)", lines[at].text)
        end = f"{begin[1]} END hive-nornir {begin[2]}" if begin else ""
        behind = next((later for later in range(at + 1, len(lines)) if lines[later].text == end), None) if begin else None
        if behind is not None:
            at = behind
        elif pattern.search(lines[at].text):
            found.append(at)
        at += 1
    return found
