"""What `hv_stat` and `hv_file` of prelude.sh print, taken apart; and what several operations on files have in common."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from hive_nornir.operations.core import Change, quote

__all__ = ["FileState", "absolute", "attributes", "feed", "tidied"]


@dataclass(frozen=True)
class FileState:
    """A file as it is on a host.

    :param kind: as stat(1) says it: `regular file`, `directory`, `symbolic link`…; `absent`.
    :param mode: permission bits, 0o644.
    :param owners: name and number of the user.
    :param groups: name and number of the group.
    :param checksum: SHA-256 in hexadecimal; "" for what is no regular file.
    :param text: the content, None when it was not sent.
    :param left: an interrupted write left its temporary file beside it.
    """

    kind: str
    mode: int = 0
    owners: tuple[str, str] = ("", "")
    groups: tuple[str, str] = ("", "")
    checksum: str = ""
    text: str | None = None
    left: bool = False

    @classmethod
    def parse(cls, printed: str) -> FileState:
        """Take apart what `hv_stat` or `hv_file` printed."""
        first, _, rest = printed.partition("\n")
        kind, *fields = first.removesuffix("|left").split("|")
        left = first.endswith("|left")
        if not fields:
            return cls(kind, left=left)
        mode, user, group, uid, gid, size = fields
        checksum, _, text = rest.partition("\n")
        kind = "regular file" if kind.startswith("regular") else kind  # an empty one has a kind of its own
        sent = text if text or size == "0" else None
        return cls(kind, int(mode, 8), (user, uid), (group, gid), checksum, sent, left)

    @property
    def absent(self) -> bool:
        """Nothing is there."""
        return self.kind == "absent"


def absolute(path: str) -> str:
    """The path itself, if it is one that can be used on a host.

    :raises ValueError: it is relative, ends with a slash, or holds `.`, `..`, `//` or NUL.
    """
    if not path.startswith("/") or "\0" in path or {"", ".", ".."} & set(path[1:].split("/")):
        raise ValueError(f"{path!r} is not a plain absolute path")
    return path


def feed(command: str, data: bytes) -> str:
    """Shell: the command with the data as its standard input. The data is in no process's arguments."""
    if not data:
        return f"{command} </dev/null"
    if b"\0" in data:
        return f"base64 -d <<'E' | {command}\n{base64.b64encode(data).decode()}\nE"
    text = data.decode("utf-8", "surrogateescape")
    if not text.endswith("\n"):
        return f"printf %s {quote(text)} | {command}"
    end = "E"
    while f"\n{end}\n" in f"\n{text}":
        end += "E"
    return f"{command} <<'{end}'\n{text}{end}"


def attributes(path: str, state: FileState, mode: int, owner: str, group: str) -> Change | None:
    """What has to be done to mode and owner alone."""
    summaries, commands, diff = [], [], []
    if owner not in state.owners or group not in state.groups:
        before, after = f"{state.owners[0]}:{state.groups[0]}", f"{owner}:{group}"
        summaries.append(f"owner {before} -> {after}")
        commands.append(f"chown -- {quote(after)} {quote(path)}")
        diff += [f"- owner {before}", f"+ owner {after}"]
    if state.mode != mode:
        summaries.append(f"mode {state.mode:o} -> {mode:o}")
        diff += [f"- mode {state.mode:o}", f"+ mode {mode:o}"]
    if not summaries:
        return None
    # Always, since chown takes the set-user-ID bit away.
    commands.append(f"chmod -- {mode:o} {quote(path)}")
    return Change(", ".join(summaries), "\n".join(commands), "\n".join(diff))


def tidied(path: str, state: FileState) -> Change | None:
    """What is left to do when all is well: an interrupted run may have left its temporary file."""
    if not state.left:
        return None
    folder, _, name = path.rpartition("/")
    return Change("remove the temporary file of an interrupted run", f"rm -f -- {quote(f'{folder}/.{name}.hive-nornir')}")
