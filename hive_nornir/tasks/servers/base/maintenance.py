"""P-44: a distribution that nobody maintains any more is refused, unless the site wants it; an unknown one is told (os-matrix.md 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Change, Observed, Operation

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target
    from hive_nornir.tasks.servers.base.variables import BaseVariables

__all__ = ["maintained"]


def maintained(host: Target, v: BaseVariables) -> list[Operation]:
    """The distribution gets security updates, and is one that this tool knows."""
    name, since = host.facts.name, host.os.end_of_life

    def refuse(_seen: Observed) -> Change | None:
        raise OperationFailed(
            f"{name} is not maintained any more since {since}",
            "move the server to a newer one, or set hive_allow_end_of_life: true to go on at your own risk",
        )

    found = []
    if since and not v.hive_allow_end_of_life:
        found.append(Operation("distribution with maintenance", ":", refuse))
    elif since:
        found.append(_told(f"{name} is not maintained any more since {since}, which hive_allow_end_of_life allows"))
    if not host.facts.supported:
        found.append(_told(f"{name} is unknown to this tool, which treats it like the most similar one, {host.facts.column}"))
    return found


def _told(words: str) -> Operation:
    return Operation(words, ":", lambda _seen: None, notice=True)
