"""How a change of a file's text is shown: a unified diff that is fit for a terminal."""

from __future__ import annotations

import difflib
import re

__all__ = ["changed_lines", "unified", "without_passwords"]

MOST_LINES = 200
# Quotes and backslashes end it too, so that it stays within its string in Python's words and in JSON.
_CREDENTIALS = re.compile(r"""(?<=://)[^/\s@:"'\\]*:[^/\s@"'\\]*@""")


def unified(path: str, old: str, new: str) -> str:
    """A unified diff of at most 200 lines; "" for binary files.

    :param old: text as it is on the host, bytes that are not UTF-8 by surrogateescape; "" for an absent file.
    """
    if "\0" in old or "\0" in new:
        return ""
    lines = [_shown(line) for line in difflib.unified_diff(_lines(old), _lines(new), path, path, lineterm="\n")]
    if len(lines) > MOST_LINES:
        lines[MOST_LINES:] = [f"... {len(lines) - MOST_LINES} more lines\n"]
    return "".join(lines).rstrip("\n")


def without_passwords(text: str) -> str:
    """A text in which URLs have lost what stands before their host: nobody's business, also where a file holds it for everyone."""
    return _CREDENTIALS.sub("***@", text)


def changed_lines(old: str, new: str) -> str:
    """How much changed, in words: `2 lines added, 1 removed`."""
    matcher = difflib.SequenceMatcher(None, _lines(old), _lines(new), autojunk=False)
    edits = [(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in matcher.get_opcodes() if tag != "equal"]
    removed, added = sum(edit[0] for edit in edits), sum(edit[1] for edit in edits)
    if not added:
        return f"{_counted(removed)} removed"
    return f"{_counted(added)} added" + (f", {removed} removed" if removed else "")


def _counted(number: int) -> str:
    return "1 line" if number == 1 else f"{number} lines"


def _lines(text: str) -> list[str]:
    """Lines with their newline; str.splitlines would also split at form feeds and the like."""
    return [line + "\n" for line in text.split("\n")[:-1]] + ([text.rpartition("\n")[2]] if not text.endswith("\n") and text else [])


def _shown(line: str) -> str:
    """A line of a diff with control characters as signs (␍), so that a host's file cannot speak to the operator's terminal."""
    body = line.rstrip("\n")
    text = without_passwords(body.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    shown = "".join(chr(0x2400 + ord(c)) if c < " " and c != "\t" else "\u2421" if c == "\x7f" else c for c in text)
    return shown + ("\n" if line.endswith("\n") else "\n\\ no newline at the end\n")
