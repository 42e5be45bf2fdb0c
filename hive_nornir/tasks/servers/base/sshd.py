"""BASE-13 and L-4: settings of the SSH server, changed so that nobody is locked out.

They stand in a drop-in that sshd reads first, since the first value of an option counts, or, where sshd_config includes no drop-ins, in a
block at its start. The full candidate is checked with `sshd -t`, and with `sshd -T` that it has the wanted effect, before it is installed;
then sshd is reloaded, never stopped, and a fresh login must succeed, or the host puts the old state back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from hive_nornir.errors import OperationFailed, UsageError
from hive_nornir.operations import files
from hive_nornir.operations.core import Change, Guard, Observed, Operation, quote

if TYPE_CHECKING:
    from hive_nornir.tasks.os import OsData
    from hive_nornir.tasks.role import Target

__all__ = ["sshd_guard", "sshd_settings"]

HEADER = "# Written by hive-nornir; read before everything else, and the first value of an option counts."
_MARK = "@@hive-nornir"
# With a Match block in the configuration, older versions want to know who is asking.
_EFFECTIVE = """hv_sshd() { sshd -T "$@" 2>/dev/null || sshd -T -C user=root,host=localhost,addr=127.0.0.1 "$@"; }"""


def sshd_guard(host: Target, reason: str) -> Guard:
    """How a change of the SSH server's configuration undoes itself."""
    data = host.os.sshd
    paths = " ".join(filter(None, (data.config, data.dropin)))
    return Guard(reason, save=f"hv_keep {paths}", restore=f"hv_putback\n{_reload(data)}")


def sshd_settings(host: Target, settings: Mapping[str, str], *, after: tuple[Operation, ...] = ()) -> Operation:
    """Settings that are in effect, whatever else the configuration says.

    :param settings: options of sshd_config(5) that have one value.
    :param after: operations on the same configuration, with a guard of the same reason; their change is taken over too.
    :raises UsageError: root would be shut out while we come as root.
    """
    if settings.get("PermitRootLogin") not in (None, "yes", "prohibit-password") and host.transport.target.username == "root":
        raise UsageError(f"{host.name}: PermitRootLogin cannot be changed while we log in as root", "set hive_admin to another user")
    return _operation(host, settings, after[0].guard if after else sshd_guard(host, "sshd settings"), after)


def _operation(host: Target, settings: Mapping[str, str], guard: Guard | None, after: tuple[Operation, ...]) -> Operation:
    data = host.os.sshd
    lines = [f"{name} {value}" for name, value in settings.items()]
    block = files.block(data.config, lines, marker="sshd", at="start", validate=_validation(data, settings, '"$hv_v"'))
    tree = f"""{{ printf 'Include %s\\n' "$hv_v"; cat {data.config}; }}"""
    dropin = files.content(data.dropin, "\n".join([HEADER, *lines, ""]), mode=0o600, validate=_validation(data, settings, tree))
    if not data.dropin:
        dropin = block

    def decide(seen: Observed) -> Change | None:
        of_dropin, of_config, rest = seen.text.split(f"\n{_MARK}\n")
        includes, _, effective = rest.partition("\n")
        own, state = (dropin, of_dropin) if data.dropin and includes == "yes" else (block, of_config)
        change = own.decide(Observed(state))
        wrong = wrong_settings(effective, settings)
        if change is None and wrong and effective:
            raise OperationFailed(f"sshd has {', '.join(wrong)}, although our settings come first", "sshd -T tells what is in effect")
        if change is None and not seen.triggered:
            return None
        told = change or Change("reload", ":")
        return replace(told, apply="\n".join((f"{told.apply}", _checked(data, settings), _reload(data))))

    probe = "\n".join((dropin.probe, f"echo; echo {_MARK}", block.probe, f"echo; echo {_MARK}", _includes(data), _EFFECTIVE, "hv_sshd"))
    return Operation("sshd settings", probe, decide, triggered_by=after, guard=guard, rewrites=data.config)


def wrong_settings(effective: str, settings: Mapping[str, str]) -> list[str]:
    """The lines of `sshd -T` that are not as wanted; words like `no` are told apart in any case of their letters."""
    found = dict(re.findall(r"^(\S+) (.*)$", effective, re.MULTILINE))
    return [
        f"{name} {found.get(name.lower(), '(unknown)')}"
        for name, value in settings.items()
        if found.get(name.lower(), "").lower() != value.lower()
    ]


def _includes(data: OsData.Sshd) -> str:
    folder = re.escape(data.dropin.rpartition("/")[2] and data.dropin.rpartition("/")[0].rpartition("/")[2])
    return f"if grep -qiE '^[[:space:]]*Include[[:space:]].*{folder}/' {data.config}; then echo yes; else echo no; fi"
