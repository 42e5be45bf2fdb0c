"""A port of the host that leads through our connection to an HTTP proxy which only this machine sees (spec operations.md 14, L-18).

What ssh(1) calls a remote forward: sshd listens, for all hosts if it has `GatewayPorts yes`, else for the host itself. It ends with the
connection.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from hive_nornir.errors import ConnectionFailed
from hive_nornir.inventory.proxy import ProxyForward

if TYPE_CHECKING:
    import paramiko

__all__ = ["open_forward"]

Note = Callable[[str], None]
_Failure = Literal["silent", "refused", "forbidden"]
_Answer = Literal["proxy"] | _Failure

_ITSELF = "127.0.0.1"
_FORBIDDEN = 1  # RFC 4254, 5.1
_RELEASE_SECONDS = 4.0  # in which sshd notices that a connection that we have dropped is gone, and frees its port
_ANSWER_SECONDS = 2.0
_PROXY_SECONDS = 10.0
_LOCAL = "it began before sshd had GatewayPorts, and until it has ended packages and containers do not find the proxy"
# Every HTTP server, proxies too, answers this with a status line, and asks nobody else for it.
_QUESTION = b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def open_forward(transport: paramiko.Transport, forward: ProxyForward, host: str, note: Note) -> None:
    """Have a host listen on a port and carry what arrives there to the proxy, until the connection ends.

    Another session may hold the port. If a proxy answers there, that serves as well as ours would, and is worth a note only.

    :param transport: logged in to the host.
    :param host: its name, for messages.
    :param note: called with what the operator should know, then or later; several times with the same.
    :raises ConnectionFailed: the port is taken and no proxy answers there, or sshd forwards nothing.
    """
    give_up = time.monotonic() + _RELEASE_SECONDS
    while not _listens(transport, forward, note):
        everywhere, locally = (_ask(transport, (address, forward.port)) for address in (forward.address, _ITSELF))
        if everywhere == "proxy":
            note(f"port {forward.port} is held by another session, whose proxy is used")
            return
        if locally == "proxy":
            note(f"port {forward.port} is held by another session, and for the server itself alone: {_LOCAL}")
            return
        if "forbidden" in (everywhere, locally) or time.monotonic() > give_up:
            raise _refused(forward, host, taken="silent" in (everywhere, locally))
        time.sleep(0.2)


def _listens(transport: paramiko.Transport, forward: ProxyForward, note: Note) -> bool:
    """Whether the host listens for us now; that it does not is no error yet."""
    import paramiko

    arrived = threading.Event()
    try:
        transport.request_port_forward("", forward.port, functools.partial(_arrived, forward, note, arrived))
    except paramiko.SSHException:
        if not transport.is_active():
            raise
        return False
    # sshd is content with one of IPv4 and IPv6, so somebody else may have the port all the same.
    way = _connect(transport, (_ITSELF, forward.port))
    if isinstance(way, str):
        ours = arrived.is_set() or way == "forbidden"  # then it cannot be asked
    else:
        with way:
            ours = arrived.wait(_ANSWER_SECONDS)
    if not ours:
        transport.cancel_port_forward("", forward.port)
    return ours


def _refused(forward: ProxyForward, host: str, *, taken: bool) -> ConnectionFailed:
    if taken:
        return ConnectionFailed(
            f"port {forward.port} of {host} is taken, and no proxy answers there",
            f"`ss -ltnp sport = :{forward.port}` shows by whom: end it, or `set http_proxy_port` to another port",
        )
    return ConnectionFailed(
        f"sshd of {host} does not forward its port {forward.port} to the proxy {forward.proxy}",
        "AllowTcpForwarding or PermitListen in its sshd_config may forbid it, or somebody else may hold the port",
    )


def _ask(transport: paramiko.Transport, address: tuple[str, int]) -> _Answer:
    """Who answers at an address as the host sees it."""
    way = _connect(transport, address)
    if isinstance(way, str):
        return way
    with way:
        way.settimeout(_ANSWER_SECONDS)
        said = b""
        with contextlib.suppress(OSError):  # it has said what it has to say
            way.sendall(_QUESTION)
        with contextlib.suppress(OSError):
            while len(said) < 5 and (more := way.recv(1024)):
                said += more
    return "proxy" if said.startswith(b"HTTP/") else "silent"


def _connect(transport: paramiko.Transport, address: tuple[str, int]) -> paramiko.Channel | _Failure:
    """A connection from the host itself to an address."""
    import paramiko

    try:
        return transport.open_channel("direct-tcpip", address, (_ITSELF, 0), timeout=_ANSWER_SECONDS)
    except paramiko.ChannelException as error:
        return "forbidden" if error.code == _FORBIDDEN else "refused"
    except paramiko.SSHException:  # too late, or closed again already
        if not transport.is_active():
            raise
        return "silent"


def _arrived(forward: ProxyForward, note: Note, arrived: threading.Event, channel: paramiko.Channel, _origin: Any, _server: Any) -> None:
    """Something has connected to the port (called by paramiko, in the thread that reads the connection)."""
    arrived.set()
    threading.Thread(target=_carry, args=(channel, forward, note), name="proxy-forward", daemon=True).start()


def _carry(channel: paramiko.Channel, forward: ProxyForward, note: Note) -> None:
    with contextlib.suppress(OSError, EOFError), channel:  # the connection has ended
        try:
            proxy = socket.create_connection(forward.destination, timeout=_PROXY_SECONDS)
        except OSError as error:
            note(f"the proxy {forward.proxy} does not answer this machine: {error.strerror or error}")
            return
        with proxy:
            proxy.settimeout(None)
            back = threading.Thread(target=_copy, args=(proxy.recv, channel.sendall, channel.shutdown_write), daemon=True)
            back.start()
            _copy(channel.recv, proxy.sendall, lambda: proxy.shutdown(socket.SHUT_RDWR if channel.closed else socket.SHUT_WR))
            back.join()


def _copy(receive: Callable[[int], bytes], send: Callable[[bytes], object], finish: Callable[[], object]) -> None:
    """One direction, until its end; the other one may go on."""
    with contextlib.suppress(OSError, EOFError):
        while data := receive(1 << 16):
            send(data)
    with contextlib.suppress(OSError, EOFError):
        finish()
