"""Role follow-swarm-service: virtual IPs and node labels go where a service's task runs (spec setup-hosts.md 4.18)."""

from __future__ import annotations

import json

from hive_nornir.operations import files, packages, services
from hive_nornir.operations.core import Operation
from hive_nornir.tasks import programs, vip_daemon
from hive_nornir.tasks.preconditions import needed
from hive_nornir.tasks.role import Steps, Target, Variables, role
from hive_nornir.tasks.servers.api_client import api_client

__all__ = ["FollowSwarmServiceVariables", "follow_swarm_service"]

COMMAND = "hive-vip"
# Where the daemon looks for ca.pem, cert.pem and key.pem (hive_vip/settings.py), and for what else we tell it.
CERTIFICATES = "/etc/hive/vip"
CONFIGURATION = "/etc/hive/vip.json"

_UNIT = """\
# Written by hive-nornir. Settings: HIVE_LOG_LEVEL, HIVE_STREAM_REFRESH_INTERVAL, HIVE_STREAM_MAX_DELAY, HIVE_VIP_GRACE_PERIOD,
# HIVE_VIP_WITHOUT_QUORUM, by `systemctl edit follow-swarm-service`.
[Unit]
Description=Virtual IPs and node labels that follow the services of the swarm
Wants=docker.service
After=docker.service
StartLimitIntervalSec=0

[Service]
Type=simple
ExecStart=/usr/bin/{command} run
Restart=always
RestartSec=15
TimeoutStopSec=30

[Install]
WantedBy=multi-user.target
"""


class FollowSwarmServiceVariables(Variables):
    """follow-swarm-service reads nothing: the labels of services say what is to be done."""


@role()
def follow_swarm_service(host: Target, _v: FollowSwarmServiceVariables) -> Steps:
    """Install and start the daemon that gives a hive the virtual IPs and node labels of the services that run on it; only hives get it.

    It idles until there is a swarm. On a worker it asks the managers, with a certificate of its own. When it is replaced, the new one
    takes over addresses and rules as they are. `hive-vip status` tells how it does, `hive-vip plan` what it would do.
    """
    if "hives" not in host.groups:
        yield [services.stopped(vip_daemon.UNIT)]
        return
    client = api_client(host, "root", CERTIFICATES)
    unit = services.unit_file(f"/etc/systemd/system/{vip_daemon.UNIT}", _UNIT.format(command=COMMAND))
    configuration = files.content(CONFIGURATION, json.dumps({"group_labels": sorted(host.site.groups)}, indent=1) + "\n")  # SWX-16
    program = programs.program("hive_vip")
    outcomes = yield [
        *_preconditions(host),
        packages.present(host.os.manager, host.os.packages.ping),
        files.directory(CERTIFICATES, mode=0o700),
        *client.operations,  # SWX-12
        configuration,
        program,  # FSS-1, FSS-2
        programs.command(COMMAND, "hive_vip"),
        *unit,
        vip_daemon.running(restart_on=[configuration, program, *unit]),  # FSS-4
    ]
    client.note(outcomes)


def _preconditions(host: Target) -> list[Operation]:
    """T-2: what other roles have to have done."""
    sdk = f"ls -d {programs.VENV}/lib/python3*/site-packages/docker-*.dist-info"
    return [
        needed(host, f"Docker SDK in {programs.VENV}", sdk, "pip-venv"),
        needed(host, "folder for certificates", f"[ -d {host.os.tls.folder}/misc ]", "tls-certificate"),
        needed(host, "Docker", "command -v dockerd", "docker"),
    ]
