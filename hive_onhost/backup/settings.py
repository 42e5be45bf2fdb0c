"""What the role backup-tools has told the runner: places, and how long things are kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from hive_onhost.failure import USAGE, Failure

__all__ = ["CONFIGURATION", "DESCRIPTIONS", "STATE", "Settings"]

CONFIGURATION, DESCRIPTIONS, STATE = Path("/etc/hive/backup.json"), Path("/var/lib/hive-backup.d"), Path("/var/lib/hive-backup")


@dataclass(frozen=True)
class Settings:
    """The runner's settings.

    :param folder: of the backups.
    :param descriptions: folder with a file for each service.
    :param state: folder of the lock and of the result.
    :param zabbix_days: how many days before today backups of Zabbix are kept.
    :param registry_days: likewise of the registry.
    :param hook: program that is given each finished file, "" for none.
    :param seconds: that an entry may take.
    """

    folder: Path
    zabbix_days: int
    registry_days: int
    hook: str = ""
    seconds: int = 6 * 3600
    descriptions: Path = DESCRIPTIONS
    state: Path = STATE

    @classmethod
    def load(cls, file: Path = CONFIGURATION) -> Settings:
        """As the role has written them.

        :raises Failure: it has not run.
        """
        try:
            given = json.loads(file.read_bytes())
        except (OSError, ValueError) as error:
            raise Failure(f"cannot read {file}: {error}; the role backup-tools writes it", USAGE) from error
        return cls(
            folder=Path(given["folder"]),
            zabbix_days=given["zabbix_days"],
            registry_days=given["registry_days"],
            hook=given["hook"],
        )
