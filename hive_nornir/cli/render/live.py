"""The live display: a line a host with its role, time and changes; failures stay above it."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hive_nornir.cli.render.progress import HostProgress, LineProgress, ProgressState
from hive_nornir.cli.render.text import STYLES, clean, coloured, seconds
from hive_nornir.runs.events import Event, Observer

__all__ = ["LiveTable", "live_progress"]


class LiveTable:
    """Draws the state of all hosts, anew each time that it is printed.

    :param height: lines that there are; hosts that have ended are left out first.
    """

    def __init__(self, state: ProgressState, height: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._state = state
        self._height = height
        self._clock = clock

    def __rich__(self) -> Table:
        """Called by rich."""
        table = Table.grid(padding=(0, 2))
        with self._state.lock:
            hosts = list(self._state.hosts.items())
        shown = hosts if len(hosts) <= self._height else sorted(hosts, key=lambda item: not item[1].doing)[: self._height - 1]
        for name, host in hosts:
            if (name, host) in shown:
                table.add_row(*self._row(name, host))
        if len(shown) < len(hosts):
            table.add_row(Text(f"and {len(hosts) - len(shown)} more", style="dim"))
        return table

    def _row(self, name: str, host: HostProgress) -> list[Text]:
        finished = bool(host.roles) and host.done >= host.roles
        count = f"{min(host.done + (not finished), host.roles)}/{host.roles}" if host.roles else ""
        doing = host.failed or host.doing or ("done" if finished else "waits")
        style = "bold red" if host.failed else "green" if finished else "" if host.doing else "dim"
        took = seconds(self._clock() - host.since) if host.since and not host.failed else ""
        changed = f"{host.changed} changed" if host.changed else ""
        return [
            Text(name.split(".", 1)[0], style="bold"),
            Text(count),
            Text(clean(doing), style=style),
            Text(took),
            Text(changed, "yellow"),
        ]


@contextlib.contextmanager
def live_progress(*, verbose: bool) -> Iterator[Observer]:
    """Show the live table on standard error while the block runs; it vanishes at the end, the lines above it stay."""
    console = Console(file=sys.stderr, color_system="auto" if coloured(sys.stderr) else None, highlight=False)
    state = ProgressState()

    def out(line: str, style: str) -> None:
        look = STYLES.get(style, {})
        words = [look.get("fg", ""), "bold" if look.get("bold") else "", "dim" if look.get("dim") else ""]
        console.print(Text(line, style=" ".join(filter(None, words))))

    lines = LineProgress(out, verbose=verbose, failures_only=True)

    def observe(event: Event) -> None:
        state.note(event)
        lines(event)

    table = LiveTable(state, max(2, console.size.height - 2))
    with Live(table, console=console, transient=True, refresh_per_second=5, redirect_stdout=False, redirect_stderr=False):
        yield observe
