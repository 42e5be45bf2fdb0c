"""Whether a file is a backup that can be restored: read through to its end (BKP-2)."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from hive_onhost.failure import USAGE, Failure

__all__ = ["Check", "archive", "by_extension", "checksum", "dump"]

Check = Callable[[Path], None]
T = TypeVar("T")
_CHUNK = 1 << 20
# What mariadb-dump writes when it has come to the end, and only then.
_TRAILER = b"-- Dump completed"


def by_extension(extension: str) -> Check:
    """How files with an extension are checked; of one that is not known, that there is something in it."""
    if extension in ("tar.gz", "tgz"):
        return archive
    return _compressed if extension.endswith("gz") else _something


def _something(file: Path) -> None:
    """That it is not empty.

    :raises Failure: it is.
    """
    if not file.stat().st_size:
        raise Failure("the backup is empty", USAGE)


def _compressed(file: Path) -> None:
    """That it unpacks, and holds something.

    :raises Failure: it does not.
    """
    if not _read(file, _last):
        raise Failure("the backup is empty", USAGE)


def archive(file: Path) -> None:
    """That it unpacks, and is an archive with something in it.

    :raises Failure: it is not.
    """

    def count(data: BinaryIO) -> int:
        with tarfile.open(fileobj=data, mode="r|") as members:
            number = sum(1 for _ in members)
        _last(data)
        return number

    if not _read(file, count):
        raise Failure("the backup is an empty archive", USAGE)


def dump(file: Path) -> None:
    """That it unpacks, and is a database's dump to its end.

    :raises Failure: it is not.
    """
    if _TRAILER not in _read(file, _last):
        raise Failure("the dump is not complete", USAGE)


def checksum(file: Path) -> str:
    """SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    with file.open("rb") as data:
        while chunk := data.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _last(data: BinaryIO) -> bytes:
    """Read to the end, where a checksum is; the last bytes."""
    last = b""
    while chunk := data.read(_CHUNK):
        last = (last + chunk)[-1024:]
    return last


def _read(file: Path, reader: Callable[[BinaryIO], T]) -> T:
    """What a reader makes of the unpacked data.

    :raises Failure: the file is damaged.
    """
    try:
        with gzip.open(file) as data:
            return reader(cast("BinaryIO", data))
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise Failure(f"the backup cannot be read back: {error}", USAGE) from error
