"""The runs that a stage has seen, read from their records (`record` writes them)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from hive_nornir.runs.events import Event

__all__ = ["PastRun", "PastRuns", "past_runs"]

_FIELDS = {each.name for each in fields(Event)}


@dataclass(frozen=True)
class PastRun:
    """A run of a phase, as its record tells it. Dry runs leave none.

    :param folder: where its record is.
    :param started: with the time zone of this machine.
    :param outcome: `unfinished` when the record has no end: the run is under way, or its process was killed.
    :param changed: how many operations changed something.
    :param seconds: how long it took; up to the last event, when it is unfinished.
    """

    folder: Path
    started: datetime
    phase: str
    outcome: Literal["ok", "failed", "interrupted", "unfinished"]
    changed: int
    seconds: float

    def events(self) -> list[Event]:
        """Everything that happened, in order, read now."""
        return list(_events(self.folder / "events.jsonl"))


class PastRuns(list[PastRun]):
    """The runs of a stage, the latest last."""

    def _repr_html_(self) -> str:
        from hive_nornir.runs import html

        return html.records(self)


def past_runs(folder: Path) -> PastRuns:
    """The runs of a stage.

    :param folder: `.hive/<stage>/runs`.
    """
    return PastRuns(run for path in sorted(folder.glob("*/events.jsonl")) if (run := _past_run(path)) is not None)


def _past_run(path: Path) -> PastRun | None:
    """What a record tells; None if its process was killed before it wrote anything."""
    first: Event | None = None
    last: Event | None = None
    changed, shown = 0, set()
    for event in _events(path):
        first, last = first or event, event
        if event.kind == "operation":
            shown.add((event.host, event.role))
            changed += event.changed
        elif event.kind == "role-finished" and (event.host, event.role) not in shown:
            changed += event.changed  # build-infra's step, which tells no operations
    if first is None or last is None:
        return None
    ended = last.kind == "phase-finished"
    outcome: Any = last.status if ended else "unfinished"
    started = datetime.fromtimestamp(first.at).astimezone()
    return PastRun(path.parent, started, first.phase, outcome, changed, last.seconds if ended else last.at - first.at)


def _events(path: Path) -> Iterator[Event]:
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                entry: dict[str, Any] = json.loads(line)
            except ValueError:  # the last line of a run that was killed as it wrote
                continue
            known: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value for name, value in entry.items() if name in _FIELDS
            }
            yield Event(**known)
