"""Changes to sshd that undo themselves when nobody gets in any more (spec setup-hosts.md 6, hazard L-4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_nornir.operations.core import Change, Guard, Observed, Operation, quote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hive_nornir.tasks.os_model import Sshd

__all__ = ["sshd_guard", "sshd_settings"]

# Where a Match block asks who is connecting, old versions want to be told.
_EFFECTIVE = "sshd -T 2>/dev/null || sshd -T -C user=root,host=localhost,addr=127.0.0.1 2>/dev/null"


def sshd_guard(sshd: Sshd, reason: str, paths: Sequence[str]) -> Guard:
    """The guard for changes of sshd's files.

    :param paths: the files that are changed.
    """
    return Guard(reason, f"hv_keep {' '.join(map(quote, paths))}", f"hv_putback\n{_reload(sshd)}")


def sshd_settings(sshd: Sshd, wanted: Mapping[str, str], *, on: Sequence[Operation], guard: Guard) -> Operation:
    """The running sshd has taken over its files, and they amount to what is wanted.

    :param wanted: setting in lower case -> value, as `sshd -T` prints them.
    :param on: operations after whose change it is reloaded; connections stay.
    """

    def decide(seen: Observed) -> Change | None:
        now = dict(line.split(" ", 1) for line in seen.text.splitlines() if " " in line)
        wrong = [f"{name} {now.get(name, '(unknown)')} -> {value}" for name, value in wanted.items() if now.get(name) != value]
        if not wrong and not seen.triggered:
            return None
        check = f"mkdir -p -m 755 -- {quote(sshd.run_dir)}\nsshd -t" if sshd.run_dir else "sshd -t"
        return Change("; ".join(["reload", *wrong]), f"{check}\n{_reload(sshd)}", "\n".join(wrong))

    names = "|".join(wanted)
    probe = f"{{ {_EFFECTIVE}; }} | grep -E '^({names}) '"
    return Operation(f"sshd with {', '.join(wanted)}", probe, decide, triggered_by=tuple(on), guard=guard)


def _reload(sshd: Sshd) -> str:
    unit = quote(sshd.unit)
    return f"systemctl reload -- {unit} || systemctl restart -- {unit}"
