"""What a role needs of roles before it, asked for on the host when it is run alone (spec setup-hosts.md T-2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Change, Observed, Operation

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target

__all__ = ["needed"]


def needed(host: Target, what: str, test: str, role_name: str) -> Operation:
    """An operation that fails, naming the role to run first, when something is not there; a plan says that it is to come.

    :param what: in plain words, for "HOST has no WHAT".
    :param test: shell whose exit code is 0 when it is there.
    :param role_name: the role that makes it.
    """

    def decide(seen: Observed) -> Change | None:
        if seen.text.strip():
            return None
        if host.check:
            return Change(f"the role {role_name} makes it", "false")
        raise OperationFailed(f"{host.name} has no {what}", f"run the role {role_name} first")

    return Operation(what, f"if {{ {test}; }} >/dev/null 2>&1; then echo there; fi", decide)
