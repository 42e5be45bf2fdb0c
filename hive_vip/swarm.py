"""The Docker API: what the swarm wants of this node, and the node's labels. Thin: nothing is decided here.

A worker's engine knows nothing of services, so it is a manager's that is asked, over TLS, with the certificate of this daemon (SWX-12).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, NotFound
from docker.tls import TLSConfig

from hive_vip import marks, snapshot
from hive_vip.errors import EngineSilentError, SwarmSilentError
from hive_vip.labels import IPAddress
from hive_vip.rules import BRIDGE
from hive_vip.snapshot import Service, Swarm, Task

__all__ = ["Engine"]

_SECONDS = 5
_API_PORT = 2376
# What changes something for us; the rest (exec_start of each probe …) would only keep us busy.
_EVENTS = {"type": ["container", "service", "node"], "event": ["create", "start", "die", "stop", "update", "remove"]}


class Engine:
    """The engine of this host, and the swarm behind it. Each look has connections of its own, so none is ever stale.

    :param url: of the engine.
    :param certificates: folder with ca.pem, cert.pem and key.pem for other hosts' engines.
    """

    def __init__(self, url: str, certificates: Path) -> None:
        self._url = url
        self._certificates = certificates
        self._answered = ""  # the manager that did last time

    def look(self) -> Swarm:
        """What is wanted now.

        :raises EngineSilentError: nobody answers.
        :raises SwarmSilentError: nobody can tell.
        """
        with self._local() as local:
            info = local.info()["Swarm"]
            state, node = info["LocalNodeState"], info["NodeID"]
            if state == "inactive":
                return Swarm("inactive")
            if state != "active":
                raise SwarmSilentError(f"the node's state in the swarm is {state}: {info.get('Error') or 'not ready yet'}")
            gateways = _gateways(local)
            with self._manager(local, info) as api:
                return Swarm(
                    "manager" if api is local else "worker",
                    node,
                    tuple(map(Service.of, api.services())),  # type: ignore[no-untyped-call]
                    tuple(map(Task.of, api.tasks(filters={"desired-state": "running"}))),  # type: ignore[no-untyped-call]
                    gateways,
                    snapshot.node_labels(api.inspect_node(node)),
                )

    def speaks(self) -> None:
        """Find out whether anybody still speaks for the swarm.

        :raises EngineSilentError: nobody answers.
        :raises SwarmSilentError: nobody can tell.
        """
        with self._local() as local:
            info = local.info()["Swarm"]
            with self._manager(local, info) as api:
                api.inspect_node(info["NodeID"])

    def mark(self, node_id: str, steps: Collection[marks.Step]) -> None:
        """Set and unset labels of this node; others stay as they are.

        :raises EngineSilentError: nobody answers.
        :raises SwarmSilentError: it was not possible.
        """
        with self._local() as local, self._manager(local, local.info()["Swarm"]) as api:
            node = api.inspect_node(node_id)
            # The version makes a change by somebody else in between an error, and the next pass tries again.
            spec: Any = {**node["Spec"], "Labels": marks.after(snapshot.node_labels(node), steps)}
            api.update_node(node_id, node["Version"]["Index"], spec)

    def events(self) -> Iterator[Mapping[str, Any]]:
        """What happens, from now on, as long as the engine runs.

        :raises EngineSilentError: nobody answers.
        :raises SwarmSilentError: nobody answers any more.
        """
        with self._local() as local:
            stream = local.events(decode=True, filters=_EVENTS)
            yield {}  # it is listened from here on: time to look once
            yield from stream

    @contextmanager
    def _local(self) -> Iterator[docker.APIClient]:
        """The engine, which answers; if it then does not, it is the swarm behind it that is silent: without a leader, calls just hang."""
        with _silence(EngineSilentError):
            client = docker.APIClient(base_url=self._url, version="auto", timeout=_SECONDS)
        try:
            with _silence(SwarmSilentError):
                yield client
        finally:
            client.close()

    @contextmanager
    def _manager(self, local: docker.APIClient, info: Mapping[str, Any]) -> Iterator[docker.APIClient]:
        """Who speaks for the swarm: the engine itself if it is a manager's."""
        if info["ControlAvailable"]:
            yield local
            return
        client = self._first_manager([each["Addr"].rpartition(":")[0] for each in info.get("RemoteManagers") or ()])
        try:
            yield client
        finally:
            client.close()

    def _first_manager(self, addresses: Collection[str]) -> docker.APIClient:
        if not (self._certificates / "cert.pem").exists():
            raise SwarmSilentError(f"no certificate in {self._certificates} to ask a manager with: the role follow-swarm-service brings it")
        reasons = []
        for address in sorted(addresses, key=lambda each: each != self._answered):
            try:
                tls = TLSConfig(
                    client_cert=(str(self._certificates / "cert.pem"), str(self._certificates / "key.pem")),
                    ca_cert=str(self._certificates / "ca.pem"),
                    verify=True,
                )
                client = docker.APIClient(base_url=f"https://{address}:{_API_PORT}", version="auto", timeout=_SECONDS, tls=tls)
            except (DockerException, requests.RequestException, OSError) as error:
                reasons.append(f"{address}: {error}")
            else:
                self._answered = address
                return client
        raise SwarmSilentError(f"no manager is reached: {'; '.join(reasons) or 'none is known'}")


@contextmanager
def _silence(kind: type[Exception]) -> Iterator[None]:
    try:
        yield
    except APIError as error:
        raise kind(str(error.explanation or error)) from error
    except (DockerException, requests.RequestException, OSError) as error:
        raise kind(str(error)) from error


def _gateways(local: docker.APIClient) -> dict[str, tuple[IPAddress, ...]]:
    try:
        return snapshot.gateways(local.inspect_network(BRIDGE))
    except NotFound:
        return {}
