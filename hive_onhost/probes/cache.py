"""Which inner services there are, remembered: to find out is dear (swarm-extension.md 5.3, PRB-3)."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hive_onhost.failure import USAGE, Failure

__all__ = ["FOLDER", "Cache", "opened"]

FOLDER = Path("/var/lib/zabbix/hive-cache")


class Cache:
    """Service -> its inner services, and when that was found out."""

    def __init__(self, entries: dict[str, tuple[list[str], float]]) -> None:
        self.entries = entries

    def dispose(self, number: int) -> None:
        """Forget the oldest."""
        for name in sorted(self.entries, key=lambda name: self.entries[name][1])[:number]:
            del self.entries[name]

    def keep(self, services: Iterable[str]) -> None:
        """Forget services that are none of these."""
        wanted = set(services)
        self.entries = {name: entry for name, entry in self.entries.items() if name in wanted}

    def __contains__(self, service: str) -> bool:
        return service in self.entries

    def __getitem__(self, service: str) -> list[str]:
        return self.entries[service][0]

    def __setitem__(self, service: str, inner: Sequence[str]) -> None:
        self.entries[service] = (list(inner), time.time())


@contextmanager
def opened(servers: Sequence[str], folder: Path = FOLDER) -> Iterator[Cache]:
    """The cache of a swarm, for one user at a time, written back at the end; a file that is empty or damaged is none.

    :param servers: tell the swarms apart.
    :raises Failure: it cannot be read or written.
    """
    digest = hashlib.sha256(" ".join(sorted(servers)).encode()).hexdigest()[:16]
    file = folder / f"discover_innerservice_cache_{digest}.json"
    try:
        # The folder itself, since a file of the lock's own would belong to whoever came first, root perhaps.
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            cache = Cache(_read(file))
            yield cache
            _write(file, cache)
        finally:
            os.close(lock)
    except OSError as error:
        raise Failure(f"the cache in {folder} cannot be used: {error}", USAGE) from error


def _read(file: Path) -> dict[str, tuple[list[str], float]]:
    try:
        found: dict[str, Any] = json.loads(file.read_bytes())
        return {name: ([str(inner) for inner in entry["inner"]], float(entry["time"])) for name, entry in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _write(file: Path, cache: Cache) -> None:
    written = file.with_suffix(".new")
    written.unlink(missing_ok=True)
    written.write_text(json.dumps({name: {"inner": inner, "time": when} for name, (inner, when) in cache.entries.items()}))
    written.replace(file)
