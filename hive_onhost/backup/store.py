"""The folder of backups: files appear whole, the newest one is linked, old ones go, and never the last good one."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from hive_onhost.failure import USAGE, Failure

if TYPE_CHECKING:
    from hive_onhost.backup.jobs import Job

__all__ = ["Store"]

_STAMP = "%Y%m%d%H%M%S"
# Left free whatever happens: what else is on this file system must go on.
_RESERVE = 64 << 20


@dataclass(frozen=True)
class Store:
    """The folder of backups, 0700 and the administrator's own."""

    folder: Path

    def own(self) -> None:
        """Make sure that it is there and ours.

        :raises Failure: it is not.
        """
        try:
            found = self.folder.stat()
        except OSError as error:
            raise Failure(f"{error.strerror}: {self.folder}; the role backup-tools makes it", USAGE) from error
        if found.st_uid != os.geteuid():
            raise Failure(f"{self.folder} is {self.folder.owner()}'s; run this as {self.folder.owner()}", USAGE)

    def files(self, job: Job) -> list[Path]:
        """An entry's backups, the oldest first; not those of another one whose name begins alike."""
        pattern = re.compile(rf"backup-{re.escape(job.name)}-\d{{14}}\.{re.escape(job.extension)}")
        return sorted(file for file in self.folder.iterdir() if pattern.fullmatch(file.name) and file.is_file() and not file.is_symlink())

    def latest(self, job: Job) -> Path | None:
        """The backup that the link leads to."""
        link = self._link(job)
        return link.resolve() if link.is_file() else None

    def new(self, job: Job, now: datetime) -> Path:
        """What a backup is called that is made now."""
        return self.folder / f"backup-{job.name}-{now.strftime(_STAMP)}.{job.extension}"

    def room(self, job: Job) -> None:
        """Make sure that there is room for another backup as large as the last one, and something over (BKP-12).

        :raises Failure: there is not.
        """
        latest = self.latest(job)
        needed = _RESERVE + (latest.stat().st_size * 6 // 5 if latest else 0)
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise Failure(f"{free >> 20} MiB are free in {self.folder}, and {needed >> 20} MiB are needed", USAGE)

    @contextmanager
    def writing(self, file: Path) -> Iterator[tuple[BinaryIO, Path]]:
        """A file that gets its name when the block ends well, and is on the disk then; else there is none (BKP-2).

        :returns: what to write to, and where it can be read back once it is flushed.
        """
        partial = self.folder / f".{file.name}.partial"
        partial.unlink(missing_ok=True)
        try:
            with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as sink:
                yield sink, partial
                sink.flush()
                os.fsync(sink.fileno())
            partial.rename(file)
            self._sync()
        finally:
            partial.unlink(missing_ok=True)

    def link(self, job: Job, file: Path) -> Path:
        """Have `latest` lead to a file."""
        link = self._link(job)
        beside = link.with_name(f".{link.name}.new")
        beside.unlink(missing_ok=True)
        beside.symlink_to(file.name)
        beside.replace(link)
        self._sync()
        return link

    def old(self, job: Job, now: datetime) -> list[Path]:
        """Backups of more days ago than are kept, counted from the start of the day; never the one that is linked (BKP-3)."""
        if job.days is None:
            return []
        first = (now - timedelta(days=job.days)).strftime("%Y%m%d")
        latest = self.latest(job)
        return [file for file in self.files(job) if _day(job, file) < first and file != latest]

    def tidy(self) -> None:
        """Remove what a run left that was killed."""
        for file in self.folder.glob(".backup-*"):
            with suppress(OSError):
                file.unlink()

    def _link(self, job: Job) -> Path:
        return self.folder / f"backup-{job.name}-latest.{job.extension}"

    def _sync(self) -> None:
        number = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _day(job: Job, file: Path) -> str:
    return file.name[len(f"backup-{job.name}-") :][:8]
