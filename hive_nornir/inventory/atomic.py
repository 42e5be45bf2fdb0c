"""Files that are whole or absent, whatever happens to the writer."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["atomic_create", "atomic_write"]


def atomic_write(path: Path, data: bytes, mode: int) -> None:
    """Put a file in place in one step, with its final mode from the beginning.

    A link is written through (a shared repository's secrets are links, spec cli.md 4). What a writer that was killed left beside
    the target is removed.

    :param path: target; its folder exists.
    :param mode: permission bits, not narrowed by the umask.
    """
    path = Path(os.path.realpath(path))
    with _temporary(path, data, mode) as temporary:
        temporary.replace(path)
    _sync_folder(path.parent)


def atomic_create(path: Path, data: bytes, mode: int) -> bool:
    """Like `atomic_write`, for a file that must not exist yet.

    :return: False when somebody else made it first; it is left alone then.
    """
    with _temporary(path, data, mode) as temporary:
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
    _sync_folder(path.parent)
    return True


@contextlib.contextmanager
def _temporary(path: Path, data: bytes, mode: int) -> Iterator[Path]:
    """A finished, synced file beside `path`; removed at the end unless it was renamed."""
    _sweep(path)
    descriptor, temporary = _open_locked(path)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
        os.close(descriptor)


def _open_locked(path: Path) -> tuple[int, Path]:
    # The lock tells a living writer's file from a dead one's; a sweep can fall between creating and locking, hence the loop.
    while True:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if Path(name).exists():
            return descriptor, Path(name)
        os.close(descriptor)


def _sweep(path: Path) -> None:
    for name in os.listdir(path.parent):  # noqa: PTH208 - glob would need the target's name escaped
        if not (name.startswith(f".{path.name}.") and name.endswith(".new")):
            continue
        with contextlib.suppress(OSError), (path.parent / name).open("rb") as leftover:
            fcntl.flock(leftover, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (path.parent / name).unlink()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
