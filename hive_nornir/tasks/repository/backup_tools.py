"""Role backup-tools: backups every night, on the repository server (spec setup-hosts.md 4.24, swarm-extension.md 6)."""

from __future__ import annotations

import json

from pydantic import Field

from hive_nornir.operations import files, services
from hive_nornir.operations.core import Operation
from hive_nornir.tasks import programs
from hive_nornir.tasks.preconditions import needed
from hive_nornir.tasks.repository import backup_scripts
from hive_nornir.tasks.role import Target, Variables, role

__all__ = ["STATE", "BackupToolsVariables", "backup_tools"]

# Of the runner: its lock, and what became of the last backups, for the monitoring.
STATE = "/var/lib/hive-backup"
CONFIGURATION = "/etc/hive/backup.json"
COMMAND = "/usr/bin/hive-backup.sh"


class BackupToolsVariables(Variables):
    """What backup-tools reads."""

    hive_zabbix_backup_cleanup_days_before: int = Field(3, ge=0, description="Backups of Zabbix of how many days before today are kept.")
    hive_registry_backup_cleanup_days_before: int = Field(3, ge=0, description="Likewise of the registry.")
    hive_backup_hook: str = Field(
        "", description="Program on the repository that is given each finished backup, to copy it elsewhere, encrypted if need be."
    )
    hive_safe_admin: str = Field("admin", description="The administrator's account, as which backups are made.")
    hive_admin_group: str | None = Field(None, description="Its group; of the same name without it.")
    hive_home_dir: str = Field(description="Its home, with the folder of the backups.")


@role()
def backup_tools(host: Target, v: BackupToolsVariables) -> list[Operation]:
    """Back up Zabbix, the registry and the services every night at one o'clock; `hive-backup.sh` does it by hand, and restores.

    What services back up is described from the inventory: `backup_scripts`. A backup is read back before the former one goes.
    """
    admin, group, home = v.hive_safe_admin, v.hive_admin_group or v.hive_safe_admin, v.hive_home_dir
    folder = f"{home}/backup"
    described = backup_scripts.descriptions(host.site)
    certificate = needed(host, "certificate for Docker's API", f"[ -e {home}/.docker/cert.pem ]", "docker-client")
    settings = {
        "folder": folder,
        "zabbix_days": v.hive_zabbix_backup_cleanup_days_before,
        "registry_days": v.hive_registry_backup_cleanup_days_before,
        "hook": v.hive_backup_hook,
    }
    service = services.unit_file("/etc/systemd/system/backup.service", _service_text(admin, group, home))  # BKT-1
    timer = services.unit_file("/etc/systemd/system/backup.timer", _TIMER)  # BKT-2
    return [
        needed(host, f"environment {programs.VENV}", f"[ -x {programs.VENV}/bin/python ]", "pip-venv"),
        *([certificate] if described else []),
        files.directory(folder, mode=0o700, owner=admin, group=group),  # BKT-3
        files.directory(backup_scripts.FOLDER, mode=0o750, group=group),
        files.directory(STATE, owner=admin, group=group),
        files.with_folder(files.content(CONFIGURATION, json.dumps(settings, indent=2) + "\n"), CONFIGURATION.rpartition("/")[0]),
        *backup_scripts.written(host.site, described, group),  # BKT-4
        programs.program("hive_onhost"),
        # A file of hive-builder's may stand there.
        files.link(COMMAND, programs.path("hive_onhost"), force=True),
        *service,
        *timer,
        services.running("backup.timer", restart_on=timer),
    ]


def _service_text(admin: str, group: str, home: str) -> str:
    return f"""\
# Written by hive-nornir: role backup-tools.
[Unit]
Description=Backups of Zabbix, the registry and services
Wants=docker.service
After=docker.service

[Service]
Type=oneshot
User={admin}
Group={group}
WorkingDirectory={home}
UMask=0077
ExecStart={COMMAND}
"""


_TIMER = """\
# Written by hive-nornir: role backup-tools.
[Unit]
Description=Backups every night

[Timer]
OnCalendar=*-*-* 01:00:00
Persistent=true

[Install]
WantedBy=timers.target
"""
