"""What containers and agents of Zabbix are let into: registries of images, and the system's log (spec setup-hosts.md ZBX-2, ZBX-9)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from hive_nornir.operations import accounts, files
from hive_nornir.operations._states import feed
from hive_nornir.operations.commands import command
from hive_nornir.operations.core import Change, Observed, Operation, quote
from hive_nornir.tasks.repository.zabbix.variables import ExternalRegistry

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target

__all__ = ["login", "readable_log"]

_GROUP = "zabbix"
_LOGINS = "/root/.docker"


def login(registry: ExternalRegistry) -> Operation:
    """Root's login at a registry from which images are pulled (ZBX-2). The password is nowhere but in Docker's own file."""
    from docker.auth import INDEX_URL

    # Under this name Docker's own commands keep the login at Docker Hub.
    name, file = registry.repository or INDEX_URL, f"{_LOGINS}/config.json"
    stored = base64.b64encode(f"{registry.login_user}:{registry.password}".encode())
    known = quote(f'"{name}"')
    look = feed(f"if grep -qF -e {known} {file} 2>/dev/null && grep -qFf - {file}", b'"' + stored + b'"\n') + "\nthen echo in; fi"
    log_in = f"docker --config {_LOGINS} login -u {quote(registry.login_user)} --password-stdin {quote(registry.repository)} >/dev/null"
    change = Change(f"as {registry.login_user}", feed(log_in.replace(" ''", ""), registry.password.encode()))

    def decide(seen: Observed) -> Change | None:
        return None if seen.text.strip() == "in" else change

    return Operation(f"login at {name}", look, decide)


def readable_log(host: Target, admin: str) -> list[Operation]:
    """The agent reads the system's log (ZBX-9): by the group that may, or else the log belongs to its own group; rotation keeps that."""
    logs = host.os.logs
    exists = f"getent group {_GROUP} >/dev/null && echo there || :"
    new = Change("new", f"groupadd -r {_GROUP}")
    group = Operation(f"group {_GROUP}", exists, lambda seen: None if seen.text.strip() else new)
    reads = [_joins(logs.reader_group)] if logs.reader_group else _owned(logs.main, logs.owner)
    return [group, accounts.member(admin, _GROUP), *reads]


def _owned(log: str, owner: str) -> list[Operation]:
    """The log is the agent's group's; it is made where its daemon has not written yet, whose own would be for root alone."""
    make = f"install -m 640 -o {quote(owner)} -g {_GROUP} /dev/null {quote(log)}"
    return [command(f"log {log}", make, creates=log), files.rights(log, mode=0o640, owner=owner, group=_GROUP)]


def _joins(group: str) -> Operation:
    """The agent's account, if there is one already; the role zabbix-agent comes with it."""
    member = accounts.member(_GROUP, group)

    def decide(seen: Observed) -> Change | None:
        return member.decide(seen) if seen.text.strip() else None

    return Operation(member.name, member.probe, decide)
