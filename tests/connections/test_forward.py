"""A port of the host that leads to a proxy; against paramiko's own server, since what it does can be chosen."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import paramiko
import pytest

from hive_nornir.connections import forward as forward_module
from hive_nornir.connections.forward import open_forward
from hive_nornir.errors import ConnectionFailed
from hive_nornir.inventory.proxy import ProxyForward

KEY = paramiko.ECDSAKey.generate()
HERE, ITSELF = "10.1.0.4", "127.0.0.1"


class Sshd(paramiko.ServerInterface):
    """A host whose ports answer as `ports` says: the port's text, or why a connection to it fails. The others are the forwarded one.

    :param free_after: how often the request to forward is denied.
    """

    def __init__(self, transport, free_after, ports):
        self.transport = transport
        self.free_after = free_after
        self.ports = ports
        self.asked = 0
        self.cancelled = 0

    def check_auth_none(self, username):
        return paramiko.AUTH_SUCCESSFUL

    def check_port_forward_request(self, address, port):
        self.asked += 1
        return port if self.asked > self.free_after else False

    def cancel_port_forward_request(self, address, port):
        self.cancelled += 1

    def check_channel_direct_tcpip_request(self, chanid, origin, destination):
        free = paramiko.OPEN_FAILED_CONNECT_FAILED if self.asked <= self.free_after else b""
        answer = self.ports.get(destination, free)
        if isinstance(answer, int):
            return answer
        threading.Thread(target=self._answer, args=(origin, destination), daemon=True).start()
        return paramiko.OPEN_SUCCEEDED

    def _answer(self, origin, destination):
        channel = self.transport.accept(10)
        with contextlib.suppress(paramiko.SSHException, EOFError, OSError):  # the asker has gone
            if destination in self.ports:
                channel.recv(1)
                channel.sendall(self.ports[destination])
            else:
                self.transport.open_forwarded_tcpip_channel(origin, destination).close()


@contextlib.contextmanager
def connected(free_after=0, ports=None):
    """Both ends of a connection, and what the host makes of requests."""
    here, there = socket.socketpair()
    host = paramiko.Transport(there)
    host_says = Sshd(host, free_after, ports or {})
    host.add_server_key(KEY)
    host.start_server(event=threading.Event(), server=host_says)
    transport = paramiko.Transport(here)
    transport.start_client(timeout=10)
    transport.auth_none("admin")
    try:
        yield transport, host, host_says
    finally:
        transport.close()
        host.close()


@contextlib.contextmanager
def proxy():
    """A proxy that says in upper case what it is told, and then that it has understood."""

    def serve():
        with contextlib.suppress(OSError):
            while True:
                sock, _ = listener.accept()
                with sock:
                    while data := sock.recv(1 << 16):
                        sock.sendall(data.upper())
                    sock.sendall(b" understood")

    with socket.create_server((ITSELF, 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"{ITSELF}:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def arrive(host):
    """Somebody connects to the host's port."""
    return host.open_forwarded_tcpip_channel(("10.1.0.9", 4711), (HERE, 3128))


def everything(channel):
    said = b""
    channel.settimeout(10)
    while data := channel.recv(1 << 16):
        said += data
    return said


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(forward_module, "_RELEASE_SECONDS", 0.5)
    monkeypatch.setattr(forward_module, "_ANSWER_SECONDS", 0.5)


def test_what_arrives_at_the_port_is_carried_to_the_proxy_and_back():
    notes = []
    with proxy() as address, connected() as (transport, host, _):
        open_forward(transport, ProxyForward(3128, address, HERE), "hive0", notes.append)
        first, second = arrive(host), arrive(host)
        second.sendall(b"two")
        first.sendall(b"a" * 3_000_000)
        for channel in (first, second):
            channel.shutdown_write()
        assert everything(second) == b"TWO understood"
        assert everything(first) == b"A" * 3_000_000 + b" understood"
    assert notes == []


