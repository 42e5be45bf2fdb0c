"""SSH over paramiko: host keys pinned and checked, always; the Nornir connection plugin `paramiko`.

The plugin gives the same object as nornir-paramiko's, a connected `paramiko.SSHClient`, so that tasks written for it run on it.
"""

from __future__ import annotations

import functools
import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hive_nornir.connections.host_keys import HostKeys, fingerprint
from hive_nornir.connections.private_keys import private_key
from hive_nornir.connections.sockets import Tunnel, connect_tcp
from hive_nornir.connections.transport import Traffic
from hive_nornir.errors import ConnectionFailed
from hive_nornir.inventory.known_hosts import pinned_name
from hive_nornir.inventory.proxy import ProxyForward
from hive_nornir.inventory.ssh_files import JumpHost

if TYPE_CHECKING:
    import paramiko
    from nornir.core.configuration import Config

__all__ = ["Paramiko", "SshTarget", "connect", "fingerprint", "target_from_nornir"]

# sshd drops connects at random when more than 10 are not yet logged in (sshd_config(5), MaxStartups); a jump host sees all of ours at once.
_AT_A_TIME = 8
_gates: dict[tuple[str, int], threading.BoundedSemaphore] = {}

_RESTART_SECONDS = 2.0  # nobody listens on the port while sshd restarts


@dataclass(frozen=True)
class SshTarget:
    """Where and as whom to log in.

    :param hostname: address or name to connect to.
    :param alias: the name under which the host's key is pinned, normally the inventory name.
    :param known_hosts: OpenSSH known_hosts file with the pinned keys.
    :param key_files: private keys, tried in order; none means the agent's and the operator's default keys, if there is no password either.
    :param password: tried after the keys.
    :param learn: called with (name, port, key) when no key is pinned yet; returns whether to go on. None refuses unknown hosts.
    :param jump: a host to go through.
    :param forward: a port of the host that leads to a proxy; the connection `hive` opens it, `connect` does not.
    :param timeout: seconds for each step of one attempt (TCP, keys, login), and for the whole of connecting three times that.
    """

    hostname: str
    username: str
    port: int = 22
    alias: str = ""
    known_hosts: Path | None = None
    key_files: tuple[Path, ...] = ()
    password: str | None = field(default=None, repr=False)
    learn: Callable[[str, int, paramiko.PKey], bool] | None = None
    jump: SshTarget | None = None
    forward: ProxyForward | None = None
    timeout: float = 20.0

    @property
    def name(self) -> str:
        """What to call the host."""
        return self.alias or self.hostname

    @property
    def pinned_as(self) -> str:
        """How known_hosts names the host: `name`, or `[name]:port` on another port than 22 (sshd(8), SSH_KNOWN_HOSTS)."""
        return pinned_name(self.name, self.port)


def connect(target: SshTarget, traffic: Traffic | None = None, patience: float | None = None) -> paramiko.SSHClient:
    """Log in to a host, trying again while it is busy.

    :param traffic: counts what is sent and waited for.
    :param patience: seconds after which no further attempt is made; None is three times the target's timeout.
    :raises HostKeyChanged: the host shows another key than the pinned one.
    :raises ConnectionFailed: it does not answer or does not let us in.
    """
    import paramiko

    _quiet_paramiko()
    began = time.monotonic()
    give_up = began + (3 * target.timeout if patience is None else patience)
    pause = 0.2
    while True:
        attempt = time.monotonic()
        timeout = max(1.0, min(target.timeout, give_up - attempt))
        try:
            return _attempt(target, traffic or Traffic(), timeout)
        except (paramiko.SSHException, OSError, EOFError) as error:
            now = time.monotonic()
            answered = now - attempt < timeout
            if not answered or not _may_pass(error, now - began) or now + pause > give_up:
                raise _explained(target, error, None if answered else timeout) from error
        time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
        pause *= 2


def _may_pass(error: Exception, seconds: float) -> bool:
    """Whether a failure is what a busy, booting or restarting sshd looks like.

    :param seconds: for how long it has been tried.
    """
    import paramiko

    if isinstance(error, paramiko.AuthenticationException):
        # Before its boot has ended a host lets nobody in and hangs up (pam_nologin(8)); a plain refusal is final.
        return "EOF" in str(error)
    if isinstance(error, (ConnectionRefusedError, paramiko.ChannelException)):
        return seconds < _RESTART_SECONDS
    return isinstance(error, (EOFError, ConnectionResetError, BrokenPipeError)) or "banner" in str(error)


