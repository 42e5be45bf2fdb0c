"""`hive-vip-missing`: how many virtual IPs and node labels have to be on this host and are not (swarm-extension.md SWX-15)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hive_onhost.failure import ENGINE, Failure
from hive_onhost.options import UsageProblem
from hive_onhost.probes.answers import probe
from hive_onhost.probes.local import output

if TYPE_CHECKING:
    from hive_onhost.probes.answers import Answer

__all__ = ["main", "missing"]


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    return probe(_vip, arguments, "usage: hive-vip-missing")


def _vip(arguments: Sequence[str]) -> Answer:
    if arguments:
        raise UsageProblem("nothing is wanted")
    told, _, code = output(["sh", "-c", "/usr/bin/hive-vip status; echo $?"]).strip().rpartition("\n")
    if not told:
        raise Failure("hive-vip does not tell its status", ENGINE)
    return missing(json.loads(told), healthy=code == "0")


def missing(state: dict[str, Any], *, healthy: bool) -> int:
    """How many; one at least if the daemon is not well, for then nobody knows."""
    found = sum(bool(hook["here"]) and hook["state"] in ("missing", "refused") for hook in state["hooks"])
    return found if healthy else max(1, found)
