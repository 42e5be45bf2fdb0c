"""Which failures to connect pass and which are final; against paramiko's own server, since what it does can be chosen."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import paramiko
import pytest

from hive_nornir.connections.ssh import SshTarget, connect, target_from_nornir
from hive_nornir.errors import ConnectionFailed, UsageError
from hive_nornir.inventory.known_hosts import KnownHosts

KEY = paramiko.ECDSAKey.generate()


class Door(paramiko.ServerInterface):
    def __init__(self, login):
        self.login = login

    def check_auth_password(self, username, password):
        return self.login()

    def get_allowed_auths(self, username):
        return "password"


@contextlib.contextmanager
def sshd(*visits):
    """A server whose n-th visitor is served by visits[n], the last of which serves everybody who comes later."""
    served = []

    def serve():
        with contextlib.suppress(OSError):
            while True:
                sock, _ = listener.accept()
                visit = visits[min(len(served), len(visits) - 1)]
                served.append(sock)
                threading.Thread(target=visit, args=(sock,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1], served
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for sock in served:
                sock.close()


def drops(sock):
    sock.close()


def is_silent(sock):
    pass


def lets_in(sock):
    serve(sock, lambda: paramiko.AUTH_SUCCESSFUL)


def refuses(sock):
    serve(sock, lambda: paramiko.AUTH_FAILED)


def hangs_up_at_login(sock):
    # shutdown, since paramiko goes on reading from a socket that is only closed
    serve(sock, lambda: sock.shutdown(socket.SHUT_RDWR) or paramiko.AUTH_FAILED)


def serve(sock, login):
    server = paramiko.Transport(sock)
    server.add_server_key(KEY)
    with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
        server.start_server(event=threading.Event(), server=Door(login))


@pytest.fixture
def target(tmp_path):
    known = KnownHosts(tmp_path / "known_hosts")
    known.pin(["host"], KEY)
    return lambda port, **options: SshTarget(
        "127.0.0.1", "admin", port, alias="host", known_hosts=known.file, **{"password": "x", "timeout": 5.0, **options}
    )


def test_a_busy_sshd_that_drops_some_connects_is_tried_again(target):
    with sshd(drops, drops, lets_in) as (port, served):
        connect(target(port)).close()
        assert len(served) == 3


def test_a_host_that_boots_and_hangs_up_at_login_is_tried_again(target):
    with sshd(hangs_up_at_login, lets_in) as (port, served):
        connect(target(port)).close()
        assert len(served) == 2


def test_a_refused_login_is_final(target):
    with sshd(refuses) as (port, served), pytest.raises(ConnectionFailed, match="host does not let admin in"):
        connect(target(port))
    assert len(served) == 1


def test_silence_is_final_after_the_time_for_one_attempt(target):
    began = time.monotonic()
    with sshd(is_silent) as (port, served), pytest.raises(ConnectionFailed, match="no answer within 1 s"):
        connect(target(port, timeout=1.0))
    assert len(served) == 1
    assert time.monotonic() - began < 3


def test_patience_has_an_end(target):
    began = time.monotonic()
    with sshd(drops) as (port, _), pytest.raises(ConnectionFailed, match="cannot connect to host"):
        connect(target(port), patience=1.0)
    assert time.monotonic() - began < 3


def test_an_unknown_name_is_final(target):
    began = time.monotonic()
    with pytest.raises(ConnectionFailed, match=r"cannot connect to host \(no-such-host\.invalid:22\)"):
        connect(SshTarget("no-such-host.invalid", "admin", alias="host", password="x"))
    assert time.monotonic() - began < 5


def test_one_host_that_hangs_does_not_hold_up_the_others(target):
    """Eight connects at a time is for one sshd, not for all of them."""
    with sshd(is_silent) as (stuck, waiting), sshd(lets_in) as (port, _):

        def hang():
            with contextlib.suppress(ConnectionFailed):
                connect(target(stuck, timeout=2.0))

        threads = [threading.Thread(target=hang) for _ in range(10)]
        for thread in threads:
            thread.start()
        give_up = time.monotonic() + 5
        while len(waiting) < 8:
            assert time.monotonic() < give_up
        connect(target(port)).close()
        assert len(waiting) == 8
        for thread in threads:
            thread.join(20)


def test_connection_options_name_a_jump_host_in_short(tmp_path):
    extras = {
        "alias": "p-hive0.x",
        "known_hosts": tmp_path / "known_hosts",
        "key_files": (tmp_path / "id_rsa",),
        "jump": "gate.example:2222",
    }
    target = target_from_nornir("10.0.0.4", "admin", None, None, extras)
    assert target.jump == SshTarget("gate.example", "admin", 2222, known_hosts=tmp_path / "known_hosts", key_files=(tmp_path / "id_rsa",))
    assert target_from_nornir("10.0.0.4", "admin", None, None, {"jump": "root@gate"}).jump == SshTarget("gate", "root")
    with pytest.raises(UsageError, match="user@host"):
        target_from_nornir("10.0.0.4", "admin", None, None, {"jump": "a b"})


def test_a_host_without_address_is_one_that_was_not_built():
    with pytest.raises(ConnectionFailed, match=r"p-hive0\.x.*run build-infra"):
        target_from_nornir(None, "admin", None, None, {"alias": "p-hive0.x"})
