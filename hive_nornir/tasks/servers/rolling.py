"""Members of a cluster restart one after the other, each drained before and whole again after it (spec setup-hosts.md H-5, L-13)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Change, Observed, Operation
from hive_nornir.operations.reboot import restart_and_wait

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Steps, Target

__all__ = ["DRAINED", "others_suffice", "restart_member"]

# That it was us who drained the node: whoever finds it after an interrupted run makes the node active again.
DRAINED = "/var/lib/hive-nornir/drained"
_SELF = "\"$(docker info -f '{{.Swarm.NodeID}}')\""
_TASKS = "docker ps -q --filter label=com.docker.swarm.task.id"
DRAIN_SECONDS, WHOLE_SECONDS = 300, 600
_WHOLE = r"""i=0
while [ $i -lt SECONDS ]; do
  said=
  if command -v docker >/dev/null; then
    said=$(docker info -f '{{.Swarm.LocalNodeState}}' 2>&1) || said="the engine does not answer: $said"
    case $said in
    active) said=$(docker node inspect self -f '{{.Status.State}}' 2>&1); [ "$said" != ready ] || said= ;;
    inactive) said= ;;
    esac
  fi
  if [ -z "$said" ] && [ -e /proc/drbd ] && command -v drbdsetup >/dev/null; then
    said=$(drbdsetup status --json 2>&1 | grep -E '"(disk|connection)-state"' | grep -vE '"(UpToDate|Diskless|Connected)"' | head -n 1)
  fi
  [ -n "$said" ] || exit 0
  i=$((i + 1)); sleep 1
done
echo "$said"; exit 1
"""


def restart_member(host: Target, reasons: Sequence[str]) -> Steps:
    """Restart a member of a cluster when its turn comes; without reasons, only end what an interrupted run began.

    After a failure no other host is restarted.

    :raises OperationFailed: it does not become whole again in time; it stays drained, and the next run goes on from there.
    """
    with host.options.rolling.turn(host.name):
        if reasons:
            yield [others_suffice(host), _drained(host)]
        yield from restart_and_wait(host, reasons, barrier=True)
        if not host.check:
            _wait_until_whole(host)
        yield [_active_again(host)]


def others_suffice(host: Target) -> Operation:
    """Fails if the swarm's managers or a DRBD resource would be too few without the host."""
    look = (
        "echo @@nodes; docker node ls --format '{{.Self}} {{.ManagerStatus}}' 2>&1\n"
        "echo @@drbd; [ ! -e /proc/drbd ] || drbdsetup status --json 2>/dev/null"
    )

    def decide(seen: Observed) -> Change | None:
        nodes, _, resources = seen.text.partition("@@drbd\n")
        problem = _managers_missing(nodes.removeprefix("@@nodes\n")) or _copies_missing(resources)
        if problem:
            raise OperationFailed(f"{host.name} cannot be restarted now: {problem}", "mend that first, then run the role reboot again")
        return None

    return Operation("the others suffice", look, decide)


def _managers_missing(said: str) -> str:
    """What is wrong with the swarm's managers without this one; "" for nothing.

    :param said: a line a node: whether it is this one, and `Leader`, `Reachable`, `Unreachable` or nothing.
    """
    if "not part of a swarm" in said:
        return ""
    rows = [line.split() for line in said.splitlines()]
    if not rows or any(row[0] not in ("true", "false") for row in rows):
        return f"the swarm cannot be asked: {said.strip()}"
    managers = [row for row in rows if len(row) > 1]
    left = sum(row[1] in ("Leader", "Reachable") and row[0] == "false" for row in managers)
    needed = len(managers) // 2 + 1
    if len(managers) > 1 and left < needed:
        return f"of {len(managers)} managers {left} would be left, and {needed} are needed"
    return ""


def _copies_missing(said: str) -> str:
    """The first DRBD resource whose other copies are not all connected and up to date; "" for none."""
    resources: list[dict[str, Any]] = json.loads(said) if said.strip() else []
    for resource in resources:
        for connection in resource.get("connections", []):
            states = [peer.get("peer-disk-state") for peer in connection.get("peer_devices", [])]
            if connection.get("connection-state") != "Connected" or not set(states) <= {"UpToDate", "Diskless"}:
                shown = ", ".join(map(str, [connection.get("connection-state"), *states]))
                return f"{resource.get('name')} is not whole on {connection.get('name', 'a peer')} ({shown})"
    return ""


def _drained(host: Target) -> Operation:
    """No task of the swarm runs on the node; one that the operator drained stays as it is, and is not made active afterwards."""
    wait = f'i=0; while [ -n "$({_TASKS})" ]; do i=$((i+1)); [ $i -lt {DRAIN_SECONDS} ] || {{ {_TASKS}; exit 1; }}; sleep 1; done'
    apply = f"mkdir -p -m 700 {DRAINED.rpartition('/')[0]}\n: >{DRAINED}\ndocker node update --availability drain {_SELF}\n{wait}"

    def decide(seen: Observed) -> Change | None:
        return Change("drain", apply, "- active\n+ drain") if seen.text.strip() == "active" else None

    probe = "docker node inspect self -f '{{.Spec.Availability}}' 2>/dev/null"
    return Operation(f"node {host.short_name} drained", probe, decide, deadline=DRAIN_SECONDS + 30)


def _wait_until_whole(host: Target) -> None:
    done = host.transport.run(_WHOLE.replace("SECONDS", str(WHOLE_SECONDS)), deadline=WHOLE_SECONDS + 60)
    if done.exit_code:
        said = done.stdout.decode("utf-8", "replace").strip()
        raise OperationFailed(
            f"{host.name} restarted and is not whole again: {said}", "it stays drained; mend that, then run the role reboot again"
        )


def _active_again(host: Target) -> Operation:
    """The node takes tasks again, if it was us who drained it."""
    apply = f"docker node update --availability active {_SELF}\nrm -f {DRAINED}"

    def decide(seen: Observed) -> Change | None:
        return Change("activate", apply, "- drain\n+ active") if seen.text.strip() == "drained" else None

    return Operation(f"node {host.short_name} takes tasks", f"[ ! -e {DRAINED} ] || echo drained", decide)
