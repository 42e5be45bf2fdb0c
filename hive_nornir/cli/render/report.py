"""The end of a run: hosts and roles in a table, what failed and why, one line that sums it up."""

from __future__ import annotations

from collections.abc import Sequence

from hive_nornir.cli.render.changes import show_changes
from hive_nornir.cli.render.table import Cell, show_table, terminal_width
from hive_nornir.cli.render.text import clean, plural, say, seconds
from hive_nornir.runs.report import HostReport, RoleReport, RunReport

__all__ = ["role_words", "show_report"]

_STYLES = {
    "ok": "",
    "changed": "changed",
    "would-change": "changed",
    "failed": "bad",
    "unreachable": "bad",
    "interrupted": "bad",
    "skipped": "quiet",
    "not-run": "quiet",
}
_FAILED = ("failed", "unreachable")
_SETTLED = ("ok", "changed", "would-change", "skipped")


def show_report(report: RunReport, *, diff: bool = False, table: bool = True) -> None:
    """Print a run's report on standard output.

    :param diff: with the diffs of all changes.
    :param table: with the table of hosts and roles.
    """
    if report.check or diff:
        show_changes(report, diff=diff)
    if table:
        _matrix(report)
    _failures(report)
    if report.interrupted:
        _states(report)
    for note in report.notes:
        say(f"note: {clean(note)}")
    say(_summary(report), "good" if report.ok else "bad")


def role_words(role: RoleReport) -> str:
    """A role's status and time, short: `ok 0.1 s`, `2 changed 1.3 s`."""
    words = {"changed": f"{role.changed} changed", "would-change": f"{role.changed} to do", "failed": "FAILED", "skipped": "-"}
    text = words.get(role.status, role.status.replace("-", " "))
    return text if role.status in ("skipped", "not-run") else f"{text} {seconds(role.seconds)}"


def _matrix(report: RunReport) -> None:
    """Roles down and hosts across, or the other way round where the hosts are more than the roles."""
    hosts = [host for host in report.hosts.values() if host.roles]
    roles = list(dict.fromkeys(name for host in hosts for name in host.roles))
    if not hosts:
        return
    across = len(hosts) <= len(roles)
    columns = [_short(host.name) for host in hosts] if across else roles
    rows = roles if across else [_short(host.name) for host in hosts]
    cells = [[_cell(host, name) for host in hosts] for name in roles]
    if not across:
        cells = [list(column) for column in zip(*cells, strict=True)]
    corner = "role" if across else report.noun
    for start, end in _blocks(rows, columns, cells):
        show_table([corner, *columns[start:end]], [[name, *row[start:end]] for name, row in zip(rows, cells, strict=True)])
        say()


def _cell(host: HostReport, name: str) -> Cell:
    role = host.roles.get(name)
    return Cell(role_words(role), _STYLES[role.status]) if role else Cell("")


def _blocks(rows: Sequence[str], columns: Sequence[str], cells: Sequence[Sequence[Cell]]) -> list[tuple[int, int]]:
    """Ranges of columns that fit side by side on the terminal; all of them in a pipe."""
    width = terminal_width()
    if not width:
        return [(0, len(columns))]
    needed = [max(len(name), *(len(row[index].text) for row in cells)) + 3 for index, name in enumerate(columns)]
    first = max(map(len, rows)) + 3
    blocks, start, used = [], 0, first
    for index, size in enumerate(needed):
        if index > start and used + size > width:
            blocks.append((start, index))
            start, used = index, first
        used += size
    return [*blocks, (start, len(columns))]


def _failures(report: RunReport) -> None:
    """Every failure with its reason; hosts that failed in the same way stand together."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for host in report.hosts.values():
        for role in host.roles.values():
            if role.status in _FAILED:
                broken = next((outcome for outcome in role.outcomes if outcome.status == "failed"), None)
                stderr = role.stderr or (broken.stderr if broken else "")
                key = (role.status, role.role, broken.operation.name if broken else "", role.error, stderr)
                alike.setdefault(key, []).append(host.name)
    for (status, role_name, operation, error, stderr), hosts in alike.items():
        where = ", ".join(filter(None, [role_name, operation]))
        say(f"{status.upper()} {', '.join(hosts)}: {clean(where)}", "bad")
        _indented(error)
        if stderr.strip() and stderr.strip() not in error:
            say("  stderr:", "quiet")
            _indented(stderr, 4)
        say()


def _indented(text: str, depth: int = 2) -> None:
    for line in clean(text).strip("\n").splitlines():
        say(" " * depth + line)


def _states(report: RunReport) -> None:
    say("INTERRUPTED", "bad")
    for host in report.hosts.values():
        say(f"  {host.name}: {_state(host)}")
    say()


def _state(host: HostReport) -> str:
    roles = list(host.roles.values())
    done = sum(role.status in _SETTLED for role in roles)
    if not roles:
        return "not begun"
    for role in roles:
        if role.status in ("interrupted", *_FAILED):
            word = "stopped in" if role.status == "interrupted" else f"{role.status} in"
            return f"{word} {role.role}, {done} of {plural(len(roles), 'role')} done"
    return "done" if done == len(roles) else f"{done} of {plural(len(roles), 'role')} done" if done else "not begun"


def _summary(report: RunReport) -> str:
    failed = sum(host.failed and not host.unreachable for host in report.hosts.values())
    unreachable = sum(host.unreachable for host in report.hosts.values())
    words = [
        plural(len(report.hosts), report.noun),
        f"{plural(report.changed, 'change')} to make" if report.check else f"{report.changed} changed",
        f"{failed} failed",
        *([f"{unreachable} unreachable"] if unreachable else []),
        seconds(report.seconds),
    ]
    state = "interrupted: " if report.interrupted else ""
    kind = " (check)" if report.check else ""
    return f"{report.phase}{kind} on {report.stage}: {state}{', '.join(words)}"


def _short(name: str) -> str:
    return name.split(".", 1)[0]
