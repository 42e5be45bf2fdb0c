"""What is backed up: targets, their entries, and how each one's data comes and goes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from hive_onhost.failure import USAGE, Failure

if TYPE_CHECKING:
    from hive_onhost.backup.processes import Clock
    from hive_onhost.backup.verifying import Check

__all__ = ["Job", "Source", "Target"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class Source(Protocol):
    """Where an entry's data comes from, and where it is put back."""

    def backup(self, sink: BinaryIO, clock: Clock) -> None:
        """Write the data.

        :raises Failure: it is not all there.
        """

    def restore(self, file: Path, clock: Clock) -> None:
        """Put the data of a file, which was checked, in the place of the present.

        :raises Failure: it is not there, or not all of it.
        """


@dataclass(frozen=True)
class Job:
    """An entry.

    :param name: stem of its files.
    :param extension: of its files.
    :param days: how many days before today are kept; None keeps all.
    :param source: None for one that keeps no file.
    :param check: whether a file can be restored.
    :param before: what runs before each backup; returns what went wrong, which is no reason not to make one.
    """

    name: str
    extension: str
    days: int | None
    source: Source | None
    check: Check
    before: Callable[[Clock], list[str]] = lambda _clock: []

    def __post_init__(self) -> None:
        for text in (self.name, self.extension):
            if not _NAME.fullmatch(text):
                raise Failure(f"{text!r} cannot be part of a file's name: letters, digits, '_', '.' and '-' only", USAGE)


@dataclass(frozen=True)
class Target:
    """What can be chosen by name: a built-in one, or a service.

    :param jobs: in their order.
    :param problem: why they are not known, "" if they are.
    """

    name: str
    jobs: tuple[Job, ...]
    problem: str = ""
