"""Role users: the accounts of the site's operators (spec setup-hosts.md 4.10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hive_nornir.errors import OperationFailed
from hive_nornir.inventory.known_hosts import KnownHosts, pinned_name
from hive_nornir.operations import accounts
from hive_nornir.operations.core import Change, Observed, Operation
from hive_nornir.tasks.role import Target, Variables, role
from hive_nornir.tasks.servers.base.sshd import settings_in_effect
from hive_nornir.tasks.servers.sshd import sshd_guard
from hive_nornir.tasks.servers.user_known_hosts import user_known_hosts
from hive_nornir.tasks.servers.withdrawal import remembered, sudoers_name, withdrawn

__all__ = ["UsersVariables", "users"]


ROOT_LOGIN = {"PermitRootLogin": "no"}


class SiteGroup(BaseModel):
    """A group of operators; its members may become root without a password."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gid: int = Field(ge=1, le=2147483647)


class SiteUser(BaseModel):
    """An operator.

    :ivar group: name or gid of the primary group (ruling R-10).
    :ivar id_rsa_pub: public keys of any type, one a line.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    uid: int = Field(ge=1, le=2147483647)
    group: str | int
    id_rsa_pub: str

    @property
    def keys(self) -> list[str]:
        """The public keys."""
        return [line.strip() for line in self.id_rsa_pub.splitlines() if line.strip()]


class UsersVariables(Variables):
    """What users reads."""

    hive_users: Mapping[str, SiteUser] | None = Field(
        None, description="Operators: name -> uid, group (name or gid), id_rsa_pub. An empty map takes everybody's access away."
    )
    hive_user_groups: Mapping[str, SiteGroup] = Field(
        default_factory=dict, description="The operators' groups: name -> gid. Members may become root."
    )
    hive_safe_admin: str = Field("admin", description="The account that this tool logs in to; it is not a user of the site.")
    hive_safe_sshd_port: int = Field(22, description="Where sshd listens.")

    @model_validator(mode="after")
    def _groups_are_given(self) -> UsersVariables:
        if self.hive_users and not self.hive_user_groups:
            raise ValueError("hive_users needs hive_user_groups")
        for name in ({*(self.hive_users or ()), *self.hive_user_groups}) & {self.hive_safe_admin, "hive-admin", "root"}:
            # L-5, L-6: its account, its keys and its sudo rule (sudoers.d/hive-admin) are what lets this tool in.
            raise ValueError(f"{name!r} is the administrator's, choose another name")
        return self


def _listed(v: UsersVariables) -> bool:
    return v.hive_users is not None


@role(when=_listed, condition="hive_users is defined")
def users(host: Target, v: UsersVariables) -> list[Operation]:
    """Give the site's operators accounts with their keys, and sudo through their groups; refuse root's login.

    Users, groups and keys that were listed once and are not any more lose their access; homes stay. The keys of all servers are known to
    everybody (`~/.ssh/known_hosts`).
    """
    listed = v.hive_users or {}
    names = {group.gid: name for name, group in v.hive_user_groups.items()}
    record = [
        *(f"group {name}" for name in v.hive_user_groups),
        *(f"user {name}" for name in listed),
        *(f"key {name} {' '.join(_type_and_key(key))}" for name, user in listed.items() for key in user.keys),
    ]
    servers = _server_keys(host)
    return [
        remembered(record),
        *(accounts.group(name, gid=group.gid) for name, group in v.hive_user_groups.items()),  # USR-1
        *(accounts.sudoers(sudoers_name(name), f"%{name} ALL=(ALL) NOPASSWD: ALL") for name in v.hive_user_groups),
        *(accounts.user(name, uid=user.uid, group=_group(user.group, names)) for name, user in listed.items()),  # USR-2
        *(accounts.authorized_keys(name, user.keys) for name, user in listed.items()),  # USR-3
        *(user_known_hosts(name, servers) for name in listed),  # USR-5
        withdrawn(record),  # M-3
        *_root_login_refused(host),
    ]


def _root_login_refused(host: Target) -> list[Operation]:
    """USR-4. By now the administrator got in with a key and became root; the guard proves that it still does afterwards (L-4)."""
    if host.transport.target.username == "root":
        return [Operation("root's login is refused", ":", _would_lock_out)]
    sshd = host.os.sshd
    # A file of its own: the settings of base are there without this role too.
    own = f"{sshd.dropin.rpartition('/')[0]}/01-hive-users.conf" if sshd.dropin else ""
    guard = sshd_guard(sshd, "refusing root's login", [sshd.config, *([own] if own else [])])
    refused = settings_in_effect(sshd.model_copy(update={"dropin": own}), ROOT_LOGIN, "false", guard=guard, marker="users")
    return [replace(refused, name="root's login is refused")]


def _would_lock_out(_: Observed) -> Change | None:
    raise OperationFailed(
        "root's login cannot be refused while hive-nornir itself logs in as root", "set hive_admin to another account that may use sudo"
    )


def _server_keys(host: Target) -> list[str]:
    """A line of known_hosts for each key of each server, under its name and address (USR-5)."""
    pins = KnownHosts(host.site.context.known_hosts)
    lines = []
    for server in host.site.servers:
        variables = host.site.scope(server)
        port = int(variables.get("hive_safe_sshd_port", 22))
        names = f"{pinned_name(server, port)},{pinned_name(str(variables['hive_private_ip']), port)}"
        lines += sorted(f"{names} {key.get_name()} {key.get_base64()}" for key in pins.keys(server, port))
    return lines


def _group(group: str | int, names: Mapping[int, str]) -> str:
    """The group's name if it is one of the site's: a gid may be given before the group exists."""
    return names.get(int(group), str(group)) if str(group).isdecimal() else str(group)


def _type_and_key(line: str) -> list[str]:
    """A public key without options and comment."""
    words = line.split()
    at = next((at for at, word in enumerate(words) if word.startswith("AAAA")), None)
    return words[at - 1 : at + 1] if at else words[:2]
