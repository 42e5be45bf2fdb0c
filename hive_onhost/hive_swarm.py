"""`hive-swarm`: what the role swarm asks and does on a server that is to become a member (spec setup-hosts.md 4.26).

`look NODE…` tells what other servers' engines say of their swarm, as JSON. `join` makes this server a member. The join token goes from
the manager's engine to ours within this process: it is in nobody's arguments, output or logs.
"""

from __future__ import annotations

import argparse
import json
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from hive_onhost.engines import Engines
from hive_onhost.failure import ENGINE, Failure
from hive_onhost.options import run

if TYPE_CHECKING:
    import docker

__all__ = ["join", "look", "main"]

LOCAL = "unix:///var/run/docker.sock"
SWARM_PORT = 2377
CONNECT_SECONDS = 8
# While managers elect another leader, their engines answer late.
LOOK_SECONDS = 30
# An engine's own patience when it joins is 20 s; a node that is gone is called down after 15 s.
WAIT_SECONDS = 60


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    return run(_hive_swarm, arguments, "usage: hive-swarm look NODE… | hive-swarm join --via NODE --to IP --as ROLE --from IP")


def _hive_swarm(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("hive-swarm")
    commands = parser.add_subparsers(dest="command", required=True)
    looking = commands.add_parser("look", help="what other servers' engines say of their swarm")
    looking.add_argument("nodes", nargs="*", metavar="NODE")
    joining = commands.add_parser("join", help="make this server a member")
    joining.add_argument("--via", required=True, metavar="NODE", help="a manager")
    joining.add_argument("--to", required=True, metavar="IP", help="the manager's address")
    joining.add_argument("--as", required=True, dest="role", choices=("manager", "worker"))
    joining.add_argument("--from", required=True, dest="own", metavar="IP", help="our own address, for the others")
    given = parser.parse_args(arguments)
    engines = Engines.from_environment()
    if given.command == "look":
        print(json.dumps(look(engines, given.nodes)))
        return 0
    with engines.connect(engines.address(given.via), WAIT_SECONDS) as manager, engines.connect(LOCAL, WAIT_SECONDS) as local:
        join(manager, local, f"{given.to}:{SWARM_PORT}", given.own, given.role)
    return 0


def look(engines: Engines, nodes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What the engines of other servers say of their swarm, all asked at once.

    :returns: node -> `state` and `manager`; where an engine did not tell, `error`. An engine that is not there at all, while its server is,
        has the state `none`.
    """
    with ThreadPoolExecutor(max(1, len(nodes))) as pool:
        asked = {node: pool.submit(_state, engines, node) for node in nodes}
        return {node: answer.result() for node, answer in asked.items()}


def join(manager: docker.DockerClient, local: docker.DockerClient, address: str, own: str, role: str) -> None:
    """Make the local engine a member, and wait until the manager calls it ready.

    A former entry of this host is removed, which a host leaves when it is set up anew; else it would count among the managers for ever.

    :param address: of the manager, with port.
    :param own: our address, which the others use.
    :raises Failure: it did not become one.
    """
    _forget(manager, local.info()["Name"])
    token = manager.api.inspect_swarm()["JoinTokens"][role.capitalize()]
    local.api.join_swarm([address], token, advertise_addr=own)
    for _ in _tries(f"this host did not become a member of the swarm of {address} in time"):
        swarm = local.info()["Swarm"]
        if swarm["LocalNodeState"] == "error":
            raise Failure(f"joining failed: {swarm['Error']}", ENGINE)
        if swarm["LocalNodeState"] == "active" and swarm["ControlAvailable"] == (role == "manager") and _is_ready(manager, swarm["NodeID"]):
            return


def _state(engines: Engines, node: str) -> dict[str, Any]:
    address = engines.address(node)
    try:
        name, _, port = address.rpartition(":")
        with socket.create_connection((name, int(port)), CONNECT_SECONDS):
            pass
        with engines.connect(address, LOOK_SECONDS) as client:
            swarm = client.info()["Swarm"]
        return {"state": swarm["LocalNodeState"], "manager": swarm["ControlAvailable"]}
    except ConnectionRefusedError:
        return {"state": "none", "manager": False}
    except (OSError, Failure) as error:
        return {"state": "", "manager": False, "error": str(error)}


def _forget(manager: docker.DockerClient, name: str) -> None:
    """Remove the entries of nodes of our name, once the swarm knows that they are gone.

    :raises Failure: there is such a node, and it is up.
    """
    for node in [each for each in manager.api.nodes() if each["Description"]["Hostname"] == name]:
        for _ in _tries(f"there is another node {name} in the swarm, and it is up"):
            if manager.api.inspect_node(node["ID"])["Status"]["State"] == "down":
                break
        if node["Spec"]["Role"] == "manager":
            present = manager.api.inspect_node(node["ID"])
            manager.api.update_node(node["ID"], present["Version"]["Index"], {**present["Spec"], "Role": "worker"})  # type: ignore[arg-type]
        for _ in _tries(f"the former entry of {name} cannot be removed from the swarm"):
            if _succeeds(lambda node_id=node["ID"]: manager.api.remove_node(node_id, force=True)):  # type: ignore[misc]
                break


def _is_ready(manager: docker.DockerClient, node_id: str) -> bool:
    return any(node["ID"] == node_id and node["Status"]["State"] == "ready" for node in manager.api.nodes())


def _succeeds(action: Callable[[], Any]) -> bool:
    """Whether the engine does it; a node that was a manager just now is refused for a moment."""
    import docker

    try:
        action()
    except docker.errors.NotFound:
        return True
    except docker.errors.APIError:
        return False
    return True


def _tries(failure: str) -> Iterator[None]:
    """Once now, then again every half a second.

    :raises Failure: with these words, after a minute.
    """
    give_up = time.monotonic() + WAIT_SECONDS
    while True:
        yield
        if time.monotonic() > give_up:
            raise Failure(failure, ENGINE)
        time.sleep(0.5)
