"""What SELinux lets the agent's probes do (spec setup-hosts.md ZAG-9)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hive_nornir.operations import files
from hive_nornir.operations.commands import command
from hive_nornir.operations.core import Change, Observed, Operation, quote

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target

__all__ = ["is_on", "policy"]

_MODULE = "hive_zabbix"
_POLICY = Path(__file__).parents[3] / "data" / "selinux" / f"{_MODULE}.cil"
_FOLDER = "/etc/hive-nornir/selinux"


def is_on(host: Target) -> bool:
    """Whether the server has an SELinux that watches or forbids."""
    return host.facts.selinux in ("enforcing", "permissive")


def policy(host: Target) -> list[Operation]:
    """Booleans and a policy module of our own, where SELinux is on."""
    if not is_on(host):
        return []
    path = f"{_FOLDER}/{_POLICY.name}"
    file = files.with_folder(files.content(path, _POLICY.read_text("utf-8")), _FOLDER)
    return [*(_boolean(name) for name in host.os.zabbix_agent.selinux_booleans), file, _loaded(path, file)]


def _boolean(name: str) -> Operation:
    known, on = f"getsebool {quote(name)}", f"getsebool {quote(name)} | grep -q 'on$'"
    return command(f"SELinux boolean {name}", f"setsebool -P {quote(name)} on", unless=on, onlyif=known, deadline=180)


def _loaded(path: str, file: Operation) -> Operation:
    """The module is in the policy, as the file has it."""

    def decide(seen: Observed) -> Change | None:
        there = seen.text.strip() == _MODULE
        if there and not seen.triggered:
            return None
        return Change("load" if not there else "load anew", f"semodule -i {quote(path)}")

    probe = f"semodule -l | grep -ow ^{_MODULE} || :"
    return Operation(f"SELinux policy {_MODULE}", probe, decide, triggered_by=(file,), deadline=180)
