"""Access that is no longer listed is taken away: what the role `users` gave is remembered on the host (spec setup-hosts.md M-3)."""

from __future__ import annotations

from collections.abc import Sequence

from hive_nornir.operations.core import Change, Observed, Operation, quote

__all__ = ["REGISTER", "remembered", "sudoers_name", "withdrawn"]

REGISTER = "/etc/hive-nornir/users"
"""What this tool gave: lines `user NAME`, `group NAME`, `key NAME TYPE BASE64`."""

# The user's own group, a sudo group as a rule, is left; the shell is given back by the role if the user returns. The home stays as it is.
_USER = """if id -u {name} >/dev/null 2>&1; then
  hv_h=$(getent passwd {name} | cut -d: -f6)
  runuser -u {name} -- rm -f -- "$hv_h/.ssh/authorized_keys" "$hv_h/.ssh/authorized_keys2"
  usermod -g "$(getent group nogroup nobody | sed 's/:.*//;q')" -G '' -s "$(command -v nologin || echo /bin/false)" {name}
  loginctl terminate-user {name} 2>/dev/null || :
fi"""
_KEY = """hv_h=$(getent passwd {name} | cut -d: -f6)/.ssh/authorized_keys
if [ -e "$hv_h" ]; then
  hv_o={name}:$(id -g {name}) hv_h=$hv_h runuser -u {name} -- /bin/sh -ec '
    eval "$HIVE_PRELUDE"; grep -vF -e {key} "$hv_h" | hv_write "$hv_h" 600 "$hv_o"'
fi"""


def sudoers_name(group: str) -> str:
    """The file of a group's sudo rule: sudo reads none with a dot in its name (USR-1, sudoers(5))."""
    return group.replace(".", "_")


def remembered(wanted: Sequence[str]) -> Operation:
    """Put what will be given on record, before it is given, so that an interrupted run gives nothing unseen."""

    def decide(seen: Observed) -> Change | None:
        known = seen.text.splitlines()
        new = [line for line in wanted if line not in known]
        return Change(f"remember {_in_words(new)}", _write([*known, *new])) if new else None

    return Operation("record of users and keys", _PROBE, decide, rewrites=REGISTER)


def withdrawn(wanted: Sequence[str]) -> Operation:
    """Take away what is on record and not wanted any more: keys, sudo rules, and a user's every way in. Homes stay."""

    def decide(seen: Observed) -> Change | None:
        gone = [line for line in seen.text.splitlines() if line not in wanted]
        if not gone:
            return None
        users = {line.split()[1] for line in gone if line.startswith("user ")}
        steps = [_step(line, users) for line in gone]
        diff = "\n".join(f"- {line}" for line in gone)
        return Change(f"take away {_in_words(gone)}", "\n".join([*filter(None, steps), _write(wanted)]), diff)

    return Operation("access that is no longer listed", _PROBE, decide, rewrites=REGISTER)


_PROBE = f"cat {REGISTER} 2>/dev/null"


def _step(line: str, users: set[str]) -> str:
    kind, name, *rest = line.split()
    if kind == "user":
        return _USER.format(name=quote(name))
    if kind == "group":
        return f"rm -f -- /etc/sudoers.d/{quote(sudoers_name(name))}"
    # With the user go all of its keys.
    return "" if name in users else _KEY.format(name=quote(name), key=rest[-1])


def _write(lines: Sequence[str]) -> str:
    text = "".join(f"{line}\n" for line in lines)
    return f"mkdir -p -m 755 -- {REGISTER.rpartition('/')[0]}\nhv_write {REGISTER} 644 root:root <<'E'\n{text}E"


def _in_words(lines: Sequence[str]) -> str:
    found = dict.fromkeys(f"a {kind} of {name}" if kind == "key" else f"{kind} {name}" for kind, name, *_ in map(str.split, lines))
    return ", ".join(found)
