"""Servers that somebody else has made: all that we do is to give them the admin account (spec build-infra.md 7)."""

from __future__ import annotations

import shlex
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from hive_nornir.errors import ConnectionFailed, HiveError, HostKeyChanged, ProviderError
from hive_nornir.inventory.keys import ensure_admin_key
from hive_nornir.inventory.providers.base import ConnectionData, ProviderSite, Resource, ServerSpec
from hive_nornir.inventory.providers.parallel import in_parallel

if TYPE_CHECKING:
    import paramiko

    from hive_nornir.connections.shell import SshTransport
    from hive_nornir.connections.ssh import SshTarget

__all__ = ["Prepared"]

_STEP_SECONDS = 60.0
_PROBE_SECONDS = 5.0
_PORT = 22
SCRIPT = Path(__file__).with_name("bootstrap.sh").read_text()


class Prepared:
    """Servers that are there already. They are reached at their private address and are never stopped or deleted."""

    name = "prepared"
    extra = ""
    description = "servers that exist already; makes the admin account with hive_root_password or a key that root takes"

    def plan(self, site: ProviderSite) -> list[Resource]:
        """Every server: `present` when the admin's key and sudo work, `missing` when the admin account is still to be made."""
        return in_parallel(lambda server: _look(site, server), site.servers)

    def build(self, site: ProviderSite) -> bool:
        """Give every server the admin account, unless its key login works already. Returns whether any server was changed.

        :raises ProviderError: what went wrong, for every server that it went wrong on.
        :raises HostKeyChanged: a server shows another host key than the pinned one; nothing was sent to it.
        """
        key = ensure_admin_key(site.context_dir)
        return any(in_parallel(lambda server: _prepare(site, server, key), site.servers))

    def halt(self, site: ProviderSite) -> bool:
        """Not supported: the servers are somebody else's.

        :raises ProviderError: always.
        """
        raise ProviderError(f"stage {site.stage}: halt is unsupported for prepared servers", "stop them where they were made")

    def destroy(self, site: ProviderSite) -> bool:
        """Not supported: the servers are somebody else's.

        :raises ProviderError: always.
        """
        raise ProviderError(f"stage {site.stage}: destroy is unsupported for prepared servers", "delete them where they were made")

    def connection(self, site: ProviderSite, server: ServerSpec) -> ConnectionData:
        """How to reach a server; its host key is pinned by `build`, on the first contact."""
        return ConnectionData(server.private_ip, _admin(server), _port(site, server))


def _prepare(site: ProviderSite, server: ServerSpec, key: Path) -> bool:
    """Make the admin account of a server if it is not there; whether it was made."""
    target = _target(site, server, key, _port(site, server))
    problem = _refusal(target)
    if problem is None:
        return False
    site.progress(server.name, "has no admin account that takes our key; making it as root")
    with closing(_root(site, server, key, target.port)) as transport:
        done = transport.run(_script(server, key.with_suffix(".pub").read_text().strip()), deadline=_STEP_SECONDS)
    if done.exit_code:
        raise ProviderError(f"{server.name}: cannot make the admin account: {done.stderr.decode(errors='replace').strip()}")
    problem = _refusal(target)
    if problem is not None:
        raise ProviderError(f"{server.name}: the admin account was made, and still {problem}", "sshd_config or sudoers may forbid it")
    if "hive_root_password" in server.variables:
        site.progress(server.name, "key login works: root_password is no longer needed, remove it from the definitions")
    return True


def _look(site: ProviderSite, server: ServerSpec) -> Resource:
    from hive_nornir.inventory.known_hosts import KnownHosts

    key = site.context_dir / "id_rsa"
    if not key.exists():
        return Resource("server", server.name, "missing", "no key pair yet; the admin account will be made")
    try:
        target = _target(site, server, key, _port(site, server), learn=False)
        known = KnownHosts(site.context_dir / "known_hosts")
        if not (known.keys(server.name, target.port) or known.keys(server.name)):
            return Resource("server", server.name, "missing", "no host key is pinned yet; the first contact will be made")
        problem = _refusal(target)
    except HiveError as error:
        return Resource("server", server.name, "unknown", str(error))
    return Resource("server", server.name, "present" if problem is None else "missing", problem or server.private_ip)


def _refusal(target: SshTarget) -> str | None:
    """Why the admin's key login or sudo does not work; None when both do.

    :raises ConnectionFailed: the server cannot be talked to at all.
    """
    import paramiko

    from hive_nornir.connections.shell import SshTransport

    with closing(SshTransport(target)) as transport:
        try:
            done = transport.run("id -u", deadline=_STEP_SECONDS)
        except HostKeyChanged:
            raise
        except ConnectionFailed as error:
            if isinstance(error.__cause__, paramiko.AuthenticationException):
                return error.message
            if _logged_in(target):
                return f"{target.username} cannot become root: {error.message}"
            raise
    return None if done.stdout.strip() == b"0" else f"{target.username} cannot become root with sudo"


