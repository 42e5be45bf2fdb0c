"""The commands that the probes run as root: these and no others, since sudo lets the agent run exactly them (ZAG-8)."""

from __future__ import annotations

from collections.abc import Collection

from hive_onhost.probes.local import output

__all__ = ["AUDIT", "DRBD_RESOURCES", "DRBD_STATUS", "as_root"]

DRBD_RESOURCES = "/usr/sbin/drbdadm sh-resources"
DRBD_STATUS = "/usr/sbin/drbdsetup status --json"
AUDIT = "/usr/sbin/ausearch --input-logs -m AVC,USER_AVC,SELINUX_ERR,USER_SELINUX_ERR -ts today"


def as_root(command: str, *, codes: Collection[int] = (0,)) -> str:
    """What one of the commands prints.

    :param codes: exit codes that are no failure.
    :raises Failure: sudo does not let us, or it fails.
    """
    return output(["sudo", "-n", *command.split()], codes=codes)
