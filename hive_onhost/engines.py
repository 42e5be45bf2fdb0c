"""Docker engines of the site over TLS: which one is asked for the swarm, where a node's is, and who we are to them.

The role docker-client writes `/etc/hive/onhost.json`; DOCKER_HOST and HIVE_NAME in the environment go before it, so that another hive can
be reached. The client's certificate is in ~/.docker, or in DOCKER_CERT_PATH. Servers are always verified (swarm-extension.md UTL-5).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hive_onhost.failure import ENGINE, Failure

if TYPE_CHECKING:
    import docker

__all__ = ["API_PORT", "CONFIGURATION", "PATIENCE", "Engines", "engine_errors"]

API_PORT = 2376
CONFIGURATION = Path("/etc/hive/onhost.json")
_FILES = ("ca.pem", "cert.pem", "key.pem")
PATIENCE = 20


@dataclass(frozen=True)
class Engines:
    """The engines of a site.

    :param swarm: address of the one that is asked about services, `p-hive0.example:2376`; `unix://…` is the one on this host.
    :param hive_name: what follows a node's name in its address.
    :param certificates: folder of ca.pem, cert.pem and key.pem.
    """

    swarm: str
    hive_name: str
    certificates: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ, configuration: Path = CONFIGURATION) -> Engines:
        """As the environment and the host's configuration say.

        :raises Failure: neither says it.
        """
        given = json.loads(configuration.read_bytes()) if configuration.exists() else {}
        swarm = environment.get("DOCKER_HOST") or given.get("docker_host")
        hive_name = environment.get("HIVE_NAME") or given.get("hive_name")
        if not swarm or not hive_name:
            missing = "HIVE_NAME" if swarm else "DOCKER_HOST"
            raise Failure(f"{missing} is not set and {configuration} does not tell; the role docker-client writes it", ENGINE)
        certificates = environment.get("DOCKER_CERT_PATH") or Path(environment.get("HOME", "/")) / ".docker"
        return cls(swarm, hive_name, Path(certificates))

    def address(self, node: str) -> str:
        """Where a node's engine listens.

        :param node: as the swarm calls it: its host name.
        """
        name = node if node.endswith(f".{self.hive_name}") else f"{node}.{self.hive_name}"
        return f"{name}:{API_PORT}"

    @contextmanager
    def connect(self, address: str, patience: float = PATIENCE) -> Iterator[docker.DockerClient]:
        """A client of one engine.

        :param patience: seconds for an answer.
        :raises Failure: it does not answer, is not who it should be, does not let us in, or refuses what it is asked for.
        """
        import docker

        with engine_errors(address):
            if address.startswith("unix://"):
                client = docker.DockerClient(base_url=address, timeout=patience)  # type: ignore[arg-type]
            else:
                ca, certificate, key = (str(path) for path in self.files())
                tls = docker.tls.TLSConfig(client_cert=(certificate, key), ca_cert=ca, verify=True)
                client = docker.DockerClient(base_url=_url(address), tls=tls, timeout=patience)  # type: ignore[arg-type]
            try:
                yield client
            finally:
                client.close()

    def files(self) -> list[Path]:
        """CA, certificate and key.

        :raises Failure: one is missing, or not for us to read.
        """
        found = [self.certificates / name for name in _FILES]
        missing = next((path for path in found if not os.access(path, os.R_OK)), None)
        if missing:
            raise Failure(
                f"cannot read {missing}: a certificate for Docker's API is needed; the role docker-client makes the admin's", ENGINE
            )
        return found

    def docker_command(self, address: str) -> list[str]:
        """The beginning of docker's own command line for an engine."""
        if address.startswith("unix://"):
            return ["docker", "--host", address]
        ca, certificate, key = (str(path) for path in self.files())
        return ["docker", "--host", _url(address), "--tlsverify", "--tlscacert", ca, "--tlscert", certificate, "--tlskey", key]


@contextmanager
def engine_errors(address: str) -> Iterator[None]:
    """What an engine or the way to it does not do, as a Failure that names it."""
    import docker
    import requests

    try:
        yield
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        said = str(getattr(error, "explanation", None) or error)
        cause = re.search(r"Caused by (\w+\(.*\))\)$", said)  # all that counts of what requests says
        raise Failure(f"the Docker engine at {address}: {cause[1] if cause else said}", ENGINE) from error


def _url(address: str) -> str:
    return address if "://" in address else f"tcp://{address}"
