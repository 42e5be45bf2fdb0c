"""A server's Docker API through SSH: the Nornir connection plugin `docker`.

Each request goes through `docker system dial-stdio` in a channel of one SSH connection, as Docker's own command does for ssh:// hosts: no
port is opened on the server and no socket on this machine, and root's rights come from sudo as for scripts.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

import docker
import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection

from hive_nornir.connections.ssh import SshTarget, connect, target_from_nornir
from hive_nornir.errors import ConnectionLost

if TYPE_CHECKING:
    import paramiko
    from nornir.core.configuration import Config

__all__ = ["DockerApi", "docker_client"]

# Channels that are open at a time: sshd allows ten sessions a connection (sshd_config(5), MaxSessions).
_CHANNELS = 8
_SECONDS = 120


class DockerApi:
    """The Nornir connection plugin `docker`: its connection is a `docker.DockerClient`, connected when it is opened.

    `extras` of the connection options are the fields of `SshTarget`.
    """

    connection: docker.DockerClient

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
        """Log in and ask the engine which version of the API it speaks."""
        self.connection = docker_client(target_from_nornir(hostname, username, password, port, extras))

    def close(self) -> None:
        """Log out."""
        self.connection.close()


def docker_client(target: SshTarget, timeout: int = _SECONDS) -> docker.DockerClient:
    """A client of a server's engine; may be used by several threads at once.

    :param timeout: seconds without an answer after which a request fails.
    :raises ConnectionFailed: the server does not answer or does not let us in.
    :raises docker.errors.DockerException: it has no engine that answers.
    """
    login = _Login(target, timeout)
    try:
        api = _Api(login, timeout)
    except BaseException:
        login.close()
        raise
    client = docker.DockerClient.__new__(docker.DockerClient)  # its constructor would make an APIClient of its own
    client.api = api
    return client


class _Login:
    """An SSH connection, made anew when it broke."""

    def __init__(self, target: SshTarget, timeout: int) -> None:
        self.target = target
        self.timeout = timeout
        self._client: paramiko.SSHClient | None = None
        self._lock = threading.Lock()
        self._closed = False

    def channel(self) -> paramiko.Channel:
        """A channel to the engine."""
        channel = self._transport().open_session(timeout=self.timeout)
        channel.settimeout(self.timeout)
        sudo = "" if self.target.username == "root" else "sudo -n "
        channel.exec_command(f"exec {sudo}docker system dial-stdio")
        return channel

    def _transport(self) -> paramiko.Transport:
        with self._lock:
            if self._closed:
                raise ConnectionLost(f"the connection to {self.target.name} was closed from here")
            transport = self._client.get_transport() if self._client else None
            if transport is None or not transport.is_active():
                self._client = connect(self.target)
                transport = self._client.get_transport()
            return cast("paramiko.Transport", transport)

    def close(self) -> None:
        self._closed = True
        if self._client is not None:
            self._client.close()


class _Api(docker.APIClient):
    """docker's client of the API with our way to the engine."""

    def __init__(self, login: _Login, timeout: int) -> None:
        self._login = login
        self._adapter = _Adapter(login)
        super().__init__(base_url="http://docker:80", version="auto", timeout=timeout)

    def get_adapter(self, url: str) -> HTTPAdapter:  # noqa: ARG002 - requests' signature
        return self._adapter

    def close(self) -> None:
        super().close()
        self._adapter.close()
        self._login.close()


class _Adapter(HTTPAdapter):
    """requests' adapter whose only pool of connections is ours."""

    def __init__(self, login: _Login) -> None:
        self._pool = _Pool(login)
        super().__init__()

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> urllib3.HTTPConnectionPool:
        return self._pool

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:  # noqa: ARG002 - requests' signature
        return str(request.path_url)  # the operator's HTTP proxy is not on this way

    def close(self) -> None:
        self._pool.close()


class _Pool(urllib3.HTTPConnectionPool):
    def __init__(self, login: _Login) -> None:
        super().__init__("docker", maxsize=_CHANNELS, block=True)
        self._login = login

    def _new_conn(self) -> HTTPConnection:
        return _Connection(self._login)


class _Connection(HTTPConnection):
    def __init__(self, login: _Login) -> None:
        super().__init__("docker")
        self._login = login

    def connect(self) -> None:
        self.sock = cast("Any", self._login.channel())