def test_it_ends_with_the_connection():
    with proxy() as address, connected() as (transport, host, _):
        open_forward(transport, ProxyForward(3128, address, HERE), "hive0", print)
        until(lambda: carriers() == 0)
        channel = arrive(host)  # a channel that nobody holds is closed
        until(lambda: carriers() == 1)
        transport.close()
        until(lambda: carriers() == 0 and channel.closed)


def carriers():
    return sum(thread.name == "proxy-forward" for thread in threading.enumerate())


def until(true, seconds=10.0):
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_a_proxy_that_does_not_answer_is_told():
    notes = []
    with connected() as (transport, host, _):
        open_forward(transport, ProxyForward(3128, "127.0.0.1:1", HERE), "hive0", notes.append)
        with contextlib.suppress(paramiko.SSHException):  # it is closed at once
            assert everything(arrive(host)) == b""
        until(lambda: len(notes) == 2)
    assert set(notes) == {"the proxy 127.0.0.1:1 does not answer this machine: Connection refused"}


def test_a_port_that_is_freed_just_then_is_waited_for():
    with proxy() as address, connected(free_after=2) as (transport, _, host_says):
        open_forward(transport, ProxyForward(3128, address, HERE), "hive0", print)
        assert host_says.asked == 3


OTHERS = b"HTTP/1.1 400 Bad Request\r\n"


def test_the_proxy_of_another_session_serves_as_well():
    notes = []
    with connected(9999, {(HERE, 3128): OTHERS, (ITSELF, 3128): OTHERS}) as (transport, _, _):
        open_forward(transport, ProxyForward(3128, "p:1", HERE), "hive0", notes.append)
    assert notes == ["port 3128 is held by another session, whose proxy is used"]


def test_that_of_a_session_from_before_gateway_ports_serves_the_server_alone():
    notes = []
    with connected(9999, {(ITSELF, 3128): OTHERS}) as (transport, _, _):
        open_forward(transport, ProxyForward(3128, "p:1", HERE), "hive0", notes.append)
    assert "for the server itself alone: it began before sshd had GatewayPorts" in notes[0]


def test_a_port_of_which_sshd_gets_ipv6_alone_is_another_sessions():
    notes = []
    with connected(0, {(HERE, 3128): paramiko.OPEN_FAILED_CONNECT_FAILED, (ITSELF, 3128): OTHERS}) as (transport, _, host_says):
        open_forward(transport, ProxyForward(3128, "p:1", HERE), "hive0", notes.append)
    assert "for the server itself alone" in notes[0]
    assert host_says.cancelled == 1


def test_where_ports_may_be_forwarded_one_way_only_the_hosts_word_is_taken():
    forbidden = paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
    with connected(0, {(HERE, 3128): forbidden, (ITSELF, 3128): forbidden}) as (transport, _, host_says):
        open_forward(transport, ProxyForward(3128, "p:1", HERE), "hive0", pytest.fail)
    assert host_says.cancelled == 0


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-x\r\n"])
def test_a_port_that_something_else_holds_is_an_error(said):
    taken = pytest.raises(ConnectionFailed, match=r"port 3128 of hive0 is taken, and no proxy answers.*ss -ltnp sport = :3128")
    with connected(9999, {(HERE, 3128): said, (ITSELF, 3128): said}) as (transport, _, _), taken:
        open_forward(transport, ProxyForward(3128, "p:1", HERE), "hive0", pytest.fail)


@pytest.mark.parametrize("reason", [paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED, paramiko.OPEN_FAILED_CONNECT_FAILED])
def test_an_sshd_that_forwards_nothing_is_an_error(reason):
    refused = pytest.raises(ConnectionFailed, match=r"sshd of hive0 does not forward its port 3128 to the proxy p:1 .*AllowTcpForwarding")
    with connected(9999, {(HERE, 3128): reason, (ITSELF, 3128): reason}) as (transport, _, _), refused:
        open_forward(transport, ProxyForward(3128, "p:1", HERE), "hive0", pytest.fail)


def test_a_connection_that_breaks_meanwhile_is_one():
    with connected() as (transport, _, _):
        transport.close()
        with pytest.raises(paramiko.SSHException):
            open_forward(transport, ProxyForward(3128, "p:1", HERE), "hive0", pytest.fail)
