"""Files, folders and links on a host.

What is written appears at once (a temporary file beside the target, renamed), and is at no moment wider than its final mode. A probe sends
back checksums, and an old text only when it is needed for a diff or an edit. Edits keep the file as it was, with the time in its name, in
/var/lib/hive-nornir/backups (spec setup-hosts.md M-2): beside it, programs that read every file of a folder would read the copy too.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from hive_nornir.errors import OperationFailed
from hive_nornir.operations._diffs import unified
from hive_nornir.operations._edit_operations import block, edit, line, without_lines
from hive_nornir.operations._states import FileState, absolute, attributes, feed, tidied
from hive_nornir.operations.core import Change, Guard, Observed, Operation, quote

__all__ = ["absent", "block", "content", "directory", "edit", "line", "link", "read", "rights", "with_folder", "without_lines"]

# A longer text is not fetched for a diff that nobody would read.
DIFF_BYTES = 64 * 1024


def content(
    path: str,
    data: str | bytes,
    *,
    mode: int = 0o644,
    owner: str = "root",
    group: str = "root",
    secret: bool = False,
    validate: str = "",
    guard: Guard | None = None,
) -> Operation:
    """A whole file.

    :param path: absolute; a link there is replaced by the file. Its folder must exist (`directory`, `with_folder`).
    :param owner: name or number, like `group`.
    :param secret: neither its old nor its new text is ever shown or fetched.
    :param validate: shell that must succeed on the candidate, whose path it has in `$hv_v`: `visudo -cf "$hv_v"`.
    """
    raw = data if isinstance(data, bytes) else data.encode("utf-8", "surrogateescape")
    wanted = hashlib.sha256(raw).hexdigest()
    quoted = quote(absolute(path))
    write = feed(f"hv_write {quoted} {mode:o} {quote(f'{owner}:{group}')} {quote(validate)} {wanted}", raw)

    def decide(seen: Observed) -> Change | None:
        state = FileState.parse(seen.text)
        if state.kind not in ("absent", "regular file", "symbolic link"):
            raise OperationFailed(f"{path} is a {state.kind}, and a file is wanted", "move it away if nobody needs it")
        if state.checksum != wanted:
            reason = {"absent": "new", "symbolic link": "a file instead of a link"}.get(state.kind, "content")
            shown = not secret and len(raw) < DIFF_BYTES and (state.text is not None or state.kind != "regular file")
            diff = unified(path, state.text or "", raw.decode("utf-8", "surrogateescape")) if shown else ""
            also = attributes(path, state, mode, owner, group) if reason == "content" else None
            if also:
                reason, diff = f"{reason}, {also.summary}", f"{also.diff}\n{diff}".rstrip("\n")
            return Change(reason, write, diff)
        return attributes(path, state, mode, owner, group) or tidied(path, state)

    most = 0 if secret else DIFF_BYTES
    return Operation(f"file {path}", f"hv_file {quoted} {wanted} {most}", decide, rewrites=path, guard=guard)


def directory(path: str, *, mode: int = 0o755, owner: str = "root", group: str = "root") -> Operation:
    """A folder (or a link to one); missing parents are made with mode 755, owned by root.

    :param owner: name or number, like `group`.
    """
    quoted = quote(absolute(path))

    def decide(seen: Observed) -> Change | None:
        state = FileState.parse(seen.text)
        if state.absent:
            return Change("new", f"hv_dir {quoted} {mode:o} {quote(f'{owner}:{group}')}")
        if state.kind != "directory":
            raise OperationFailed(f"{path} is a {state.kind}, and a folder is wanted", "move it away if nobody needs it")
        return attributes(path, state, mode, owner, group)

    return Operation(f"folder {path}", f"hv_stat {quoted} -L", decide)


def link(path: str, target: str, *, force: bool = False) -> Operation:
    """A symbolic link; one that leads elsewhere is turned.

    :param target: as it is to be stored: absolute, or relative to the link's folder; it need not exist.
    :param force: whether a file that stands in its place is replaced. A folder never is.
    """
    quoted = quote(absolute(path))
    if not target or "\0" in target:
        raise ValueError("a link needs a target")

    def decide(seen: Observed) -> Change | None:
        first, _, present = seen.text.partition("\n")
        kind = FileState.parse(first).kind
        if kind == "symbolic link" and present == target:
            return None
        if kind == "directory" or (kind not in ("absent", "symbolic link") and not force):
            raise OperationFailed(f"{path} is a {kind}, and a link to {target} is wanted", "move it away if nobody needs it")
        diff = f"+ {target}" if kind == "absent" else f"- {present or kind}\n+ {target}"
        return Change("new" if kind == "absent" else "target", f"ln -sfn -- {quote(target)} {quoted}", diff)

    return Operation(f"link {path}", f"hv_stat {quoted}\n[ ! -L {quoted} ] || readlink -n -- {quoted}", decide)


def absent(path: str, *, guard: Guard | None = None) -> Operation:
    """No file, link or folder of this name. A folder goes with what is in it, but nothing that is mounted there does."""
    quoted = quote(absolute(path))

    def decide(seen: Observed) -> Change | None:
        state = FileState.parse(seen.text)
        if state.absent:
            return tidied(path, state)
        if state.kind != "directory":
            return Change(f"remove the {state.kind}", f"rm -f -- {quoted}")
        if path.count("/") < 2:
            raise OperationFailed(f"{path} is a folder at the root of the file system; it is not removed")
        return Change("remove the folder", f"find {quoted} -xdev -depth -delete")

    return Operation(f"no file {path}", f"hv_stat {quoted}", decide, rewrites=path, guard=guard)


def read(path: str) -> Operation:
    """The text of a file, in `outcome.observed.text`; "" when it is absent."""
    quoted = quote(absolute(path))
    return Operation(f"read {path}", f"[ ! -f {quoted} ] || cat -- {quoted}", lambda _seen: None)


def rights(path: str, *, mode: int, owner: str = "root", group: str = "root") -> Operation:
    """Mode and owner of a file whose text is somebody else's business; nothing when it is absent, or is no file.

    :param owner: name or number, like `group`.
    """

    def decide(seen: Observed) -> Change | None:
        state = FileState.parse(seen.text)
        return attributes(path, state, mode, owner, group) if state.kind == "regular file" else None

    return Operation(f"rights of {path}", f"hv_stat {quote(absolute(path))}", decide)


def with_folder(operation: Operation, path: str) -> Operation:
    """The same operation, which makes a missing folder first, with its parents: mode 755, owned by root."""
    quoted = quote(absolute(path))

    def decide(seen: Observed) -> Change | None:
        change = operation.decide(seen)
        return change and replace(change, apply=f"mkdir -p -- {quoted}\n{change.apply}")

    return replace(operation, decide=decide)
