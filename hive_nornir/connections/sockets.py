"""A TCP socket that is quick to notice a dead peer and counts what passes through it."""

from __future__ import annotations

import socket
from typing import Any

from hive_nornir.connections.transport import Traffic

__all__ = ["CountingSocket", "connect_tcp"]

KEEPALIVE_SECONDS = 15
GIVE_UP_MILLISECONDS = 40_000


class CountingSocket:
    """A socket for paramiko that counts bytes and round trips into a `Traffic`.

    A round trip is counted when something arrives after something was sent: the sender had to wait for it.
    """

    def __init__(self, inner: socket.socket | Any, traffic: Traffic) -> None:
        self._inner = inner
        self._traffic = traffic
        self._waiting = False

    def send(self, data: bytes) -> int:
        sent = int(self._inner.send(data))
        self._traffic.sent += sent
        self._waiting = True
        return sent

    def recv(self, size: int) -> bytes:
        data = bytes(self._inner.recv(size))
        self._traffic.received += len(data)
        if self._waiting and data:
            self._traffic.round_trips += 1
            self._waiting = False
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


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
