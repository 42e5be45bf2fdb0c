"""`<context>/known_hosts`: the host keys that are pinned, in OpenSSH's format (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hive_nornir.errors import HiveError, HostKeyChanged, UsageError
from hive_nornir.inventory.atomic import atomic_write

if TYPE_CHECKING:
    from paramiko import PKey
    from paramiko.hostkeys import HostKeyEntry

__all__ = ["KnownHosts", "pinned_name"]

_PATIENCE = 10.0  # seconds; a writer holds the lock for milliseconds


class KnownHosts:
    """The pinned keys of a stage. Nothing here ever replaces a key: that takes `remove`, on somebody's order.

    Lines that we do not understand, comments and `@revoked` marks stay as they are.

    :param file: which need not exist yet.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def keys(self, name: str, port: int = 22) -> list[PKey]:
        """The keys that are pinned for a host, without revoked ones."""
        wanted = pinned_name(name, port)
        lines = self._lines()
        # Decoding a key is slow, and a site of 200 hosts has 600: only the lines that may be the host's are.
        entries = [_entry(line) for line in lines if _mentions(line, wanted)]
        keys = [entry.key for entry in entries if entry is not None and entry.key is not None and _covers(entry, wanted)]
        return [key for key in keys if not _is_revoked(lines, key)]

    def is_revoked(self, key: PKey) -> bool:
        """Whether the file marks the key with `@revoked`: whoever shows it is not to be trusted."""
        return _is_revoked(self._lines(), key)

    def pin(self, names: Sequence[str], key: PKey | str, port: int = 22) -> bool:
        """Pin a host's key under all of its names and addresses.

        :param key: or the text of a public key, `ssh-ed25519 AAAA…`.
        :return: whether the file changed; False when all names have this key already.
        :raises HostKeyChanged: another key of the same type is pinned for one of the names, or the key is revoked.
        :raises UsageError: the text is not a public key.
        """
        text = key if isinstance(key, str) else f"{key.get_name()} {key.get_base64()}"
        new = _parsed(" ".join(text.split()[:2]))
        with self._changing() as lines:
            self._check_revoked(lines, new)
            missing = [name for name in dict.fromkeys(names) if not self._check_pinned(lines, name, port, new)]
            if missing:
                lines.append(f"{','.join(pinned_name(name, port) for name in missing)} {new.get_name()} {new.get_base64()}")
        return bool(missing)

    def remove(self, names: Sequence[str], port: int = 22) -> bool:
        """Forget the keys of a host, because it was rebuilt or is gone; whether there were any."""
        patterns = {pinned_name(name, port) for name in names}
        with self._changing() as lines:
            before = list(lines)
            lines[:] = [kept for line in before if (kept := _without(line, patterns)) is not None]
        return lines != before

    def _check_pinned(self, lines: list[str], name: str, port: int, new: PKey) -> bool:
        wanted = pinned_name(name, port)
        for line in lines:
            entry = _entry(line)
            if entry is None or entry.key is None or not _covers(entry, wanted) or entry.key.get_name() != new.get_name():
                continue
            if entry.key.asbytes() != new.asbytes():
                raise HostKeyChanged(
                    f"{name} has another {new.get_name()} key than the one that is pinned in {self.file}",
                    "if the host was rebuilt, remove its line there; if not, somebody stands between",
                )
            return True
        return False

    def _check_revoked(self, lines: list[str], new: PKey) -> None:
        if _is_revoked(lines, new):
            raise HostKeyChanged(f"the host shows a key that {self.file} marks as revoked", "give the host a new key")

    def _lines(self) -> list[str]:
        try:
            return self.file.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    @contextlib.contextmanager
    def _changing(self) -> Iterator[list[str]]:
        from filelock import FileLock, Timeout

        lock = FileLock(self.file.with_name(f".{self.file.name}.lock"), mode=0o600)
        try:
            with lock.acquire(timeout=_PATIENCE):
                lines = self._lines()
                before = list(lines)
                yield lines
                if lines != before:
                    atomic_write(self.file, "".join(f"{line}\n" for line in lines).encode(), 0o644)
        except Timeout:
            raise HiveError(f"another command is writing {self.file}", "try again when it has ended") from None


def pinned_name(name: str, port: int) -> str:
    """How a known_hosts file names a host: `name`, or `[name]:port` on another port than 22."""
    return name if port == 22 else f"[{name}]:{port}"


def _parsed(text: str) -> PKey:
    import paramiko
    from paramiko.hostkeys import HostKeyEntry, InvalidHostKey

    try:
        entry = HostKeyEntry.from_line(f"host {text}")
    except (InvalidHostKey, paramiko.SSHException, ValueError):
        entry = None
    if entry is None or entry.key is None:
        raise UsageError(f"{text[:60]!r} is not a public host key", "one looks like `ssh-ed25519 AAAA…`")
    return entry.key


def _entry(line: str) -> HostKeyEntry | None:
    import paramiko
    from paramiko.hostkeys import HostKeyEntry, InvalidHostKey

    if not line.strip() or line.lstrip()[0] in "#@":
        return None
    try:
        return HostKeyEntry.from_line(line)
    except (InvalidHostKey, paramiko.SSHException, ValueError):
        return None


def _is_revoked(lines: list[str], key: PKey) -> bool:
    return any(line.startswith("@revoked") and key.get_base64() in line.split() for line in lines)


def _mentions(line: str, wanted: str) -> bool:
    names = line.split(maxsplit=1)[0] if line.strip() else ""
    return "|1|" in names or wanted in names.split(",")


def _covers(entry: HostKeyEntry, wanted: str) -> bool:
    return any(_same(pattern, wanted) for pattern in entry.hostnames or ())


def _same(pattern: str, wanted: str) -> bool:
    from paramiko import HostKeys

    hashing: Callable[[str, str], str] = HostKeys.hash_host
    return pattern == wanted or (pattern.startswith("|1|") and hashing(wanted, pattern) == pattern)


def _without(line: str, patterns: set[str]) -> str | None:
    """The line without some names; None when no name is left."""
    entry = _entry(line)
    if entry is None:
        return line
    names = entry.hostnames or []
    kept = [name for name in names if not any(_same(name, pattern) for pattern in patterns)]
    if len(kept) == len(names):
        return line
    return " ".join([",".join(kept), *line.split()[1:]]) if kept else None