def _explained(target: SshTarget, error: Exception, waited: float | None) -> ConnectionFailed:
    import paramiko

    if isinstance(error, paramiko.BadHostKeyException):
        return HostKeys(target).changed(error.key)
    if isinstance(error, paramiko.AuthenticationException):
        return ConnectionFailed(f"{target.name} does not let {target.username} in: {error}")
    why = str(error) or "it closed the connection"
    if waited is not None:
        why = f"no answer within {waited:.0f} s"
    elif isinstance(error, paramiko.ChannelException) and target.jump is not None:
        why = f"{target.jump.name} does not get through to it: {error.text}"
    return ConnectionFailed(f"cannot connect to {target.name} ({target.hostname}:{target.port}): {why}")


def _attempt(target: SshTarget, traffic: Traffic, timeout: float) -> paramiko.SSHClient:
    outer = connect(target.jump, traffic, timeout) if target.jump is not None else None
    try:
        with _gates.setdefault((target.hostname, target.port), threading.BoundedSemaphore(_AT_A_TIME)):
            if outer is None:
                return _log_in(target, connect_tcp(target.hostname, target.port, timeout, traffic), timeout)
            return _log_in(target, Tunnel(outer, (target.hostname, target.port), timeout), timeout)
    except BaseException:
        if outer is not None:
            outer.close()
        raise


def _log_in(target: SshTarget, sock: Any, timeout: float) -> paramiko.SSHClient:
    import paramiko

    client = paramiko.SSHClient()
    keys = HostKeys(target)
    keys.guard(client)
    anything = not target.key_files and target.password is None
    try:
        client.connect(
            hostname=target.name,  # only names the host in the look-up of its pinned key: the socket is open already
            port=target.port,
            username=target.username,
            password=target.password,
            pkey=private_key(target.key_files[0]) if target.key_files else None,
            key_filename=cast("Any", [str(file) for file in target.key_files[1:]]),  # paramiko's, unlike its types', takes several
            allow_agent=anything,
            look_for_keys=anything,
            compress=True,
            sock=sock,
            timeout=timeout,
            banner_timeout=timeout,
            auth_timeout=timeout,
            transport_factory=keys.transport,
        )
    except BaseException:
        sock.close()
        client.close()
        raise
    transport = client.get_transport()
    if transport is not None:
        transport.set_keepalive(30)  # for firewalls that forget quiet connections; behind a jump host TCP's own do not reach the host
    return client


@functools.cache
def _quiet_paramiko() -> None:
    # Its background thread logs tracebacks of connects that fail and are tried again; our errors say it in one line.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)


class Paramiko:
    """The Nornir connection plugin `paramiko`.

    `extras` of the connection options are the fields of `SshTarget` (alias, known_hosts, key_files, learn, jump, timeout).
    """

    connection: paramiko.SSHClient

    def open(
        self,
        hostname: str | None,
        username: str | None,
        password: str | None,
        port: int | None,
        platform: str | None,  # noqa: ARG002 - Nornir's signature
        extras: dict[str, Any] | None = None,
        configuration: Config | None = None,  # noqa: ARG002 - Nornir's signature
    ) -> None:
        """Log in."""
        self.connection = connect(target_from_nornir(hostname, username, password, port, extras))

    def close(self) -> None:
        """Log out."""
        self.connection.close()


def target_from_nornir(
    hostname: str | None, username: str | None, password: str | None, port: int | None, extras: dict[str, Any] | None
) -> SshTarget:
    """What Nornir's connection options say, as a target.

    :param extras: fields of `SshTarget`; `jump` may be text, `[user@]host[:port]`: a host with its key in the same known_hosts and with the
        same user and keys as the host behind it, where nothing else is said.
    :raises ConnectionFailed: no address or user is known for the host.
    :raises UsageError: the jump host cannot be understood.
    """
    if not hostname or not username:
        raise ConnectionFailed(f"no address or user is known for {(extras or {}).get('alias') or hostname}", "run build-infra first")
    options = dict(extras or {})
    if isinstance(options.get("jump"), str):
        jump = JumpHost.parse(options["jump"], username)
        same = {name: options[name] for name in ("known_hosts", "key_files", "timeout") if name in options}
        options["jump"] = SshTarget(jump.hostname, jump.user, jump.port, **same)
    return SshTarget(hostname=hostname, username=username, password=password, port=port or 22, **options)
