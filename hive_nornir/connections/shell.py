"""A persistent root shell on a host: one exchange costs one round trip and no new process of sshd or sudo.

The host runs a loop that reads a header line (`<seconds> <bytes>`), then so many bytes of script, runs them in a shell of their own under
timeout(1), and ends both streams with a line that only this session knows. A script whose last line did not arrive is never run, so a
controller that is killed while it sends leaves nothing half done.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import secrets
import select
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_nornir.connections.ssh import SshTarget, connect, target_from_nornir
from hive_nornir.connections.transport import Completed, Traffic
from hive_nornir.errors import ConnectionFailed, ConnectionLost, DeadlineExceeded

if TYPE_CHECKING:
    import paramiko
    from nornir.core.configuration import Config

__all__ = ["RootShell", "SshTransport"]

# The host ends a script at its deadline by itself; only when it does not even say so is it given up.
GRACE_SECONDS = 10

# `read` takes a byte at a time and `head -c` no more than it is asked for, so nothing of the next exchange is swallowed.
_LOOP = r"""LC_ALL=C; export LC_ALL; umask 022; trap "" HUP PIPE; unset ENV BASH_ENV
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH
IFS= read -r line; HIVE_PRELUDE=$(printf %b "$line"); export HIVE_PRELUDE
while read -r seconds bytes; do
  script=$(head -c "$bytes")
  case $script in *"# $1") ;; *) exit 1 ;; esac
  timeout -k 5 "$seconds" /bin/sh /dev/fd/3 3<<EOS </dev/null
$script
EOS
  code=$?
  printf "\n%s %s\n" "$1" "$code"; printf "\n%s\n" "$1" >&2
