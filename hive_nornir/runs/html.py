"""How results look in a notebook: plain tables, every text escaped.

What matters is told in words; a bar at a cell's left only helps to find it, in blue and vermilion, which nobody confuses (Okabe, Ito: Color
Universal Design). Text keeps the notebook's own colour, so that it is read on dark and on light.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup, escape

from hive_nornir.runs.redact import Redactor

if TYPE_CHECKING:
    from hive_nornir.inventory.site_inventory import SiteInventory
    from hive_nornir.operations.core import Outcome
    from hive_nornir.runs.records import PastRun
    from hive_nornir.runs.report import HostReport, RoleReport, RunReport
    from hive_nornir.tasks.cluster.service_states import ServiceState, TaskState
    from hive_nornir.tasks.facts import HostFacts

__all__ = ["facts", "inventory", "records", "report", "services"]

_LOOKS = {
    "": "",
    "changed": "border-left:4px solid #0072b2",
    "bad": "border-left:4px solid #d55e00;font-weight:bold",
    "quiet": "opacity:.6",
}
_ROLE_LOOKS = {"changed": "changed", "would-change": "changed", "failed": "bad", "unreachable": "bad", "interrupted": "bad"}
_SHOWN = ("changed", "would-change", "unknown")
# So many changes are shown at once; more are folded by host.
_MANY = 30
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_redact = Redactor()  # a notebook is saved and handed on


class Cell(NamedTuple):
    """A cell that stands out.

    :param look: a name of `_LOOKS`.
    """

    text: object
    look: str = ""


def report(run: RunReport) -> str:
    """A run or a plan: what it came to, hosts and roles, changes with their diffs folded, failures."""
    came_to = f"{run.changed} changed" if not run.check else f"{run.changed} to do" if run.changed else "nothing to do"
    state = "interrupted, " if run.interrupted else "" if run.ok else "failed, "
    title = f"{run.phase}{', plan' if run.check else ''}, stage {run.stage}: {state}{came_to}, {_seconds(run.seconds)}"
    parts = [_title(title, "" if run.ok else "bad"), _matrix(run), _failures(run), _changes(run), *map(_note, run.notes)]
    return _block(*parts)


def inventory(site: SiteInventory) -> str:
    """The stage's servers, and what else is defined."""
    rows = []
    for name in site.servers:
        scope = site.scope(name)
        groups = [group for group in site.object(name).groups if group in ("hives", "repository")]
        rows.append([name, *(scope.get(each, "") for each in ("hive_private_ip", "hive_provider")), ", ".join(groups)])
    title = _title(f"{site.hive_name}, stage {site.context.stage}")
    others = [f"{kind}: {', '.join(names)}" for kind, names in _defined(site) if names]
    return _block(title, _table(["server", "address", "provider", "groups"], rows), *map(_line, others))


def facts(found: HostFacts) -> str:
    """What servers are, and why some did not tell."""
    headers = ["server", "system", "kernel", "architecture", "Docker", "swarm", "free on /", "free on /var", "restart"]
    rows: list[list[object]] = [
        [
            name,
            host.name,
            host.kernel,
            host.architecture,
            host.docker,
            host.swarm,
            _size(host.free_root),
            _size(host.free_var),
            Cell("due", "changed") if host.reboot_required else "",
        ]
        for name, host in found.items()
    ]
    failures = [_failure(name, str(error)) for name, error in found.errors.items()]
    return _block(*([_table(headers, rows)] if rows else []), *failures)


def services(states: Sequence[ServiceState]) -> str:
    """The swarm's services with their tasks."""
    if not states:
        return _block(_line("the swarm has no services"))
    rows: list[list[object]] = []
    for state in states:
        short = state.running < state.desired and not state.mode.endswith("job")
        tasks = Markup("<br>").join(map(_task, state.tasks))
        rows.append([state.name, state.image, state.mode, Cell(f"{state.running} of {state.desired}", "bad" if short else ""), tasks])
    return _block(_table(["service", "image", "mode", "running", "tasks"], rows))


def records(runs: Sequence[PastRun]) -> str:
    """The runs of a stage, the latest first."""
    if not runs:
        return _block(_line("nothing has been run yet"))
    rows: list[list[object]] = [
        [
            f"{run.started:%Y-%m-%d %H:%M:%S}",
            run.phase,
            Cell(run.outcome, "" if run.outcome == "ok" else "bad"),
            Cell(run.changed, "changed" if run.changed else "quiet"),
            _seconds(run.seconds),
        ]
        for run in reversed(runs)
    ]
    return _block(_table(["started", "phase", "outcome", "changed", "took"], rows))


def _block(*parts: Markup) -> str:
    return str(Markup("<div>{}</div>").format(Markup("").join(parts)))


def _matrix(run: RunReport) -> Markup:
    """Roles down and hosts across, or the other way round where the hosts are more than the roles."""
    hosts = [host for host in run.hosts.values() if host.roles]
    roles = list(dict.fromkeys(name for host in hosts for name in host.roles))
    if not hosts:
        return Markup("")
    if len(hosts) <= len(roles):
        return _table(["role", *(host.name for host in hosts)], [[name, *(_role_cell(host, name) for host in hosts)] for name in roles])
    return _table([run.noun, *roles], [[host.name, *(_role_cell(host, name) for name in roles)] for host in hosts])


