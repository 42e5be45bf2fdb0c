"""Operations that edit a file's text and leave the rest of it as it is; `files` offers them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Literal

from hive_nornir.errors import OperationFailed
from hive_nornir.operations import _edits
from hive_nornir.operations._diffs import changed_lines, unified
from hive_nornir.operations._states import FileState, absolute, feed, tidied
from hive_nornir.operations.core import Change, Guard, Observed, Operation, quote

__all__ = ["block", "edit", "line", "without_lines"]

# A longer text is not edited.
EDIT_BYTES = 1024 * 1024


def block(
    path: str,
    lines: Sequence[str],
    *,
    marker: str,
    at: Literal["start", "end"] = "end",
    comment: str = "#",
    create: bool = True,
    mode: int = 0o644,
    validate: str = "",
    guard: Guard | None = None,
) -> Operation:
    """Lines of a file that are ours, between `# BEGIN hive-nornir MARKER` and `# END hive-nornir MARKER`; the rest stays byte for byte.

    A block of hive-builder (`# BEGIN ANSIBLE MANAGED BLOCK MARKER`) is taken over.

    :param lines: without newlines; none at all removes the block.
    :param marker: unique in the file (spec setup-hosts.md M-1).
    :param at: where a new block goes; one that is there keeps its place.
    :param comment: how a comment begins in this file.
    :param create: whether an absent file is made, else there is nothing to do.
    :param mode: of a new file; one that is there keeps its mode and owner.
    :param validate: as for `content`.
    """
    for text in (marker, comment, *lines):
        _one_line(text)
    if set(_edits.block_ends(marker, comment)) & set(lines):
        raise ValueError(f"the lines of block {marker!r} hold its own BEGIN or END")

    def change(text: str) -> str:
        return _edits.with_block(text, lines, marker=marker, at=at, comment=comment)

    return edit(f"block {marker} in {path}", path, change, create=create, mode=mode, validate=validate, guard=guard)


def line(
    path: str, line: str, *, match: str = "", create: bool = True, mode: int = 0o644, validate: str = "", guard: Guard | None = None
) -> Operation:
    """One line of a file.

    :param line: without newline.
    :param match: Python regex; the last line in which it is found becomes `line`. Without one, or none, the line is added at the end
        unless it is there. Lines in our own blocks do not count.
    :param create: whether an absent file is made, else there is nothing to do.
    :param mode: of a new file; one that is there keeps its mode and owner.
    :param validate: as for `content`.
    """
    _one_line(line)
    re.compile(match)
    if not line:
        raise ValueError("an empty line is no line: at the end of a text it could not be told from none")
    name = f"line matching {match} in {path}" if match else f"line {line} in {path}"
    return edit(name, path, lambda text: _edits.with_line(text, line, match), create=create, mode=mode, validate=validate, guard=guard)


def without_lines(path: str, match: str, *, validate: str = "", guard: Guard | None = None) -> Operation:
    """No lines in which the regex is found, except in our own blocks; an absent file has none.

    :param match: Python regex.
    :param validate: as for `content`.
    """
    re.compile(match)
    name = f"no lines matching {match} in {path}"
    return edit(name, path, lambda text: _edits.without_matching(text, match), create=False, validate=validate, guard=guard)


def edit(
    name: str,
    path: str,
    change: Callable[[str], str],
    *,
    create: bool = False,
    mode: int = 0o644,
    validate: str = "",
    guard: Guard | None = None,
) -> Operation:
    """A file's text changed by a function; of a link, the text of the file that it leads to.

    :param name: of the operation.
    :param change: pure, from the old text ("" for an absent file; bytes that are not UTF-8 by surrogateescape) to the new one; applied to
        its own result it must return the same.
    :param create: whether an absent file is made, with `mode`, owned by root.
    """
    quoted = quote(absolute(path))

    def decide(seen: Observed) -> Change | None:
        state = FileState.parse(seen.text)
        if state.absent and not create:
            return None
        if state.kind not in ("absent", "regular file"):
            raise OperationFailed(f"{path} is a {state.kind}, and a file is wanted")
        if state.text is None and not state.absent:
            raise OperationFailed(f"{path} is too large to be edited ({EDIT_BYTES // 1024} KiB at most)")
        old = state.text or ""
        new = change(old)
        if new == old:
            return tidied(path, state)
        raw = new.encode("utf-8", "surrogateescape")
        checksum = hashlib.sha256(raw).hexdigest()
        command = f"hv_edit {quoted} {state.checksum} {quote(validate)} {checksum}{' keep' if old else ''}"
        if state.absent:
            command = f"hv_write {quoted} {mode:o} 0:0 {quote(validate)} {checksum}"
        return Change("new" if state.absent else changed_lines(old, new), feed(command, raw), unified(path, old, new))

    return Operation(name, f"hv_file {quoted} - {EDIT_BYTES} -L", decide, rewrites=path, guard=guard)


def _one_line(text: str) -> None:
    if re.search(r"[\n\r\0]", text):
        raise ValueError(f"{text!r} is more than one line")
