"""What was or would be changed, by host and role, with diffs on demand."""

from __future__ import annotations

from hive_nornir.cli.render.text import clean, say
from hive_nornir.operations.core import Outcome
from hive_nornir.runs.report import RoleReport, RunReport

__all__ = ["show_changes", "show_diff"]

_SHOWN = ("changed", "would-change", "unknown")


def show_changes(report: RunReport, *, diff: bool) -> None:
    """Print every change of a run on standard output; in a dry run, those that it would make.

    :param diff: each with its diff.
    """
    for host in report.hosts.values():
        roles = [role for role in host.roles.values() if any(outcome.status in _SHOWN for outcome in role.outcomes)]
        if not roles:
            continue
        say(host.name, "title")
        for role in roles:
            _role(role, diff)
        say()


def _role(role: RoleReport, diff: bool) -> None:
    say(f"  {role.role}")
    for outcome in role.outcomes:
        if outcome.status in _SHOWN:
            say(f"    {_line(outcome)}", "changed")
            if diff:
                show_diff(outcome.diff, "      ")


def _line(outcome: Outcome) -> str:
    mark = "?" if outcome.status == "unknown" else "~"
    return clean(f"{mark} {outcome.operation.name}: {outcome.summary or 'changes'}")


def show_diff(diff: str, indent: str = "") -> None:
    """Print a diff, its lines coloured on a terminal."""
    for line in clean(diff).splitlines():
        style = "added" if line.startswith("+") else "removed" if line.startswith("-") else "quiet"
        say(f"{indent}{line}", style)