def _role_cell(host: HostReport, name: str) -> Cell:
    role = host.roles.get(name)
    if role is None:
        return Cell("")
    words = {"changed": f"{role.changed} changed", "would-change": f"{role.changed} to do", "failed": "FAILED", "skipped": "-"}
    text = words.get(role.status, role.status.replace("-", " "))
    if role.status in ("skipped", "not-run"):
        return Cell(text, "quiet")
    return Cell(f"{text} {_seconds(role.seconds)}", _ROLE_LOOKS.get(role.status, ""))


def _failures(run: RunReport) -> Markup:
    broken = [(host, role) for host in run.hosts.values() for role in host.roles.values() if role.status in ("failed", "unreachable")]
    return Markup("").join(_broken_role(host, role) for host, role in broken)


def _broken_role(host: HostReport, role: RoleReport) -> Markup:
    outcome = next((outcome for outcome in role.outcomes if outcome.status == "failed"), None)
    stderr = role.stderr or (outcome.stderr if outcome else "")
    where = ", ".join([host.name, role.role, *([outcome.operation.name] if outcome else [])])
    return _failure(where, role.error, stderr if stderr.strip() not in role.error else "")


def _failure(where: str, error: str, stderr: str = "") -> Markup:
    said = _folded("stderr", _pre(stderr)) if stderr else ""
    text = Markup('<div style="{}; padding-left:.6em; font-weight:normal"><b>{}</b>{}{}</div>')
    return text.format(_LOOKS["bad"], _clean(where), _pre(error), said)


def _changes(run: RunReport) -> Markup:
    count = sum(outcome.status in _SHOWN for host in run.hosts.values() for role in host.roles.values() for outcome in role.outcomes)
    return Markup("").join(_host_changes(host, shown=count <= _MANY) for host in run.hosts.values())


def _host_changes(host: HostReport, *, shown: bool) -> Markup:
    lines = [_change(role.role, outcome) for role in host.roles.values() for outcome in role.outcomes if outcome.status in _SHOWN]
    if not lines:
        return Markup("")
    return _folded(f"{host.name}: {len(lines)} {'change' if len(lines) == 1 else 'changes'}", Markup("").join(lines), shown=shown)


def _change(role: str, outcome: Outcome) -> Markup:
    mark = "?" if outcome.status == "unknown" else "~"
    text = f"{mark} {role}: {outcome.operation.name}: {outcome.summary or 'changes'}"
    inside = _folded(text, _pre(outcome.diff)) if outcome.diff else _line(text)
    return Markup('<div style="margin-left:1.2em">{}</div>').format(inside)


def _task(task: TaskState) -> Markup:
    where = f"{task.slot} on {task.node}" if task.slot and task.node else task.node or f"{task.slot} on no node"
    return escape(_clean(f"{where}: {task.state}{f' ({task.error})' if task.error else ''}"))


def _defined(site: SiteInventory) -> Iterable[tuple[str, list[str]]]:
    return [("services", site.services), ("volumes", site.volumes), ("networks", site.networks)]


def _table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    """:param rows: cells; the first of each names the row."""
    head = Markup("").join(Markup('<th scope="col" style="text-align:left">{}</th>').format(_clean(text)) for text in headers)
    body = Markup("").join(Markup("<tr>{}</tr>").format(Markup("").join(map(_cell, range(len(row)), row))) for row in rows)
    return Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(head, body)


def _cell(number: int, value: object) -> Markup:
    cell = value if isinstance(value, Cell) else Cell(value)
    text = cell.text if isinstance(cell.text, Markup) else escape(_clean(str(cell.text)))
    if number == 0:
        return Markup('<th scope="row" style="text-align:left">{}</th>').format(text)
    return Markup('<td style="text-align:left;{}">{}</td>').format(_LOOKS[cell.look], text)


def _title(text: str, look: str = "") -> Markup:
    return Markup('<div style="padding-left:.3em;font-weight:bold;{}">{}</div>').format(_LOOKS[look], _clean(text))


def _note(text: str) -> Markup:
    return _line(f"note: {text}")


def _line(text: str) -> Markup:
    return Markup("<div>{}</div>").format(_clean(text))


def _folded(summary: str, content: Markup, *, shown: bool = False) -> Markup:
    start = Markup("<details open>") if shown else Markup("<details>")
    return Markup("{}<summary>{}</summary>{}</details>").format(start, _clean(summary), content)


def _pre(text: str) -> Markup:
    return Markup('<pre style="margin:.2em 1.2em;text-align:left">{}</pre>').format(_clean(text.strip("\n")))


def _clean(text: str) -> str:
    """Text from a host or a file without secrets, control characters and bytes that are no text."""
    shown = _redact(text).replace("\r\n", "\n").encode("utf-8", "backslashreplace").decode()
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", shown)


def _seconds(value: float) -> str:
    if value < 10:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
