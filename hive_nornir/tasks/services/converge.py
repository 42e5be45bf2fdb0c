"""Waiting until a service's tasks run as they are to, or telling why they do not."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from hive_nornir.errors import DeadlineExceeded, OperationFailed
from hive_nornir.tasks.services.placement import suitable

if TYPE_CHECKING:
    from hive_nornir.tasks.services.swarm import SwarmServices

__all__ = ["Progress", "converged", "errors", "gone", "judged", "lately"]

# Seconds without any change, and at all: images may be large.
_QUIET, _ALL = 300.0, 1800.0
# As long as Docker's own command looks whether tasks stay up.
_STABLE = 5.0
# A pending task is told that no node suits long before one could have appeared.
_NO_NODE = 60.0
_POLL = 1.0
# So often a task is started anew before it is called a loop: those that need each other may fail a few times at the start.
_LOOP = 5

Task = Mapping[str, Any]


@dataclass(frozen=True)
class Progress:
    """How far a service is.

    :param running: tasks that run as the service is now, or have ended where that is as it is to be.
    :param wanted: how many are to.
    :param broken: its tasks that failed, or ended though they are not to.
    :param waiting: what the scheduler says about tasks that find no node.
    :param stopped: why the swarm does not go on by itself, "" while it does.
    """

    running: int
    wanted: int
    broken: tuple[Task, ...]
    waiting: tuple[str, ...]
    stopped: str
    updating: bool = False

    @property
    def done(self) -> bool:
        """Whether all is as it is to be."""
        return self.running == self.wanted and not self.updating and not self.stopped

    @property
    def words(self) -> str:
        """For the operator."""
        return f"{self.running} of {self.wanted} tasks run"


def judged(
    service: Mapping[str, Any], tasks: Iterable[Task], nodes: Collection[Mapping[str, Any]], earlier: Collection[str] = ()
) -> Progress:
    """How far a service is. Pure.

    :param service: as the swarm shows it.
    :param tasks: all of the service.
    :param nodes: of the swarm.
    :param earlier: ids of tasks whose failures are of the past.
    """
    spec = service["Spec"]
    update = service.get("UpdateStatus") or {}
    state = str(update.get("State") or "")
    up = {node["ID"] for node in nodes if node["Status"]["State"] == "ready"}
    restarts = ((spec["TaskTemplate"].get("RestartPolicy") or {}).get("Condition") or "any") == "any"
    own = [task for task in tasks if state == "completed" or _is_current(task, spec["TaskTemplate"])]
    ended = [task for task in tasks if task["Status"]["State"] == "complete" and _is_current(task, spec["TaskTemplate"])]
    broken = [task for task in own if task["Status"]["State"] in ("failed", "rejected")] + (ended if restarts else [])
    running = [
        task for task in own if task["DesiredState"] == "running" and task["Status"]["State"] == "running" and task.get("NodeID") in up
    ]
    wanted, settled = _wanted(spec, nodes), {_slot(task) for task in running}
    count, finished = len(settled), set() if restarts else {_slot(task) for task in ended} - settled
    alive = {_slot(task) for task in own if task["DesiredState"] not in ("shutdown", "remove")} | finished
    stopped = ""
    if state in ("paused", "rollback_started", "rollback_paused", "rollback_completed"):
        stopped = f"its update is {state.replace('_', ' ')}: {update.get('Message', '')}".rstrip(": ")
    elif len(alive) < wanted and {_slot(task) for task in broken} - alive:
        stopped = "what failed is not started again"
    waiting = tuple(
        dict.fromkeys(str(task["Status"]["Err"]) for task in own if task["Status"]["State"] == "pending" and task["Status"].get("Err"))
    )
    recent = tuple(task for task in broken if task["ID"] not in earlier)
    count = max(count, min(wanted, count + len(finished)))
    return Progress(count, wanted, recent, waiting, stopped, state == "updating")


# A task's own spec shows no runtime; and where it runs may change without it (swarmkit, orchestrator.IsTaskDirty).
_NOT_COMPARED = ("Placement", "Runtime")


def _is_current(task: Task, template: Mapping[str, Any]) -> bool:
    """Whether a task is of the service as it is now."""
    own, now = ({key: value for key, value in each.items() if key not in _NOT_COMPARED} for each in (task.get("Spec") or {}, template))
    return own == now


def _wanted(spec: Mapping[str, Any], nodes: Collection[Mapping[str, Any]]) -> int:
    replicated = spec["Mode"].get("Replicated")
    return len(suitable(nodes, spec)) if replicated is None else int(replicated.get("Replicas", 1))


def _slot(task: Task) -> str:
    return str(task.get("Slot") or task.get("NodeID") or task["ID"])


def lately(tasks: Iterable[Task], now: datetime | None = None) -> list[Task]:
    """Those that came to their state in the last ten minutes: what ended before that says nothing about how a service is now."""
    since = (now or datetime.now(timezone.utc)) - timedelta(minutes=10)
    return [task for task in tasks if datetime.fromisoformat(f"{task['Status']['Timestamp'][:19]}+00:00") > since]


def converged(
    swarm: SwarmServices, name: str, progress: Callable[[str], None], *, earlier: Collection[str] = (), changed: bool = True
) -> None:
    """Wait until a service's tasks run as they are to, and stay up.

    :param progress: called with plain words at each look; raises to give up.
    :param earlier: ids of its tasks before it was changed.
    :param changed: whether it was, or there is another reason to doubt. If not, tasks that run are believed to stay up.
    :raises OperationFailed: tasks fail again and again, no node suits, or the swarm has stopped the update; with the tasks' errors.
    :raises DeadlineExceeded: nothing happens any more, and not all run.
    """
    began = quiet = stable = time.monotonic()
    seen: dict[str, Task] = {}
    last: list[tuple[Any, ...]] = []
    while True:
        service, tasks, nodes = swarm.find(name), swarm.tasks(name), swarm.nodes()
        if service is None:
            raise OperationFailed(f"service {name} was removed by somebody else meanwhile", "deploy it again")
        now = judged(service, tasks, nodes, earlier)
        seen.update({task["ID"]: task for task in now.broken})  # the swarm keeps only the last few
        clock = time.monotonic()
        picture = sorted((task["ID"], task["Status"]["State"], task["DesiredState"]) for task in tasks)
        if not now.done or picture != last:
            stable = clock
        if picture != last:
            last, quiet = picture, clock
        if now.done and (not changed or clock - stable >= _STABLE):
            return
        progress(now.words)
        said = errors(seen.values(), nodes)
        if reason := _hopeless(now, seen.values(), clock - quiet):
            raise OperationFailed(f"service {name}: {now.words}; {reason}{said}", _way_out(service))
        if clock - quiet > _QUIET or clock - began > _ALL:
            raise DeadlineExceeded(f"service {name}: {now.words} after {clock - began:.0f} s{said}", _way_out(service))
        time.sleep(_POLL)


def _hopeless(now: Progress, broken: Iterable[Task], quiet: float) -> str:
    if now.stopped:
        return now.stopped
    often = Counter(_slot(task) for task in broken)
    if often and max(often.values()) >= _LOOP:
        return f"its tasks end again and again, {max(often.values())} times so far"
    if now.waiting and quiet > _NO_NODE:
        return f"no node takes a task: {'; '.join(now.waiting)}"
    return ""


def _way_out(service: Mapping[str, Any]) -> str:
    name = service["Spec"]["Name"]
    if service.get("PreviousSpec"):
        return f"nothing was rolled back; `docker service rollback {name}` on a hive goes back to the former settings"
    return f"see `docker service ps --no-trunc {name}` on a hive; mend the definition and deploy again, or remove it with --destroy"


def errors(tasks: Iterable[Task], nodes: Iterable[Mapping[str, Any]]) -> str:
    """What the tasks said, each error once, with the nodes."""
    names = {node["ID"]: str(node["Description"]["Hostname"]) for node in nodes}
    said: dict[str, list[str]] = {}
    for task in tasks:
        status = task["Status"]
        code = (status.get("ContainerStatus") or {}).get("ExitCode")
        words = str(status.get("Err") or status.get("Message") or status["State"])
        if code and str(code) not in words:
            words += f" (exit code {code})"
        node = names.get(str(task.get("NodeID")), "no node")
        said.setdefault(words, []).append(node)
    return "".join(f"\n  {', '.join(dict.fromkeys(where))}: {words}" for words, where in said.items())


def gone(swarm: SwarmServices, service_id: str, grace: float, progress: Callable[[str], None]) -> None:
    """Wait until the tasks of a removed service are no more; those on nodes that are down go when these come back.

    :param grace: seconds that its containers have to end.
    :raises DeadlineExceeded: some are still there.
    """
    give_up = time.monotonic() + grace + 60
    while True:
        up = {node["ID"]: node["Description"]["Hostname"] for node in swarm.nodes() if node["Status"]["State"] == "ready"}
        left = [task for task in swarm.tasks_of_removed(service_id) if task.get("NodeID") in up and not _ended(task)]
        if not left:
            return
        if time.monotonic() > give_up:
            where = ", ".join(sorted({str(up[task["NodeID"]]) for task in left}))
            raise DeadlineExceeded(f"{len(left)} tasks do not end on {where}", "see `docker ps` there")
        progress(f"{len(left)} tasks are ending")
        time.sleep(_POLL)


def _ended(task: Task) -> bool:
    return task["Status"]["State"] in ("complete", "shutdown", "failed", "rejected", "remove", "orphaned")