done"""
_ONCE = r"""LC_ALL=C; export LC_ALL; umask 022; trap "" HUP PIPE
IFS= read -r script
exec timeout -k 5 "$1" /bin/sh /dev/fd/3 3<<EOS
$(printf %b "$script")
EOS"""


class SshTransport:
    """Scripts on a host over SSH (see `Transport`).

    :param target: where and as whom to log in; sudo makes it root when the user is another one.
    """

    def __init__(self, target: SshTarget) -> None:
        self.target = target
        self.traffic = Traffic()
        self._client: paramiko.SSHClient | None = None
        self._shell: paramiko.Channel | None = None
        self._end = ""

    def run(self, script: str, *, deadline: float, stdin: bytes | None = None) -> Completed:
        """Run a script as root (see `Transport.run`)."""
        try:
            if stdin is not None:
                return self._run_beside(script, deadline, stdin)
            return self._exchange(script, deadline)
        except (OSError, EOFError) as error:
            self.close()
            raise ConnectionLost(f"the connection to {self._name} broke: {error or 'closed'}") from error

    def proof_of_entry(self, port: int | None = None) -> None:
        """Log in anew and become root (see `Transport.proof_of_entry`).

        The host key must be the one of the open connection, so another port needs no pin of its own yet.
        """
        transport = self._client.get_transport() if self._client else None
        if transport is None:
            raise ConnectionFailed(f"{self._name} is not connected")
        known = transport.get_remote_server_key()
        target = dataclasses.replace(
            self.target, port=port or self.target.port, learn=lambda _name, _port, key: bool(key == known), timeout=15.0
        )
        fresh = SshTransport(target)
        try:
            done = fresh.run("id -u", deadline=15)
        finally:
            fresh.close()
        if done.stdout.strip() != b"0":
            raise ConnectionFailed(f"{self._name} lets {self.target.username} in, but not become root")

    def reopen(self, deadline: float) -> None:
        """Drop the connection and connect again (see `Transport.reopen`)."""
        self.close()
        give_up = time.monotonic() + deadline
        while True:
            try:
                self.run(":", deadline=10)
            except (ConnectionFailed, DeadlineExceeded):
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.5)
            else:
                return

    def close(self) -> None:
        """Drop the connection."""
        client, self._client, self._shell = self._client, None, None
        if client is not None:
            with contextlib.suppress(OSError, EOFError):
                client.close()

    @property
    def _name(self) -> str:
        return self.target.alias or self.target.hostname

    def _exchange(self, script: str, deadline: float) -> Completed:
        shell = self._shell or self._open_shell()
        body = f'eval "$HIVE_PRELUDE"\n{script}\n# {self._end}'.encode("utf-8", "surrogateescape")
        shell.sendall(b"%d %d\n%b" % (max(1, round(deadline)), len(body), body))
        end = self._end.encode()
        out, err = bytearray(), bytearray()
        give_up = time.monotonic() + deadline + GRACE_SECONDS
        while not (err.endswith(b"\n%b\n" % end) and out.rfind(b"\n%b " % end, -50) >= 0 and out.endswith(b"\n")):
            if not _receive(shell, out, err, give_up):
                self._explain_end(bytes(err), time.monotonic() > give_up, deadline)
        at = out.rfind(b"\n%b " % end)
        return Completed(int(out[at + len(end) + 2 :]), bytes(out[:at]), bytes(err[: -len(end) - 2]))

    def _run_beside(self, script: str, deadline: float, stdin: bytes) -> Completed:
        """In a channel of its own, since the shell's standard input carries scripts."""
        channel = self._channel(_ONCE, str(max(1, round(deadline))))
        with channel:
            channel.sendall(_one_line(f'HIVE_PRELUDE={shlex.quote(_prelude())}\neval "$HIVE_PRELUDE"\n{script}'))
            channel.sendall(stdin)
            channel.shutdown_write()
            out, err = bytearray(), bytearray()
            give_up = time.monotonic() + deadline + GRACE_SECONDS
            while _receive(channel, out, err, give_up):
                pass
            if time.monotonic() > give_up:
                self.close()
                raise DeadlineExceeded(f"{self._name} did not answer within {deadline + GRACE_SECONDS:.0f} s")
            return Completed(channel.recv_exit_status(), bytes(out), bytes(err))

    def _open_shell(self) -> paramiko.Channel:
        self._end = secrets.token_hex(12)
        self._shell = self._channel(_LOOP, self._end)
        self._shell.sendall(_one_line(_prelude()))
        return self._shell

    def _channel(self, program: str, argument: str) -> paramiko.Channel:
        """A channel that runs a small shell program as root."""
        if self._client is None:
            self._client = connect(self.target, self.traffic)
        transport = self._client.get_transport()
        if transport is None:
            raise EOFError
        channel = transport.open_session(timeout=self.target.timeout)
        sudo = "" if self.target.username == "root" else "sudo -n "
        channel.exec_command(f"exec {sudo}/bin/sh -c {shlex.quote(program)} hive-nornir {argument}")
        return channel

    def _explain_end(self, stderr: bytes, late: bool, deadline: float) -> None:
        """The host stopped answering.

        :raises DeadlineExceeded: it was too late.
        :raises ConnectionFailed: sudo refused.
        :raises EOFError: the connection broke.
        """
        self.close()
        if late:
            raise DeadlineExceeded(f"{self._name} did not answer within {deadline + GRACE_SECONDS:.0f} s")
        said = stderr.decode("utf-8", "replace").strip()
        if said.startswith("sudo:"):
            raise ConnectionFailed(f"{self.target.username} cannot become root on {self._name}: {said}", "give it passwordless sudo")
        raise EOFError(said)


def _receive(channel: paramiko.Channel, out: bytearray, err: bytearray, give_up: float) -> bool:
    """Wait for data on either stream and append it; False at the end of the channel or when it is too late."""
    while not (channel.recv_ready() or channel.recv_stderr_ready()):
        wait = give_up - time.monotonic()
        if wait <= 0:
            return False
        if channel.closed or channel.eof_received:
            # What arrived together with the end is still to be read.
            return channel.recv_ready() or channel.recv_stderr_ready()
        poller = select.poll()
        poller.register(channel.fileno(), select.POLLIN)
        poller.poll(min(wait, 1.0) * 1000)
    if channel.recv_ready():
        out += channel.recv(1 << 18)
    if channel.recv_stderr_ready():
        err += channel.recv_stderr(1 << 18)
    return True


def _one_line(text: str) -> bytes:
    """Text as one line that `printf %b` turns back."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").encode("utf-8", "surrogateescape") + b"\n"


@functools.cache
def _prelude() -> str:
    """The shell functions that every script may use."""
    lines = Path(__file__).with_name("prelude.sh").read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if line and not line.startswith("#"))


class RootShell:
    """The Nornir connection plugin `hive`: its connection is an `SshTransport`, connected when it is first used.

    `extras` of the connection options are the fields of `SshTarget` (alias, known_hosts, key_files, learn, jump, timeout).
    """

    connection: SshTransport

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
        """Remember where to log in."""
        self.connection = SshTransport(target_from_nornir(hostname, username, password, port, extras))

    def close(self) -> None:
        """Log out."""
        self.connection.close()
