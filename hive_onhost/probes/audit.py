"""`hive-audit-count`: what SELinux has denied today (swarm-extension.md 5.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hive_onhost.options import UsageProblem
from hive_onhost.probes.answers import probe
from hive_onhost.probes.superuser import AUDIT, as_root

if TYPE_CHECKING:
    from hive_onhost.probes.answers import Answer

__all__ = ["denials", "main"]


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    return probe(_audit, arguments, "usage: hive-audit-count")


def _audit(arguments: Sequence[str]) -> Answer:
    if arguments:
        raise UsageProblem("nothing is wanted")
    return denials(as_root(AUDIT, codes=(0, 1)))  # 1 is "no matches"


def denials(text: str) -> int:
    """How many records of ausearch there are, but for those that only tell of a loaded policy or another mode."""
    records = (line for line in text.splitlines() if line.startswith("type="))
    return sum("received" not in line or "notice" not in line for line in records)
