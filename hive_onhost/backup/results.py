"""What became of the backups, for the monitoring (BKP-6): JSON with an entry for each, replaced as a whole."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

__all__ = ["Result", "record"]

FILE = "result.json"


@dataclass(frozen=True)
class Result:
    """What became of an entry.

    :param entry: its name, "" where a target's entries are not known.
    :param file: name of the backup; with its size in bytes and its SHA-256.
    :param time: when it began, seconds since 1970.
    :param message: what went wrong.
    """

    target: str
    entry: str
    status: Literal["ok", "failed", "skipped"]
    time: float
    seconds: float
    file: str = ""
    size: int = 0
    sha256: str = ""
    message: str = ""


def record(state: Path, results: Sequence[Result], known: Collection[tuple[str, str]], now: float) -> None:
    """Note the results of a run; those of entries that it did not do stay, and those of entries that are no more go.

    :param known: target and name of every entry there is.
    :param now: the end of the run, seconds since 1970.
    """
    file = state / FILE
    try:
        former = {(each["target"], each["entry"]): each for each in json.loads(file.read_bytes())["entries"]}
    except (OSError, ValueError, LookupError, TypeError):
        former = {}
    entries = {key: each for key, each in former.items() if key in known}
    for result in results:
        key = (result.target, result.entry)
        before: dict[str, Any] = former.get(key, {})
        good = result.time if result.status == "ok" else before.get("last_success")
        # Left out where there was none: the monitoring takes the least of them.
        entries[key] = {**asdict(result), **({} if good is None else {"last_success": good})}
    failed = sum(each["status"] == "failed" for each in entries.values())
    _replace(file, {"finished": now, "failed": failed, "entries": list(entries.values())})


def _replace(file: Path, data: dict[str, Any]) -> None:
    beside = file.with_name(f".{file.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644), "w", encoding="utf-8") as sink:
        os.fchmod(sink.fileno(), 0o644)  # whatever the caller's mask: nothing in it is a secret
        sink.write(json.dumps(data, indent=1) + "\n")
        sink.flush()
        os.fsync(sink.fileno())
    beside.replace(file)
