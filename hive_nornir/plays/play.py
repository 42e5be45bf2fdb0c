"""A play: roles that run one after the other on each host of a group, the hosts side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hive_nornir.runs.report import RoleReport

if TYPE_CHECKING:
    from nornir.core.task import Result, Task

    from hive_nornir.runs.events import RunProcessor
    from hive_nornir.tasks.role import Role

__all__ = ["Play", "mark_the_rest", "play_task"]


@dataclass(frozen=True)
class Play:
    """Roles in their order, on the hosts of a group.

    :param title: as the documentation names it.
    :param group: inventory group: servers, hives, repository.
    :param tag: group tag that selects all of its roles (spec setup-hosts.md 2).
    """

    title: str
    group: str
    tag: str
    roles: tuple[Role, ...]

    def selected(self, names: Sequence[str] | None) -> tuple[Role, ...]:
        """The roles that `--roles` leaves: by their own names or the play's tag; all without it."""
        if names is None:
            return self.roles
        return tuple(role for role in self.roles if role.name in names or self.tag in names)


def play_task(task: Task, roles: Sequence[Role]) -> Result:
    """The Nornir task of a play: on its host, one role after the other; the first failed one ends it for this host only."""
    from nornir.core.task import Result

    for role in roles:
        task.run(task=role, name=role.name)
    return Result(host=task.host)


def mark_the_rest(processor: RunProcessor, title: str, host: str, names: Sequence[str]) -> None:
    """Say of the roles of a play that did not end on a host whether they were interrupted or not begun."""
    done = processor.report.hosts[host].roles
    for name in names:
        if name in done:
            continue
        if processor.began(host, name):
            done[name] = RoleReport(name, title, "interrupted", error="interrupted while it ran; the next run finds out how far it came")
        else:
            done[name] = RoleReport(name, title, "not-run", error="not begun")
