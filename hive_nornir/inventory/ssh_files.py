"""`<context>/ssh_config`, for the operator's own ssh and for us, one block a server (spec build-infra.md 1)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hive_nornir.errors import UsageError
from hive_nornir.inventory.atomic import atomic_write
from hive_nornir.inventory.known_hosts import pinned_name

__all__ = ["JumpHost", "SshHost", "read_ssh_config", "set_port", "write_ssh_config"]

_HEADER = "# Written by hive-nornir build-infra; changes are lost when it runs again.\n"
_WORD = re.compile(r"\w[\w.-]*")
_PLACE = re.compile(r"(?:\[([\w:.%]+)\]|(\w[\w.-]*)|(\w*(?::[\w.%]*){2,}))(?::(\d{1,5}))?")


@dataclass(frozen=True)
class JumpHost:
    """A host to go through; its host key is pinned by address, in the same file as those of the servers."""

    hostname: str
    user: str
    port: int = 22

    @classmethod
    def parse(cls, text: str, user: str) -> JumpHost:
        """Read `[user@]host[:port]`, where an IPv6 address with a port stands in brackets (ssh(1), `-J`).

        :param user: where the text names none.
        :raises UsageError: it is something else.
        """
        given, _, place = text.rpartition("@")
        found = _PLACE.fullmatch(place)
        if found is None or (given and not _WORD.fullmatch(given)) or not 0 < int(found[4] or 22) < 65536:
            raise UsageError(f"the jump host {text!r} cannot be understood", "it is written user@host or user@host:port")
        return cls(found[1] or found[2] or found[3], given or user, int(found[4] or 22))

    def __str__(self) -> str:
        host = f"[{self.hostname}]" if ":" in self.hostname else self.hostname
        return f"{self.user}@{host}:{self.port}"


@dataclass(frozen=True)
class SshHost:
    """How to reach a server.

    :param name: inventory name, which is also the name that its key is pinned under.
    :param hostname: address or name to connect to.
    :param identity_file: the private key.
    :param remote_forward: port on the server, and `host:port` seen from the mother: the way to an HTTP proxy.
    :param jump: a host to go through, with the same key; its host key is pinned in the same file.
    """

    name: str
    hostname: str
    user: str
    port: int = 22
    identity_file: Path | None = None
    remote_forward: tuple[int, str] | None = None
    jump: JumpHost | None = None


def write_ssh_config(file: Path, hosts: Iterable[SshHost], known_hosts: Path) -> bool:
    """Write the whole file, so that servers which are gone disappear.

    :param hosts: in the site's order, the repository last: `ssh` without a host goes to the last one.
    :return: whether the file changed.
    :raises UsageError: a value cannot stand in an ssh_config.
    """
    servers = list(hosts)
    jumps = {server.jump.hostname: (server.jump, server.identity_file) for server in servers if server.jump is not None}
    text = _HEADER + "".join(_block(server, known_hosts) for server in servers)
    text += "".join(_jump_block(jump, identity, known_hosts) for jump, identity in jumps.values())
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return False
    atomic_write(file, text.encode(), 0o644)
    return True


def set_port(file: Path, name: str, port: int) -> bool:
    """A server listens on another port from now on; all else in the file stays.

    :param name: inventory name.
    :return: whether the file changed; False also when it has no such server.
    """
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    start = text.find(f"Host {_quoted(name)}\n")
    if start < 0:
        return False
    end = text.find("\n\n", start)
    block = text[start : end if end >= 0 else len(text)]
    changed = re.sub(r"(?m)^  Port .*$", f"  Port {port}", block)
    changed = re.sub(r"(?m)^  HostKeyAlias .*$", lambda _: f"  HostKeyAlias {_quoted(pinned_name(name, port))}", changed)
    if changed == block:
        return False
    atomic_write(file, text.replace(block, changed).encode(), 0o644)
    return True


def _block(host: SshHost, known_hosts: Path) -> str:
    settings = [
        ("HostName", host.hostname.replace("%", "%%")),
        ("Port", str(host.port)),
        ("User", host.user),
        # Keys are pinned under the inventory name, whatever the address is at the moment; OpenSSH adds no port to an alias.
        ("HostKeyAlias", pinned_name(host.name, host.port)),
        ("UserKnownHostsFile", str(known_hosts).replace("%", "%%")),
        ("StrictHostKeyChecking", "yes"),
        ("PasswordAuthentication", "no"),
        *([("IdentityFile", str(host.identity_file).replace("%", "%%"))] if host.identity_file else []),
        ("IdentitiesOnly", "yes"),
        ("LogLevel", "FATAL"),
        ("ConnectTimeout", "10"),
        ("ServerAliveInterval", "15"),
        ("ServerAliveCountMax", "4"),
    ]
    lines = [f"Host {_quoted(host.name)}", *(f"  {key} {_quoted(value)}" for key, value in settings)]
    if host.remote_forward:
        lines.append(f"  RemoteForward {host.remote_forward[0]} {_quoted(host.remote_forward[1])}")
    if host.jump:
        lines.append(f"  ProxyJump {host.jump}")
    return "\n".join(lines) + "\n\n"


def _jump_block(jump: JumpHost, identity_file: Path | None, known_hosts: Path) -> str:
    """How ssh logs in to the jump host itself. It is no server, so it gets no `Host` block."""
    settings = [
        ("UserKnownHostsFile", str(known_hosts).replace("%", "%%")),
        ("StrictHostKeyChecking", "yes"),
        *([("IdentityFile", str(identity_file).replace("%", "%%"))] if identity_file else []),
        ("IdentitiesOnly", "yes"),
        ("LogLevel", "FATAL"),
        ("ConnectTimeout", "10"),
    ]
    return "\n".join([f"Match originalhost {jump.hostname}", *(f"  {key} {_quoted(value)}" for key, value in settings)]) + "\n\n"


def _quoted(value: str) -> str:
    # ssh_config(5): arguments with spaces go into double quotes.
    if not value or any(character in value for character in '"\n\r\0\\'):
        raise UsageError(f"{value!r} cannot stand in an ssh_config", "use a name and a path without quotes, backslashes and line breaks")
    return f'"{value}"' if any(character in value for character in " \t#=,'") else value


def read_ssh_config(file: Path) -> dict[str, SshHost]:
    """The servers in the order of the file; one that hive-builder wrote is understood too.

    :return: by inventory name; empty when there is no file.
    :raises UsageError: the file is damaged.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    blocks: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        key, _, value = line.strip().partition(" ")
        if key.startswith("#") or not key:
            continue
        if key.lower() == "host":
            current = blocks.setdefault(_unquoted(value), {})
        elif key.lower() == "match":  # a jump host
            current = {}
        else:
            current.setdefault(key.lower(), value)
        if key.lower() == "port" and not _unquoted(value).isdigit():
            raise UsageError(f"{file}:{number}: {value!r} is not a port", "run build-infra again, it writes the file anew")
    return {name: _host(name, settings) for name, settings in blocks.items()}


def _host(name: str, settings: dict[str, str]) -> SshHost:
    values = {key: _unquoted(value) for key, value in settings.items()}
    identity = values.get("identityfile")
    forward = shlex.split(settings.get("remoteforward", ""))
    return SshHost(
        name=name,
        hostname=values.get("hostname", name).replace("%%", "%"),
        user=values.get("user", ""),
        port=int(values.get("port", 22)),
        identity_file=Path(identity.replace("%%", "%")) if identity else None,
        remote_forward=(int(forward[0]), forward[1]) if len(forward) == 2 and forward[0].isdigit() else None,
        jump=JumpHost.parse(values["proxyjump"], values.get("user", "")) if "proxyjump" in values else None,
    )


def _unquoted(value: str) -> str:
    value = value.strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
