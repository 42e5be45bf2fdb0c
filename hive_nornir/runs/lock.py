"""One run a stage at a time (design.md decision 8)."""

from __future__ import annotations

import getpass
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from hive_nornir.errors import HiveError

if TYPE_CHECKING:
    from hive_nornir.inventory.context import SiteContext

__all__ = ["stage_lock"]


@contextmanager
def stage_lock(context: SiteContext, phase: str) -> Iterator[None]:
    """Hold the stage's lock; the kernel frees it when the process dies.

    :raises HiveError: another run holds it; names it.
    """
    context.prepare()
    path = context.context_dir / "lock"
    holder = context.context_dir / "lock.holder"
    lock = FileLock(path, mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise HiveError(f"stage {context.stage} is in use: {_describe(holder.read_text() if holder.exists() else '')}") from error
    try:
        holder.write_text(json.dumps({"phase": phase, "pid": os.getpid(), "user": getpass.getuser(), "since": time.time()}))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _describe(holder: str) -> str:
    try:
        who = json.loads(holder)
        since = time.strftime("%H:%M:%S", time.localtime(who["since"]))
        return f"{who['phase']} by {who['user']}, process {who['pid']}, since {since}"
    except (ValueError, KeyError):
        return "by another run"
