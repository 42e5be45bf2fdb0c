"""Changes to sshd that undo themselves when nobody gets in any more (spec setup-hosts.md 6, hazard L-4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_nornir.operations.core import Guard, quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hive_nornir.tasks.os_model import Sshd

__all__ = ["sshd_guard"]


def sshd_guard(sshd: Sshd, reason: str, paths: Sequence[str]) -> Guard:
    """The guard for changes of sshd's files.

    :param paths: the files that are changed.
    """
    unit = quote(sshd.unit)
    restore = f"hv_putback\nsystemctl reload -- {unit} || systemctl restart -- {unit}"
    return Guard(reason, f"hv_keep {' '.join(map(quote, paths))}", restore)
