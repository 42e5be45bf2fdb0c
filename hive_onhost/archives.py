"""Files from one container to another as a tar stream, which is at no time on a disk or in memory as a whole."""

from __future__ import annotations

import os
import tarfile
import threading
from collections.abc import Iterable, Iterator
from typing import IO, TYPE_CHECKING, Any, cast

from hive_onhost.failure import USAGE, Failure

if TYPE_CHECKING:
    from docker.models.containers import Container

__all__ = ["copy_between", "renamed"]

_CHUNK = 1 << 16
# Go's os.ModeSymlink and os.ModeDir, in which the engine tells what a path is.
_GO_LINK, _GO_DIRECTORY = 1 << 27, 1 << 31


def copy_between(source: Container, path: str, target: Container, dest: str, *, follow: bool = False) -> None:
    """Copy a file or folder, as cp does: into `dest` if that is a folder, else to that name. Owner and mode are kept.

    :param follow: copy what a link leads to, and not the link.
    :raises Failure: there is no such file, or no folder for it.
    """
    stream, found = _archive(source, path)
    if follow and found["mode"] & _GO_LINK:
        name = found["name"]
        stream, found = _archive(source, found["linkTarget"])
        found = {**found, "wanted": name}
    folder, name = _place(target, dest, found.get("wanted", found["name"]))
    data = stream if name == found["name"] else renamed(stream, found["name"], name)
    target.put_archive(folder, data)


def renamed(stream: Iterable[bytes], old: str, new: str) -> Iterator[bytes]:
    """A tar stream whose uppermost entry is called otherwise."""
    reader, writer = os.pipe()
    problems: list[BaseException] = []

    def rename() -> None:
        # The pipe is the outermost: whatever goes wrong, it is closed, and its reader ends.
        try:
            with os.fdopen(writer, "wb") as sink, _opened(stream) as given, tarfile.open(fileobj=sink, mode="w|") as out:
                _copy(given, out, old, new)
        except BaseException as error:  # noqa: BLE001 - told by the other thread
            problems.append(error)

    thread = threading.Thread(target=rename, daemon=True)
    thread.start()
    with os.fdopen(reader, "rb") as source:
        while chunk := source.read1(_CHUNK):
            yield chunk
    thread.join()
    if problems:
        raise problems[0]


def _opened(stream: Iterable[bytes]) -> tarfile.TarFile:
    return tarfile.open(fileobj=cast("IO[bytes]", _Reader(stream)), mode="r|")


def _copy(archive: tarfile.TarFile, out: tarfile.TarFile, old: str, new: str) -> None:
    for member in archive:
        member.name = _moved(member.name, old, new)
        if member.islnk():
            member.linkname = _moved(member.linkname, old, new)
        out.addfile(member, archive.extractfile(member) if member.isreg() else None)


def _moved(name: str, old: str, new: str) -> str:
    return new + name[len(old) :] if name == old or name.startswith(f"{old}/") else name


def _archive(container: Container, path: str) -> tuple[Iterator[bytes], dict[str, Any]]:
    import docker

    try:
        stream, found = container.get_archive(path, chunk_size=_CHUNK)
    except docker.errors.NotFound as error:
        raise Failure(f"there is no {path} in {container.name}", USAGE) from error
    return stream, found or {}


def _place(container: Container, dest: str, name: str) -> tuple[str, str]:
    """The folder in which a copy is to be, and what it is to be called there."""
    folder, _, last = dest.rpartition("/")
    try:
        _, found = _archive(container, dest)
    except Failure:
        if not last:
            raise
        return folder or "/", last
    if found["mode"] & _GO_LINK:
        return _place(container, found["linkTarget"], name)
    return (dest, name) if found["mode"] & _GO_DIRECTORY else (folder or "/", last)


class _Reader:
    """A file to read from, of the pieces of a stream."""

    def __init__(self, stream: Iterable[bytes]) -> None:
        self._pieces = iter(stream)
        self._rest = b""

    def read(self, size: int) -> bytes:
        while len(self._rest) < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            self._rest += piece
        found, self._rest = self._rest[:size], self._rest[size:]
        return found
