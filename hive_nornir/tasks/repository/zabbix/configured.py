"""Zabbix holds what the inventory says: looked at and changed by hive_onhost.zabbix on the server, through the API (ZBX-4 to ZBX-8)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hive_nornir.operations import files
from hive_nornir.operations.core import Change, Observed, Operation
from hive_nornir.tasks import programs

__all__ = ["configured"]

_MODEL = "/etc/hive/zabbix.json"
_COMMAND = f"{programs.path('hive_onhost')} hive-zabbix"
_SECONDS = 300


def configured(model: Mapping[str, Any], *, on: Sequence[Operation]) -> list[Operation]:
    """The model in a file, and Zabbix as it says.

    :param model: without secrets; a plan shows how it changes.
    :param on: operations that may change what Zabbix holds.
    """
    text = json.dumps(model, indent=1, ensure_ascii=False) + "\n"
    file = files.with_folder(files.content(_MODEL, text, mode=0o600), _MODEL.rpartition("/")[0])
    look = Operation(
        "what Zabbix holds",
        f"{_COMMAND} look {_MODEL} 2>&1 || :",
        _decide,
        triggered_by=(file, *on),
        deadline=_SECONDS,
    )
    return [programs.program("hive_onhost"), file, look]


def _decide(seen: Observed) -> Change | None:
    apply = f"{_COMMAND} apply {_MODEL}"
    try:
        differs: list[str] = json.loads(seen.text)["differs"]
    except (ValueError, KeyError):
        last = (seen.text.strip().splitlines() or ["it is not there yet"])[-1]
        return Change(f"all of it ({last})", apply)
    if not differs and not seen.triggered:
        return None
    lines = "\n".join(f"+ {each}" for each in differs)
    return Change(_summary(differs) if differs else "what has changed in the inventory", apply, lines)


def _summary(differs: Sequence[str]) -> str:
    shown = "; ".join(differs[:3])
    return f"{shown}; and {len(differs) - 3} more" if len(differs) > 3 else shown
