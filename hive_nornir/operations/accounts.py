"""Groups, users, their memberships, keys and sudo rules."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hive_nornir.errors import OperationFailed, UsageError
from hive_nornir.operations import files
from hive_nornir.operations._keys import KeyFile, key_probe
from hive_nornir.operations._users import UserState, WantedUser
from hive_nornir.operations.core import Change, Observed, Operation

__all__ = ["account_name", "authorized_keys", "group", "member", "sudoers", "user"]

# What useradd(8) of both families takes; upper case and dots are allowed by EL's. Accounts that exist may be called otherwise, ours not.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}")
_SUDOERS_NAME = re.compile(r"[A-Za-z0-9_-]+")
# An id that is nobody's: (uid_t) -1 is "do not change" to chown(2).
_HIGHEST_ID = 2**32 - 2


def account_name(name: str) -> str:
    """The name itself, if a user or a group may be called so.

    :raises UsageError: it may not.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of a user or group", "letters, digits, _ - and . only, not a digit first, at most 32"
        )
    return name


def group(name: str, *, gid: int | None = None, system: bool = False) -> Operation:
    """A group.

    :param gid: its number; None takes what there is, or the next free one.
    :param system: a new one gets a number below those of persons.
    """
    account_name(name)
    _checked_id("gid", gid)
    probe = f"getent group {name} || echo; " + (f"getent group {gid}" if gid is not None else ":")

    def decide(seen: Observed) -> Change | None:
        own, other = _two_entries(seen.text)
        now = own[2] if own else ""
        if own and (gid is None or now == str(gid)):
            return None
        if gid is not None and other and other[0] != name:
            raise OperationFailed(f"gid {gid} belongs to the group {other[0]}", f"give {name} another gid, or {other[0]}")
        if own:
            return Change(f"gid {now} -> {gid}", f"groupmod -g {gid} {name}", f"- gid {now}\n+ gid {gid}")
        option = (" --system" if system else "") + ("" if gid is None else f" -g {gid}")
        return Change("new" + (f", gid {gid}" if gid is not None else ""), f"groupadd{option} {name}")

    return Operation(f"group {name}", probe, decide)


def user(
    name: str,
    *,
    uid: int | None = None,
    group: str | int | None = None,
    groups: Sequence[str] = (),
    home: str | None = None,
    shell: str = "/bin/bash",
    system: bool = False,
    comment: str = "",
) -> Operation:
    """A user with a home and without a usable password.

    The password field becomes `*`, not `!`: sshd may call the latter a locked account, and refuse keys too (USR-2, sshd(8)).

    :param uid: its number; None takes what there is, or the next free one.
    :param group: primary group, a name or a number (ruling R-10); None takes what there is, or a group of the user's own name.
    :param groups: groups that it is to be a member of; it stays a member of others.
    :param home: None takes what there is, or the host's default; a system user without one gets none.
    :param system: a new one gets a number below those of persons.
    :param comment: "" leaves it alone.
    """
    for other in (name, *groups, *([group] if isinstance(group, str) and not group.isdecimal() else [])):
        account_name(other)
    _checked_id("uid", uid)
    _checked_id("gid", int(group) if group is not None and str(group).isdecimal() else None)
    for what, path in (("home", home), ("shell", shell)):
        # A field of passwd(5); a colon or a newline would make it two.
        if path is not None and (not path.startswith("/") or ":" in path or not path.isprintable()):
            raise UsageError(f"{path!r} cannot be the {what} of {name}", "an absolute path without colon")
    if ":" in comment or not (comment.isprintable()):
        raise UsageError(f"{comment!r} cannot be the comment of {name}", "printable, without colon")
    wanted = WantedUser(name, uid, None if group is None else str(group), tuple(groups), home, shell, system, comment)
    return Operation(f"user {name}", wanted.probe, lambda seen: wanted.change(UserState.parse(seen.text)))


def member(user: str, group: str) -> Operation:
    """A user is a member of a group; it stays a member of others."""
    account_name(user)
    account_name(group)

    def decide(seen: Observed) -> Change | None:
        groups = seen.text.split()
        if group in groups:
            return None
        return Change(f"{user} joins", f"usermod -aG {group} {user}", f"+ {group}")

    return Operation(f"{user} in group {group}", f"id -nG {user} 2>/dev/null", decide)


def authorized_keys(user: str, keys: Sequence[str], *, exclusive: bool = False) -> Operation:
    """The keys with which one may log in as a user (USR-3): file 0600 in a folder 0700, both the user's.

    The file is written as the user, so that nothing in its home can lead us astray.

    :param keys: lines of authorized_keys (sshd(8)), `ssh-ed25519 AAAA… comment`, with options before if wanted. A key that is there with
        the same options stays as it is, whatever its comment.
    :param exclusive: whether keys of others are removed.
    """
    account_name(user)
    wanted = KeyFile(user, tuple(keys), exclusive)
    return Operation(f"keys of {user}", key_probe(user), wanted.decide)


def sudoers(name: str, text: str) -> Operation:
    """A file of sudo rules, `/etc/sudoers.d/NAME`, 0440, checked by visudo before it counts (USR-1, hazard L-5).

    :param name: without dot and `~`: sudo skips such files (sudoers(5)).
    :param text: the rules, one a line.
    """
    if not _SUDOERS_NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of a file in sudoers.d", "letters, digits, _ and - only; sudo skips names with a dot"
        )
    return files.content(f"/etc/sudoers.d/{name}", text.rstrip("\n") + "\n", mode=0o440, validate='visudo -cqf "$hv_v"')


def _checked_id(kind: str, number: int | None) -> None:
    if number is not None and not 0 <= number <= _HIGHEST_ID:
        raise UsageError(f"{number} cannot be a {kind}", f"0 to {_HIGHEST_ID}")


def _two_entries(text: str) -> tuple[list[str], list[str]]:
    """What getent printed for a name and then for a number; an empty list for what there is not."""
    own, _, other = text.partition("\n")
    return (own.split(":") if own else []), (other.split("\n")[0].split(":") if other else [])
