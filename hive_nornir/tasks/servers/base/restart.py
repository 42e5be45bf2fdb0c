"""Why a server has to restart, as the server itself shows it (spec setup-hosts.md H-4, RBT-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_nornir.operations.core import Operation
from hive_nornir.tasks.servers.base.disk import growth_pending
from hive_nornir.tasks.servers.base.kernel import kernel_pending
from hive_nornir.tasks.servers.base.selinux import selinux_pending

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target
    from hive_nornir.tasks.servers.base.variables import RestartVariables

__all__ = ["restart_reasons"]


def restart_reasons(host: Target, v: RestartVariables) -> Operation:
    """An operation whose observed text is the reasons for a restart, one a line; none is no reason."""
    looks = [growth_pending(), kernel_pending(host, v), selinux_pending(host, v)]
    return Operation("reasons for a restart", "\n".join([*filter(None, looks), ":"]), lambda _seen: None)
