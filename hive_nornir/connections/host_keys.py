"""Which key a host has to show, and what becomes of a host of which none is known."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, cast

from hive_nornir.errors import ConnectionFailed, HostKeyChanged
from hive_nornir.inventory.known_hosts import KnownHosts

if TYPE_CHECKING:
    import paramiko

    from hive_nornir.connections.ssh import SshTarget

__all__ = ["HostKeys", "fingerprint"]


class HostKeys:
    """The pinned keys of one host.

    As ssh(1) does, a host on another port than 22 that has no pin of its own there is known by its pins without a port: it is one machine.
    """

    def __init__(self, target: SshTarget) -> None:
        self.target = target
        self._file = KnownHosts(target.known_hosts) if target.known_hosts is not None else None
        self.pinned = self._pinned()

    def _pinned(self) -> list[paramiko.PKey]:
        if self._file is None:
            return []
        return self._file.keys(self.target.name, self.target.port) or self._file.keys(self.target.name)

    def guard(self, client: paramiko.SSHClient) -> None:
        """Have a client refuse every other key, and ask the target's `learn` if there is none."""
        known = client.get_host_keys()
        for key in self.pinned:
            known.add(self.target.pinned_as, key.get_name(), key)
        client.set_missing_host_key_policy(cast("Any", self))  # duck-typed: its base class would import paramiko early

    def transport(self, sock: Any, **options: Any) -> paramiko.Transport:
        """A transport that asks for a host key of the types that are pinned before any other; paramiko itself does so for one type."""
        import paramiko

        transport = paramiko.Transport(sock, **options)
        names = {key.get_name() for key in self.pinned}
        wanted = transport.get_security_options()
        wanted.key_types = sorted(wanted.key_types, key=lambda kind: ("ssh-rsa" if kind.startswith("rsa-") else kind) not in names)
        return transport

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002 - paramiko's signature
        """Decide on the first key that a host shows (called by paramiko).

        :raises ConnectionFailed: unknown hosts are refused, or this one was.
        :raises HostKeyChanged: the key is one that was withdrawn.
        """
        shown = f"{hostname} shows {fingerprint(key)}"
        if self._file is not None and self._file.is_revoked(key):
            raise HostKeyChanged(f"{shown}, which {self._file.file} marks as revoked", "give the host a new key")
        if self.target.learn is None:
            raise ConnectionFailed(f"no host key is pinned: {shown}", self._way_out())
        if not self.target.learn(self.target.name, self.target.port, key):
            raise ConnectionFailed(f"the host key was not accepted: {shown}")

    def changed(self, key: paramiko.PKey) -> HostKeyChanged:
        """The error for a host that shows another key than the pinned ones."""
        pinned = ", ".join(sorted(fingerprint(one) for one in self.pinned))
        return HostKeyChanged(
            f"{self.target.name} shows another host key than the pinned one: {fingerprint(key)} instead of {pinned}",
            f"if it was rebuilt, remove its lines from {self.target.known_hosts} and run build-infra; if not, somebody stands between",
        )

    def _way_out(self) -> str:
        if self.target.alias:
            return "run build-infra, which pins the keys of the site's servers"
        port = "" if self.target.port == 22 else f"-p {self.target.port} "
        return f"compare it on the host, then pin it: ssh-keyscan {port}{self.target.hostname} >>{self.target.known_hosts}"


def fingerprint(key: paramiko.PKey) -> str:
    """`ssh-ed25519 SHA256:…`, as ssh-keygen -l prints it."""
    digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
    return f"{key.get_name()} SHA256:{digest}"
