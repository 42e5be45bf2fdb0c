"""DRBD-9, DRBD-10: resources come up at boot, before Docker, and one that does not keeps nobody from starting (P-31)."""

from __future__ import annotations

from hive_nornir.operations import files, services
from hive_nornir.operations.core import Operation

__all__ = ["UNIT", "resource_unit"]

UNIT = "/etc/systemd/system/drbd-resource@.service"
WAIT = "/usr/bin/waitdevice"
_WAIT_TEXT = """#!/bin/sh
# Brings a DRBD resource up: tries up to 50 times, 0.2 s apart. Written by hive-nornir.
n=0
until drbdadm adjust "$1"; do
  n=$((n + 1))
  [ $n -lt 50 ] || exit 1
  sleep 0.2
done
"""
_UNIT_TEXT = f"""# Written by hive-nornir: role drbd.
[Unit]
Description=DRBD resource %i
Wants=network-online.target
After=network-online.target
Before=docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={WAIT} %i
ExecStop=/usr/sbin/drbdadm down %i

[Install]
WantedBy=docker.service
"""


def resource_unit() -> list[Operation]:
    """The template unit and the helper that it starts; the phase build-volumes enables an instance for each volume."""
    return [files.content(WAIT, _WAIT_TEXT, mode=0o755), *services.unit_file(UNIT, _UNIT_TEXT)]