def _logged_in(target: SshTarget) -> bool:
    from hive_nornir.connections.ssh import connect

    try:
        connect(target).close()
    except ConnectionFailed:
        return False
    return True


def _root(site: ProviderSite, server: ServerSpec, key: Path, port: int) -> SshTransport:
    """A root shell by the password of the definitions, by our own key, or by a key that the operator's agent or ~/.ssh holds.

    :raises ProviderError: none of them is taken.
    """
    import paramiko

    from hive_nornir.connections.shell import SshTransport

    refusals = []
    for target in _root_targets(site, server, key, port):
        transport = SshTransport(target)
        try:
            transport.run("true", deadline=_STEP_SECONDS)
        except ConnectionFailed as error:
            transport.close()
            if not isinstance(error.__cause__, paramiko.SSHException):
                raise
            refusals.append(error.message)
        else:
            return transport
    hint = (
        "check root_password"
        if "hive_root_password" in server.variables
        else "set root_password, or add a key of yours to root's authorized_keys"
    )
    raise ProviderError(f"{server.name}: root does not let us in either: {refusals[-1]}", hint)


def _root_targets(site: ProviderSite, server: ServerSpec, key: Path, port: int) -> Iterator[SshTarget]:
    from dataclasses import replace

    base = replace(_target(site, server, key, port), username="root")
    password = server.variables.get("hive_root_password")
    if password:
        yield replace(base, key_files=(), password=str(password))
    else:
        yield base
        yield replace(base, key_files=())


def _target(site: ProviderSite, server: ServerSpec, key: Path, port: int, *, learn: bool = True) -> SshTarget:
    from hive_nornir.connections.ssh import SshTarget, fingerprint
    from hive_nornir.inventory.known_hosts import KnownHosts

    pinned = KnownHosts(site.context_dir / "known_hosts")

    def first_contact(name: str, port: int, shown: paramiko.PKey) -> bool:
        site.progress(name, f"first contact, its host key is pinned from now on: {fingerprint(shown)}")
        pinned.pin([name, server.private_ip], shown, port)
        return True

    return SshTarget(
        hostname=server.private_ip,
        username=_admin(server),
        port=port,
        alias=server.name,
        known_hosts=pinned.file,
        key_files=(key,),
        learn=first_contact if learn else None,
        jump=_jump(site, server),
    )


def _jump(site: ProviderSite, server: ServerSpec) -> SshTarget | None:
    """The host that leads to a server, as in the runs afterwards: our key must let us in there, and its host key be pinned."""
    from hive_nornir.connections.ssh import SshTarget
    from hive_nornir.inventory.ssh_files import JumpHost

    if not (text := server.variables.get("hive_ssh_jump")):
        return None
    jump = JumpHost.parse(str(text), _admin(server))
    known_hosts, key = site.context_dir / "known_hosts", site.context_dir / "id_rsa"
    return SshTarget(jump.hostname, jump.user, jump.port, known_hosts=known_hosts, key_files=(key,))


def _port(site: ProviderSite, server: ServerSpec) -> int:
    """Where sshd listens: where the definitions want it, or where it is before the first setup-hosts.

    :raises ConnectionFailed: at neither.
    """
    import paramiko

    problem: Exception | None = None
    for port in dict.fromkeys((int(server.variables.get("hive_sshd_port", _PORT)), _PORT)):
        try:
            _knock((server.private_ip, port), _jump(site, server))
        except (OSError, paramiko.ChannelException) as error:
            problem = problem or error
        else:
            return port
    raise ConnectionFailed(
        f"{server.name} does not answer at {server.private_ip}: {problem}", "is it up, and may this machine reach its sshd?"
    )


def _knock(address: tuple[str, int], jump: SshTarget | None) -> None:
    """Open a connection and close it again.

    :raises OSError: nobody answers there; seen from a jump host, it is a paramiko.ChannelException.
    :raises ConnectionFailed: the jump host does not let us in.
    """
    from hive_nornir.connections.sockets import Tunnel
    from hive_nornir.connections.ssh import connect

    if jump is None:
        socket.create_connection(address, timeout=_PROBE_SECONDS).close()
        return
    with closing(connect(jump)) as client:
        Tunnel(client, address, _PROBE_SECONDS)


def _admin(server: ServerSpec) -> str:
    return str(server.variables.get("hive_admin", "admin"))


def _script(server: ServerSpec, public_key: str) -> str:
    admin = _admin(server)
    get = server.variables.get
    arguments = [admin, str(get("hive_admin_uid", "")), str(get("hive_admin_group", admin)), str(get("hive_admin_gid", "")), public_key]
    return f"set -- {' '.join(shlex.quote(argument) for argument in arguments)}\n{SCRIPT}"
