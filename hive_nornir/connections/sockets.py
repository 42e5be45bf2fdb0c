"""A TCP socket that is quick to notice a dead peer and counts what passes through it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import select
import socket
import struct
import termios
import threading
from typing import TYPE_CHECKING

from hive_nornir.connections.transport import Traffic

if TYPE_CHECKING:
    import paramiko

__all__ = ["CountingSocket", "Tunnel", "connect_tcp"]

KEEPALIVE_SECONDS = 15
GIVE_UP_MILLISECONDS = 40_000


class CountingSocket:
    """A socket for paramiko that counts bytes and round trips into a `Traffic`.

    A round trip is counted when something arrives that was not here yet when something was sent: only that can be an answer. One thread
    may receive while another one sends.
    """

    def __init__(self, inner: socket.socket, traffic: Traffic) -> None:
        self._inner = inner
        self._traffic = traffic
        self._counting = threading.Lock()
        self._received = 0
        self._no_answer = 0  # as long as no more than this was received
        self._waiting = False

    def send(self, data: bytes) -> int:
        """As a socket's."""
        with self._counting:
            self._no_answer = self._received + self._readable()
            self._waiting = True  # before sending, since the answer may be quicker than the next line
        sent = self._inner.send(data)
        self._traffic.sent += sent
        return sent

    def recv(self, size: int) -> bytes:
        """As a socket's."""
        self._wait()
        with self._counting:  # so that nothing is neither readable nor received when the other thread asks
            data = self._inner.recv(size)
            self._received += len(data)
            if self._waiting and self._received > self._no_answer:
                self._traffic.round_trips += 1
                self._waiting = False
        self._traffic.received += len(data)
        return data

    def settimeout(self, seconds: float | None) -> None:
        """As a socket's."""
        self._inner.settimeout(seconds)

    def getpeername(self) -> object:
        """As a socket's."""
        return self._inner.getpeername()

    def close(self) -> None:
        """Close the connection under whoever waits in `recv` or `send`: that call ends at once."""
        with contextlib.suppress(OSError):
            self._inner.shutdown(socket.SHUT_RDWR)
        self._inner.close()

    @property
    def _closed(self) -> bool:
        # paramiko's Transport asks its socket for this, as it would ask Python's own.
        return self._inner.fileno() < 0

    def _wait(self) -> None:
        poller = select.poll()
        try:
            poller.register(self._inner.fileno(), select.POLLIN)
        except ValueError:
            raise OSError(errno.EBADF, "closed") from None
        seconds = self._inner.gettimeout()
        if not poller.poll(None if seconds is None else seconds * 1000):
            raise TimeoutError

    def _readable(self) -> int:
        """Bytes that have arrived and wait to be read (ioctl_tty(2), FIONREAD)."""
        try:
            return int(struct.unpack("i", fcntl.ioctl(self._inner.fileno(), termios.FIONREAD, b"\0\0\0\0"))[0])
        except (OSError, ValueError):  # closed by another thread; `send` says so
            return 0


class Tunnel:
    """A way through a jump host, as a socket for paramiko. The connection to the jump host ends with it, and counts what passes.

    :param client: connected to the jump host.
    :param address: where to go from there.
    :raises paramiko.SSHException: the jump host does not let us through, or gets no answer.
    """

    def __init__(self, client: paramiko.SSHClient, address: tuple[str, int], timeout: float) -> None:
        transport = client.get_transport()
        if transport is None:
            raise EOFError
        self._client = client
        self._channel = transport.open_channel("direct-tcpip", address, ("127.0.0.1", 0), timeout=timeout)

    def send(self, data: bytes) -> int:
        """As a socket's."""
        return self._channel.send(data)

    def recv(self, size: int) -> bytes:
        """As a socket's."""
        return self._channel.recv(size)

    def settimeout(self, seconds: float | None) -> None:
        """As a socket's."""
        self._channel.settimeout(seconds)

    def getpeername(self) -> object:
        """As a socket's."""
        return self._channel.getpeername()

    def close(self) -> None:
        """Close the connection to the jump host."""
        self._client.close()

    @property
    def _closed(self) -> bool:
        return self._channel.closed


def connect_tcp(hostname: str, port: int, deadline: float, traffic: Traffic) -> CountingSocket:
    """Open a TCP connection.

    :param deadline: seconds for the handshake.
    :raises OSError: refused, unreachable, unknown name or too slow.
    """
    sock = socket.create_connection((hostname, port), timeout=deadline)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_KEEPIDLE", KEEPALIVE_SECONDS),
        ("TCP_KEEPINTVL", 5),
        ("TCP_KEEPCNT", 4),
        ("TCP_USER_TIMEOUT", GIVE_UP_MILLISECONDS),
    ):
        if hasattr(socket, option):  # Linux has them all, macOS only some
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    traffic.round_trips += 1
    return CountingSocket(sock, traffic)
