"""`hive-audit-count`: what SELinux has denied today (swarm-extension.md 5.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hive_onhost.options import UsageProblem
from hive_onhost.probes.answers import probe
from hive_onhost.probes.superuser import AUDIT, as_root

if TYPE_CHECKING:
    from hive_onhost.probes.answers import Answer

__all__ = ["denials", "main"]

_DENIAL = re.compile(r"type=(USER_)?(AVC|SELINUX_ERR) ")
_NOTICE = re.compile(r"received .* notice")


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    return probe(_audit, arguments, "usage: hive-audit-count")


def _audit(arguments: Sequence[str]) -> Answer:
    if arguments:
        raise UsageProblem("nothing is wanted")
    return denials(as_root(AUDIT, codes=(0, 1)))  # 1 is "no matches"


def denials(text: str) -> int:
    """How many records tell of a denial; ausearch prints those of the same event too, and some tell of a loaded policy or another mode."""
    records = (line for line in text.splitlines() if _DENIAL.match(line))
    return sum(not _NOTICE.search(line) for line in records)
