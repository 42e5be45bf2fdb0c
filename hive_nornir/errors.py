"""The errors of hive-nornir.

HiveError                       anything that we say ourselves; the command prints it in one line and exits with `exit_code`
├── UsageError                  a wrong argument: unknown role, host, phase, variable (exit 2)
├── DefinitionErrors            all problems of a site's files at once, each with file and line (exit 2)
├── ProviderError               an infrastructure did not do what was asked of it
├── ConnectionFailed            a host cannot be reached or logged in to
│   ├── HostKeyChanged          the host shows another key than the one that is pinned
│   └── ConnectionLost          the connection broke while a command ran: what ran is read from the host's journal
├── DeadlineExceeded            a step did not end in its time
└── OperationFailed             a step ran on the host and failed, or did not have its effect
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "ConnectionFailed",
    "ConnectionLost",
    "DeadlineExceeded",
    "DefinitionErrors",
    "HiveError",
    "HostKeyChanged",
    "OperationFailed",
    "Problem",
    "ProviderError",
    "UsageError",
    "nearest",
]


class HiveError(Exception):
    """An error with a message for the operator and, where there is one, the way out of it.

    :param message: what is wrong, in one line.
    :param hint: what to do about it, in one line.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(HiveError):
    """The command or the call was given something that does not exist or does not fit."""

    exit_code = 2


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong in a site's files.

    :param file: the file, as the operator would name it; None where no single file is at fault.
    :param line: 1-based line in the file, 0 when the whole file is meant.
    :param message: what is wrong and what was expected.
    :param hint: what to do, for example the nearest valid name.
    """

    file: Path | None
    line: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        where = "" if self.file is None else f"{self.file}:{self.line}: " if self.line else f"{self.file}: "
        return f"{where}{self.message}" + (f" ({self.hint})" if self.hint else "")


class DefinitionErrors(HiveError):
    """Everything that is wrong in the definitions, found in one pass.

    :param problems: at least one.
    """

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems), key=lambda p: (str(p.file or ""), p.line, p.message))
        super().__init__("\n".join(map(str, self.problems)))


class ProviderError(HiveError):
    """An infrastructure did not do what was asked of it; the message names the resource."""


class ConnectionFailed(HiveError):
    """A host cannot be reached or does not let us in."""


class HostKeyChanged(ConnectionFailed):
    """A host shows another key than the pinned one: it was rebuilt, or somebody stands between."""


class ConnectionLost(ConnectionFailed):
    """The connection broke while a command ran."""


class DeadlineExceeded(HiveError):
    """A step did not end in its time."""


class OperationFailed(HiveError):
    """A step ran on the host and failed, or did not have its effect.

    :param stderr: what the host said.
    """

    def __init__(self, message: str, hint: str = "", stderr: str = "") -> None:
        super().__init__(message, hint)
        self.stderr = stderr


def nearest(word: str, words: Iterable[str]) -> str:
    """A hint that names the valid word most like `word`, or all of them when there are few and none is close."""
    known = sorted(words)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(known)}" if 0 < len(known) <= 40 else ""
