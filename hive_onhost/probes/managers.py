"""How many managers a swarm has and how many of them are there: it decides only while more than half of them are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from hive_onhost.engines import API_PORT, Engines
from hive_onhost.failure import ENGINE, Failure
from hive_onhost.probes.answers import log
from hive_onhost.probes.parallel import answers
from hive_onhost.probes.swarm import SERVER_SECONDS

__all__ = ["count"]

# A manager without leader answers late.
_SECONDS = 15.0


def count(engines: Engines, servers: Sequence[str], what: Literal["total", "reachable"]) -> int:
    """How many managers the swarm has, or are to be reached by the others.

    Without a leader nobody can say the latter; then it is how many of the servers answer as managers.

    :raises Failure: no server is a manager.
    """
    calls = {server: lambda server=server: _swarm(engines, server) for server in servers}
    told: list[Mapping[str, Any]] = []
    for server, answer in answers(calls, _SECONDS):
        if isinstance(answer, Failure):
            log(f"{server} is skipped: {answer}")
        elif answer["ControlAvailable"]:
            told.append(answer)
            if answer.get("reachable") is not None:
                return int(answer["total"] if what == "total" else answer["reachable"])
    if not told:
        raise Failure("no server answers as a manager of the swarm", ENGINE)
    return max(len(answer.get("RemoteManagers") or ()) for answer in told) if what == "total" else len(told)


def _swarm(engines: Engines, server: str) -> Mapping[str, Any]:
    """What an engine says of its swarm; with `total` and `reachable` if there is a leader."""
    address = f"{server}:{API_PORT}"
    with engines.connect(address, SERVER_SECONDS):
        pass  # is it there at all?
    with engines.connect(address, _SECONDS) as client:
        swarm: dict[str, Any] = client.info()["Swarm"]
        if not swarm["ControlAvailable"] or swarm.get("Error"):
            return swarm
        managers = [node["ManagerStatus"] for node in client.api.nodes() if node.get("ManagerStatus")]
        return {**swarm, "total": len(managers), "reachable": sum(each.get("Reachability") == "reachable" for each in managers)}
