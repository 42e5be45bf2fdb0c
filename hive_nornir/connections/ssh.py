"""SSH over paramiko: host keys pinned and checked, always; the Nornir connection plugin `paramiko`.

The plugin gives the same object as nornir-paramiko's, a connected `paramiko.SSHClient`, so that tasks written for it run on it.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hive_nornir.connections.sockets import connect_tcp
from hive_nornir.connections.transport import Traffic
from hive_nornir.errors import ConnectionFailed, HostKeyChanged

if TYPE_CHECKING:
    import paramiko
    from nornir.core.configuration import Config

__all__ = ["Paramiko", "SshTarget", "connect"]

# sshd's MaxStartups drops connects at random above 10 unfinished ones, and a jump host sees all of ours at once.
_gate = threading.BoundedSemaphore(8)


@dataclass(frozen=True)
class SshTarget:
    """Where and as whom to log in.

    :param hostname: address or name to connect to.
    :param alias: the name under which the host's key is pinned, normally the inventory name.
    :param known_hosts: OpenSSH known_hosts file with the pinned keys.
    :param key_files: private keys; none means the agent's and the operator's default keys.
    :param learn: called with (alias, port, key) when no key is pinned yet; returns whether to go on. None refuses unknown hosts.
    :param jump: a host to go through.
    :param timeout: seconds for one attempt, and for the whole of connecting three times that.
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
    timeout: float = 20.0

    @property
    def pinned_as(self) -> str:
        """How known_hosts names the host: `name`, or `[name]:port` on another port than 22 (sshd(8), SSH_KNOWN_HOSTS)."""
        name = self.alias or self.hostname
        return name if self.port == 22 else f"[{name}]:{self.port}"


def connect(target: SshTarget, traffic: Traffic | None = None) -> paramiko.SSHClient:
    """Log in to a host, trying again while it is busy.

    :param traffic: counts what is sent and waited for.
    :raises HostKeyChanged: the host shows another key than the pinned one.
    :raises ConnectionFailed: it does not answer or does not let us in.
    """
    import paramiko

    give_up = time.monotonic() + 3 * target.timeout
    pause = 0.2
    while True:
        try:
            with _gate:
                return _connect_once(target, traffic or Traffic())
        except paramiko.BadHostKeyException as error:
            raise HostKeyChanged(
                f"{target.alias or target.hostname} shows another host key than the pinned one: {fingerprint(error.key)}",
                f"if the host was rebuilt, remove its line from {target.known_hosts} and run build-infra; if not, somebody stands between",
            ) from error
        except (paramiko.AuthenticationException, paramiko.PasswordRequiredException) as error:
            raise ConnectionFailed(f"{target.alias or target.hostname} does not let {target.username} in: {error}") from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            # A dropped or reset connect is what MaxStartups and a booting sshd look like; everything else is final.
            passing = isinstance(error, (EOFError, ConnectionResetError, ConnectionRefusedError)) or "banner" in str(error)
            if not passing or time.monotonic() + pause > give_up or isinstance(error, ConnectionRefusedError) and pause > 1:
                raise ConnectionFailed(
                    f"cannot connect to {target.alias or target.hostname} ({target.hostname}:{target.port}): {error}"
                ) from error
        time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
        pause *= 2


def _connect_once(target: SshTarget, traffic: Traffic) -> paramiko.SSHClient:
    import paramiko

    _quiet_paramiko()
    client = _client_with_pins(target)
    if target.jump is None:
        sock: Any = connect_tcp(target.hostname, target.port, target.timeout, traffic)
    else:
        outer = connect(target.jump, traffic)
        transport = outer.get_transport()
        assert transport is not None  # noqa: S101 - connect() returned, so there is one
        sock = transport.open_channel("direct-tcpip", (target.hostname, target.port), ("127.0.0.1", 0), timeout=target.timeout)
        sock.jump_client = outer  # keeps the outer connection alive as long as the inner one
    try:
        client.connect(
            # Only names the host in the look-up of its pinned key: the socket is open already.
            hostname=target.alias or target.hostname,
            port=target.port,
            username=target.username,
            password=target.password,
            pkey=_private_key(target.key_files),
            allow_agent=not target.key_files and target.password is None,
            look_for_keys=not target.key_files and target.password is None,
            compress=True,
            sock=sock,
            timeout=target.timeout,
            banner_timeout=target.timeout,
            auth_timeout=target.timeout,
        )
    except BaseException:
        with contextlib.suppress(OSError):
            sock.close()
        client.close()
        raise
    transport = client.get_transport()
    if transport is not None and isinstance(client, paramiko.SSHClient):
        transport.set_keepalive(30)
    return client


def _client_with_pins(target: SshTarget) -> paramiko.SSHClient:
    import paramiko

    client = paramiko.SSHClient()
    if target.known_hosts is not None and target.known_hosts.exists():
        pins = _pins(target.known_hosts, target.known_hosts.stat().st_mtime_ns).lookup(target.pinned_as)
        for key in pins.values() if pins else ():
            client.get_host_keys().add(target.pinned_as, key.get_name(), key)
    client.set_missing_host_key_policy(cast("Any", _FirstContact(target)))  # duck-typed: its base class would import paramiko early
    return client


@functools.lru_cache(maxsize=8)
def _pins(known_hosts: Path, modified: int) -> paramiko.HostKeys:  # noqa: ARG001 - `modified` makes a changed file a new entry
    import paramiko

    return paramiko.HostKeys(str(known_hosts))


def _private_key(files: tuple[Path, ...]) -> paramiko.PKey | None:
    return _read_key(files[0]) if files else None


@functools.lru_cache(maxsize=8)
def _read_key(file: Path) -> paramiko.PKey:
    # Read once for all hosts: decoding a 4096 bit RSA key costs 60 ms.
    import paramiko

    try:
        return paramiko.PKey.from_path(file)
    except OSError as error:
        raise ConnectionFailed(
            f"cannot read the private key {file}: {error.strerror}", "run build-infra first, it makes the key"
        ) from error


class _FirstContact:
    """A missing-host-key policy that asks the target's `learn`; without one, unknown hosts are refused."""

    def __init__(self, target: SshTarget) -> None:
        self.target = target

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002 - paramiko's signature
        if self.target.learn is None:
            raise ConnectionFailed(
                f"no host key is pinned for {hostname}; it shows {fingerprint(key)}",
                "run build-infra: it learns the keys from the provider",
            )
        if not self.target.learn(self.target.alias or self.target.hostname, self.target.port, key):
            raise ConnectionFailed(f"the host key of {hostname} was not accepted: {fingerprint(key)}")


def fingerprint(key: paramiko.PKey) -> str:
    """`ssh-ed25519 SHA256:…`, as ssh-keygen -l prints it."""
    import base64
    import hashlib

    digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
    return f"{key.get_name()} SHA256:{digest}"


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

    :raises ConnectionFailed: no address or user is known for the host.
    """
    if not hostname or not username:
        raise ConnectionFailed(f"no address or user is known for {(extras or {}).get('alias') or hostname}", "run build-infra first")
    return SshTarget(hostname=hostname, username=username, password=password, port=port or 22, **(extras or {}))
