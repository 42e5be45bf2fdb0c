"""A persistent root shell on a host: one exchange costs one round trip and no new process of sshd or sudo.

Both ends of an exchange's output are marked with a line that only this session knows (see `channels.LOOP`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
import shlex
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from hive_nornir.connections.channels import ATTENDED, LOOP, ONCE, one_line, prelude, receive, start_as_root
from hive_nornir.connections.forward import open_forward
from hive_nornir.connections.ssh import SshTarget, connect, target_from_nornir
from hive_nornir.connections.transport import Completed, Traffic
from hive_nornir.errors import ConnectionFailed, ConnectionLost, DeadlineExceeded, HiveError

if TYPE_CHECKING:
    import paramiko
    from nornir.core.configuration import Config

__all__ = ["RootShell", "SshTransport"]

T = TypeVar("T")

# The host ends a script at its deadline by itself; only when it does not even say so is it given up.
GRACE_SECONDS = 10
_ENTRY_SECONDS = 15.0


class SshTransport:
    """Scripts on a host over SSH (see `Transport`).

    :param target: where and as whom to log in; sudo makes it root when the user is another one.
    :ivar notes: what the operator should know of the connection, such as a proxy that does not answer.
    """

    def __init__(self, target: SshTarget) -> None:
        self.target = target
        self.traffic = Traffic()
        self.notes: list[str] = []
        self._client: paramiko.SSHClient | None = None
        self._shell: paramiko.Channel | None = None
        self._mark = b""
        self._greeted = False
        self._in_use = threading.Lock()
        self._closed = False

    def run(self, script: str, *, deadline: float, stdin: bytes | None = None) -> Completed:
        """Run a script as root (see `Transport.run`).

        :raises HiveError: `close` was called, now or before.
        """
        if stdin is not None:
            return self._safely(lambda: self._run_beside(script, deadline, stdin))
        return self._safely(lambda: self._exchange(script, deadline))

    def run_attended(self, script: str, *, deadline: float) -> Completed:
        """Run a script as root as long as somebody waits for it: `close`, Ctrl-C and the end of this process stop it on the host.

        For what may be stopped anywhere. `run` lets a script go on to its end, so that a change is never half made.

        :param deadline: as in `run`.
        """
        return self._safely(lambda: self._run_beside(script, deadline, None))

    def proof_of_entry(self, port: int | None = None) -> None:
        """Log in anew and become root (see `Transport.proof_of_entry`).

        A host of which nothing is pinned must show the key of the open connection.
        """
        transport = self._client.get_transport() if self._client else None
        if transport is None or not transport.is_active():
            raise ConnectionFailed(f"{self.target.name} is not connected")
        known = transport.get_remote_server_key()
        target = dataclasses.replace(
            self.target,
            port=port or self.target.port,
            learn=lambda _name, _port, key: bool(key == known),
            timeout=min(_ENTRY_SECONDS, self.target.timeout),
            forward=None,  # the open connection has the port
        )
        with contextlib.closing(SshTransport(target)) as fresh:
            done = fresh.run("id -u", deadline=_ENTRY_SECONDS)
        if done.stdout.strip() != b"0":
            raise ConnectionFailed(f"{self.target.name} lets {self.target.username} in, but not become root")

    def reopen(self, deadline: float) -> None:
        """Drop the connection and connect again (see `Transport.reopen`)."""
        self._drop()
        give_up = time.monotonic() + deadline
        while True:
            left = max(1.0, give_up - time.monotonic())
            try:
                self._safely(lambda patience=left: self._open_shell(patience))  # type: ignore[misc]
                self.run(":", deadline=min(5.0, left))
            except (ConnectionFailed, DeadlineExceeded):
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.5)
            else:
                return

    def close(self) -> None:
        """Drop the connection for good (see `Transport.close`)."""
        self._closed = True
        client = self._client
        if client is not None:
            with contextlib.suppress(OSError, EOFError):
                client.close()  # which ends a run in another thread; that thread clears up
        if self._in_use.acquire(blocking=False):
            try:
                self._drop()
            finally:
                self._in_use.release()

    def _safely(self, action: Callable[[], T]) -> T:
        """Do something with the connection; whatever goes wrong, it is not used again, since the answer may still come."""
        import paramiko

        with self._in_use:
            try:
                return action()
            except BaseException as error:
                self._drop()
                if self._closed:
                    raise HiveError(f"the connection to {self.target.name} was closed from here") from error
                if isinstance(error, (OSError, EOFError, paramiko.SSHException)):
                    raise ConnectionLost(f"the connection to {self.target.name} broke: {str(error) or 'closed'}") from error
                raise

    def _drop(self) -> None:
        client, shell, self._client, self._shell = self._client, self._shell, None, None
        if client is not None:
            with contextlib.suppress(OSError, EOFError):
                client.close()
        if shell is not None:
            shell.close()  # the connection is gone; this gives back its file descriptors

    def _exchange(self, script: str, deadline: float) -> Completed:
        shell = self._shell
        if shell is None or shell.closed or shell.eof_received:
            # A connection that broke between two scripts costs nothing but a new one.
            shell = self._open_shell()
        body = b'eval "$HIVE_PRELUDE"\n%b\n# %b' % (script.encode("utf-8", "surrogateescape"), self._mark)
        first = b"" if self._greeted else one_line(prelude())
        out, err = bytearray(), bytearray()
        with self._within(deadline):
            with contextlib.suppress(OSError):  # a shell that has ended already tells why below
                shell.sendall(b"%b%d %d\n%b" % (first, max(1, round(deadline)), len(body), body))
            while not self._complete(out, err):
                if not receive(shell, out, err):
                    self._explain_end(shell, bytes(err))
        output, _, code = out.rpartition(b"\n%b " % self._mark)
        errors = err[: -len(self._mark) - 2]
        if not self._greeted:
            output, errors = _after_greeting(output, self._mark), _after_greeting(errors, self._mark)
            self._greeted = True
        return Completed(int(code), bytes(output), bytes(errors))

    def _complete(self, out: bytearray, err: bytearray) -> bool:
        return err.endswith(b"\n%b\n" % self._mark) and out.rfind(b"\n%b " % self._mark, -50) >= 0 and out.endswith(b"\n")

    def _run_beside(self, script: str, deadline: float, stdin: bytes | None) -> Completed:
        """In a channel of its own, since the shell's standard input carries scripts.

        :param stdin: None stops the script when the channel is closed.
        """
        mark = secrets.token_hex(12)
        out, err = bytearray(), bytearray()
        with self._channel() as channel, self._within(deadline):
            program = ATTENDED if stdin is None else ONCE
            start_as_root(channel, self.target.username, program, mark, str(max(1, round(deadline))))
            channel.sendall(one_line(f'HIVE_PRELUDE={shlex.quote(prelude())}\neval "$HIVE_PRELUDE"\n{script}'))
            if stdin is not None:
                channel.sendall(stdin)
                channel.shutdown_write()
            while receive(channel, out, err):
                pass
            if f"+{mark}\n".encode() not in out:
                self._explain_end(channel, bytes(err))
            code = channel.recv_exit_status()
            if code < 0:
                raise EOFError
        return Completed(code, bytes(_after_greeting(out, mark.encode())), bytes(_after_greeting(err, mark.encode())))

    def _open_shell(self, patience: float | None = None) -> paramiko.Channel:
        """:param patience: seconds for connecting."""
        self._drop()
        mark = secrets.token_hex(12)
        self._shell = self._channel(patience)
        self._mark, self._greeted = mark.encode(), False
        with self._within(self.target.timeout):
            start_as_root(self._shell, self.target.username, LOOP, mark)
        return self._shell

    def _channel(self, patience: float | None = None) -> paramiko.Channel:
        fresh = self._client is None
        if self._client is None:
            self._client = connect(self.target, self.traffic, patience)
        transport = self._client.get_transport()
        if transport is None or self._closed:
            raise EOFError
        if fresh and self.target.forward is not None:
            with self._within(self.target.timeout):
                open_forward(transport, self.target.forward, self.target.name, self._note)
        return transport.open_session(timeout=self.target.timeout)

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    @contextlib.contextmanager
    def _within(self, deadline: float) -> Iterator[None]:
        """Cut the connection if the host has not answered some time after the deadline.

        A timer does it, since paramiko waits without limit for a host that takes nothing any more.
        """
        client = self._client
        late = threading.Event()

        def cut() -> None:
            late.set()
            if client is not None:
                client.close()

        timer = threading.Timer(deadline + GRACE_SECONDS, cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        except Exception as error:
            if late.is_set():
                raise DeadlineExceeded(f"{self.target.name} did not answer within {deadline + GRACE_SECONDS:.0f} s") from error
            raise
        finally:
            timer.cancel()

    def _explain_end(self, channel: paramiko.Channel, stderr: bytes) -> None:
        """The program at the other end has ended.

        :raises ConnectionFailed: it was never begun.
        :raises EOFError: the connection broke.
        """
        said = stderr.decode("utf-8", "replace").strip()
        if channel.recv_exit_status() > 0:
            user, name = self.target.username, self.target.name
            raise ConnectionFailed(f"{user} cannot become root on {name}: {said}", f"give {user} passwordless sudo")
        raise EOFError(said)


def _after_greeting(output: bytearray, mark: bytes) -> bytearray:
    """What our program said, without what the login said before it."""
    return output.partition(b"+%b\n" % mark)[2]


class RootShell:
    """The Nornir connection plugin `hive`: its connection is an `SshTransport`, connected when it is first used.

    `extras` of the connection options are the fields of `SshTarget` (alias, known_hosts, key_files, learn, jump, forward, timeout).
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
