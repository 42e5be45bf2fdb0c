"""Every command of ours on a server is a link to one program, which does what it is called by (`dexec`, `hive-backup.sh` …)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

__all__ = ["COMMANDS", "main"]

# Name -> module with `main(arguments: Sequence[str]) -> int`, imported only when it is called.
COMMANDS: dict[str, str] = {
    "dcp": "hive_onhost.dcp",
    "dexec": "hive_onhost.dexec",
    "docker-service": "hive_onhost.probes.docker_service",
    "docker-volume-discover": "hive_onhost.probes.docker_volume",
    "dsh": "hive_onhost.dsh",
    "dxf": "hive_onhost.dxf",
    "hive-audit-count": "hive_onhost.probes.audit",
    "hive-backup.sh": "hive_onhost.backup.command",
    "hive-certificate-days": "hive_onhost.probes.certificates",
    "hive-docker-proxy": "hive_onhost.docker_proxy",
    "hive-drbd-status": "hive_onhost.probes.drbd",
    "hive-service-discovery": "hive_onhost.probes.service_discovery",
    "hive-service-restart": "hive_onhost.probes.service_restart",
    "hive-swarm": "hive_onhost.hive_swarm",
    "hive-vip-missing": "hive_onhost.probes.vip",
    "hive-zabbix": "hive_onhost.zabbix",
}


def main(argv: Sequence[str]) -> int:
    """Run the command.

    :param argv: the command's name or path, then its arguments.
    :returns: the exit code.
    """
    name = Path(argv[0]).name
    arguments = list(argv[1:])
    if name not in COMMANDS and arguments:  # `hive_onhost.pyz dexec …`
        name = arguments.pop(0)
    if name not in COMMANDS:
        print(f"{name}: one of {', '.join(COMMANDS)} is wanted", file=sys.stderr)
        return 2
    code: int = import_module(COMMANDS[name]).main(arguments)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv))
