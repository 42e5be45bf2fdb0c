"""A file of users and their bcrypt hashes, as registries read it: rewritten only when the password does not match (REG-2)."""

from __future__ import annotations

from hive_nornir.inventory.password_hash import password_hash
from hive_nornir.operations import files
from hive_nornir.operations._states import FileState, attributes
from hive_nornir.operations.core import Change, Observed, Operation, quote

__all__ = ["htpasswd"]

# A guess costs a tenth of a second, and so does each request.
_COST = 10
# bcrypt looks at no more bytes.
_LONGEST = 72


def htpasswd(path: str, user: str, password: str, *, mode: int = 0o640, owner: str = "root", group: str = "root") -> Operation:
    """One user with a password; nobody else gets in. The hash has a salt of its own, so it is verified here instead of compared.

    :param path: in a folder that exists.
    """
    known = password.encode()[:_LONGEST]

    def decide(seen: Observed) -> Change | None:
        state = FileState.parse(seen.text)
        if state.kind == "regular file" and _is(state.text or "", user, known):
            return attributes(path, state, mode, owner, group)
        text = f"{user}:{password_hash(known.decode(errors='ignore'), 'bcrypt', rounds=_COST)}\n"
        written = files.content(path, text, mode=mode, owner=owner, group=group, secret=True).decide(Observed(seen.text))
        return written and Change("new" if state.absent else "password or user", written.apply)

    return Operation(f"file {path}", f"hv_file {quote(path)} - 65536", decide, rewrites=path)


def _is(text: str, user: str, password: bytes) -> bool:
    import bcrypt

    name, _, digest = text.rstrip("\n").partition(":")
    try:
        return name == user and bcrypt.checkpw(password, digest.encode())
    except ValueError:  # no bcrypt hash
        return False
