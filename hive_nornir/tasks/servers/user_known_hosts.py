"""A user's own `~/.ssh/known_hosts`, with the keys of all servers (spec setup-hosts.md USR-5)."""

from __future__ import annotations

from collections.abc import Sequence

from hive_nornir.operations._diffs import unified
from hive_nornir.operations._edits import with_block
from hive_nornir.operations._states import feed
from hive_nornir.operations.core import Change, Observed, Operation, quote

__all__ = ["user_known_hosts"]

MARKER = "servers"


def user_known_hosts(user: str, lines: Sequence[str]) -> Operation:
    """The servers' keys as a block of the file, 0600 and the user's own; what the user has in it besides stays.

    :param user: a checked account name.
    :param lines: of known_hosts; none at all removes the block.
    """
    probe = (
        f"hv_h=$(getent passwd {user} | cut -d: -f6)/.ssh/known_hosts\n"
        "stat -c '%a %U:%g' -- \"$hv_h\" 2>/dev/null || echo absent\n"
        f'echo "600 {user}:$(id -g {user} 2>/dev/null)"; cat -- "$hv_h" 2>/dev/null'
    )

    def decide(seen: Observed) -> Change | None:
        now, wanted, old = [*seen.text.split("\n", 2), "", ""][:3]
        new = with_block(old, lines, marker=MARKER)
        words = ["keys of the servers"] if new != old else []
        if now not in ("absent", wanted):
            words.append(f"mode and owner {now} -> {wanted}")
        return Change(", ".join(words), _write(user, new), unified(f"~{user}/.ssh/known_hosts", old, new)) if words else None

    return Operation(f"known hosts of {user}", probe, decide)


def _write(user: str, text: str) -> str:
    """As the user, so that nothing in its home can lead root astray."""
    script = 'eval "$HIVE_PRELUDE"; umask 077; mkdir -p -- "${hv_h%/*}"; hv_write "$hv_h" 600 "$hv_o"'
    return (
        f"hv_h=$(getent passwd {user} | cut -d: -f6)/.ssh/known_hosts; hv_o={user}:$(id -g {user})\n"
        '[ ! -e "$hv_h" ] || chown -h -- "$hv_o" "$hv_h"\n'
        + feed(f"hv_h=$hv_h hv_o=$hv_o runuser -u {user} -- /bin/sh -ec {quote(script)}", text.encode())
    )
