"""The record of a run on disk: `.hive/<stage>/runs/<time>/events.jsonl`, one event a line."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from hive_nornir.runs.events import Event
from hive_nornir.runs.redact import Redactor

if TYPE_CHECKING:
    from hive_nornir.inventory.context import SiteContext

__all__ = ["RunRecord"]


class RunRecord:
    """An observer that writes every event at once, so that a killed run's record is complete up to its end.

    :param context: of the stage; the record's folder is 0700, its file 0600.
    :param secrets: to be masked, besides the persisted ones; may grow during the run.
    """

    def __init__(self, context: SiteContext, secrets: Collection[str] = ()) -> None:
        self.folder: Path = context.context_dir / "runs" / datetime.now().strftime("%Y-%m-%dT%H-%M-%S.%f")
        self._redact = Redactor(context.persistents.secret_values(), secrets)
        self._file: TextIO | None = None

    def __enter__(self) -> RunRecord:
        self.folder.parent.mkdir(mode=0o700, exist_ok=True)
        self.folder.mkdir(mode=0o700)
        self._file = os.fdopen(
            os.open(self.folder / "events.jsonl", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", buffering=1, encoding="utf-8"
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()

    def __call__(self, event: Event) -> None:
        """Write one event."""
        if self._file is not None:
            self._file.write(self._redact(json.dumps(event.as_dict(), ensure_ascii=False)) + "\n")
