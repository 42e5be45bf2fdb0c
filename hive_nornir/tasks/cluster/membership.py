"""A hive becomes a member of the swarm (spec setup-hosts.md SWM-2)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Change, Observed, Operation, quote
from hive_nornir.tasks import programs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hive_nornir.tasks.cluster.hives import Hives

__all__ = ["membership"]

JOIN_SECONDS = 240
_LOOK = "{{.Swarm.LocalNodeState}}|{{.Swarm.NodeAddr}}|{{.Swarm.Error}}"
# The engine is the leader before it calls itself ready.
_INIT = """docker swarm init --advertise-addr {own} >/dev/null
hv_n=0
until [ "$(docker node inspect -f '{{{{.Status.State}}}}' self 2>/dev/null)" = ready ]; do
  hv_n=$((hv_n + 1)); [ $hv_n -lt 150 ] || {{ echo 'the new swarm does not get ready' >&2; exit 1; }}; sleep 0.2
done"""
_WAYS_OUT = {
    "locked": "unlock it with `docker swarm unlock`",
    "pending": "it waits for managers that do not answer; start Docker on those hives",
    "error": "see `docker info` and the engine's journal; `docker swarm leave --force` lets this run join it anew",
}


def membership(hives: Hives, certificates: str, *, check: bool) -> Operation:
    """A member of the one swarm; what is wrong with a membership is told, and not mended.

    A host that is none joins the swarm of any hive that answers, the first hive before others. Only the first hive founds one: when no
    other is in a swarm, and not so many are silent that a swarm could live among them.

    :param certificates: folder with those of Docker's API.
    """
    program = f"DOCKER_CERT_PATH={quote(certificates)} {programs.path('hive_onhost')} hive-swarm"

    def decide(seen: Observed) -> Change | None:
        state, _, rest = seen.text.partition("|")
        address, _, rest = rest.partition("|")
        error, _, others = rest.partition("\n")
        if not state.strip():
            return _without(hives, "a Docker that answers", "docker", check=check)
        if state == "active":
            _refuse_foreign_address(hives, address)
            return None
        if state in _WAYS_OUT:
            raise OperationFailed(f"{hives.own}: its membership of the swarm is {state}{error and f': {error}'}", _WAYS_OUT[state])
        if not others.strip():
            return _without(hives, f"program {programs.path('hive_onhost')}", "docker-client", check=check)
        return _entry(hives, json.loads(others), program, check=check)

    probe = (
        f"hv_s=$(docker info -f {quote(_LOOK)} 2>/dev/null) || hv_s=\nprintf '%s\\n' \"$hv_s\"\n"
        f"case $hv_s in inactive*) [ ! -x {programs.path('hive_onhost')} ] || {program} look {' '.join(map(quote, hives.others))} ;; esac"
    )
    return Operation("member of the swarm", probe, decide, disturbs="the host is a member of the swarm", deadline=JOIN_SECONDS)


def _without(hives: Hives, what: str, role_name: str, *, check: bool) -> Change:
    if not check:
        raise OperationFailed(f"{hives.own} has no {what}", f"run the role {role_name} first")
    return Change("found the swarm, or join it" if hives.own == hives.first else f"join as {hives.modes[hives.own]}", "false")


def _refuse_foreign_address(hives: Hives, address: str) -> None:
    own = hives.addresses[hives.own]
    if address != own:
        raise OperationFailed(
            f"{hives.own} is known to the swarm by {address}, and its address is {own}",
            "move its services, `docker swarm leave --force` here, and run this again",
        )


def _entry(hives: Hives, others: Mapping[str, Mapping[str, Any]], program: str, *, check: bool) -> Change:
    """How a host gets in that is in no swarm.

    :param others: what the other hives said of theirs.
    """
    own, mode = hives.addresses[hives.own], hives.modes[hives.own]
    manager = next((name for name, said in others.items() if said["state"] == "active" and said["manager"]), None)
    if manager:
        way = f"--via {quote(manager)} --to {quote(hives.addresses[manager])} --as {mode} --from {quote(own)}"
        return Change(f"join as {mode} through {manager}", f"{program} join {way}")
    states = {name: str(said["state"]) for name, said in others.items()}
    silent = [name for name, state in states.items() if not state]
    inside = [f"{name} is {state}" for name, state in states.items() if state in ("active", *_WAYS_OUT)]
    why = "; ".join([*inside, *(f"{name}: {others[name].get('error')}" for name in silent)])
    if hives.own == hives.first:
        # Silent managers that are no majority of the hives could not decide anything either.
        if inside or 2 * len(silent) > len(hives.addresses):
            raise OperationFailed(
                f"{hives.own} is in no swarm, and there may be one without it: {why}",
                "see to these hives; if that swarm is lost, `docker swarm leave --force` there and run this again",
            )
        return Change("found the swarm", _INIT.format(own=quote(own)))
    if check:
        return Change(f"join as {mode}, when {hives.first} has founded the swarm", "false")
    raise OperationFailed(
        f"no hive that answers is a manager of a swarm{why and f': {why}'}", f"run the role swarm on {hives.first} too, the first hive"
    )
