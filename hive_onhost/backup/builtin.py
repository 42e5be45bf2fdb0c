"""The built-in targets: the registry's data, and Zabbix' database."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from hive_onhost.backup import verifying
from hive_onhost.backup.containers import CHUNK, Container, local
from hive_onhost.backup.jobs import Job, Target
from hive_onhost.backup.processes import Clock, run
from hive_onhost.failure import Failure

__all__ = ["registry", "zabbix"]

_DATA, _LAYOUT = "/var/lib/registry", "docker/registry/v2"
# In this order, a tag that is pushed meanwhile is either complete or not there: layers come before what refers to them (BKP-9). Garbage
# is collected by hand only, under our lock.
_PARTS = ("repositories", "blobs")
_UPLOADS = "_uploads"
# The password is read where it is, and is in nobody's arguments (BKP-5).
_LOGIN = (
    'MYSQL_PWD=$(cat /run/secrets/db_root_password); export MYSQL_PWD\nsql() { mariadb --user root --batch --skip-column-names "$@"; }\n'
)
_DUMP = f"""set -eu
{_LOGIN}exec mariadb-dump --user root --single-transaction --quick --routines --triggers --default-character-set=utf8mb4 zabbix"""
# The dump goes into a database of its own; only when it is all there, its tables take the places of the present ones, and should that go
# wrong, they are still where they were. Triggers cannot move from one database to another, so they are made anew.
_LOAD = f"""set -eu
{_LOGIN}side=zabbix_restored
trap 'sql -e "DROP DATABASE IF EXISTS $side"' EXIT
set -- $(sql -e "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'zabbix'")
like="CHARACTER SET ${{1:-utf8mb4}} COLLATE ${{2:-utf8mb4_bin}}"
sql -e "DROP DATABASE IF EXISTS $side; CREATE DATABASE $side $like"
sql --default-character-set=utf8mb4 $side
triggers=$(mariadb-dump --user root --no-data --no-create-info --triggers $side)
schema="information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA = '$side'"
moves=$(sql -e "SET SESSION group_concat_max_len = 1048576;
  SELECT GROUP_CONCAT('\\`$side\\`.\\`', TABLE_NAME, '\\` TO \\`zabbix\\`.\\`', TABLE_NAME, '\\`') FROM $schema")
drops=$(sql -e "SELECT CONCAT('DROP TRIGGER \\`', TRIGGER_NAME, '\\`;') FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = '$side'")
printf '%s\\n' "$drops" | sql $side
trap - EXIT
sql -e "DROP DATABASE IF EXISTS zabbix; CREATE DATABASE zabbix $like; RENAME TABLE $moves"
printf '%s\\n' "$triggers" | sql zabbix
sql -e "DROP DATABASE $side\""""  # noqa: S608 - all words are ours


def registry(days: int) -> Target:
    """The registry's data, in the order in which a push that is under way does no harm."""
    job = Job("hive-registry", "tar.gz", days, _Registry(local("registry")), verifying.archive)
    return Target(job.name, (job,))


def zabbix(days: int) -> Target:
    """A consistent dump of Zabbix' database."""
    consumers = (local("zabbix-web"), local("zabbix-server"))
    job = Job("hive-zabbix", "sql.gz", days, _Zabbix(local("zabbix-db"), consumers), verifying.dump)
    return Target(job.name, (job,))


@dataclass(frozen=True)
class _Registry:
    container: Container

    def backup(self, sink: BinaryIO, clock: Clock) -> None:
        told = io.BytesIO()
        look = f'cd {_DATA}; for each; do [ ! -d "{_LAYOUT}/$each" ] || echo "$each"; done'
        self.container.run(look, clock, arguments=_PARTS, drain=lambda stream: told.write(stream.read()))
        # Layers are packed already.
        with gzip.GzipFile(fileobj=sink, mode="wb", compresslevel=1, mtime=0) as packed, tarfile.open(fileobj=packed, mode="w|") as out:
            root = tarfile.TarInfo(".")
            root.type, root.mode = tarfile.DIRTYPE, 0o755
            out.addfile(root)
            for part in told.getvalue().decode().split():
                under = f"{_LAYOUT}/{part}"
                self.container.read_folder(f"{_DATA}/{under}", clock, lambda stream, under=under: _add(stream, out, under))  # type: ignore[misc]

    def restore(self, file: Path, clock: Clock) -> None:
        self.container.replace_folder(_DATA, file, clock)
        # It remembers what it had.
        run([*self.container.docker, "restart", self.container.name], clock)


def _add(stream: BinaryIO, out: tarfile.TarFile, under: str) -> None:
    """Add the entries of an archive below a folder, without what is being uploaded just then."""
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            if _UPLOADS in member.name.split("/"):
                continue
            data = archive.extractfile(member) if member.isreg() else None
            member.name = f"./{under}/{member.name.removeprefix('./')}".rstrip("/.")
            out.addfile(member, data)


@dataclass(frozen=True)
class _Zabbix:
    database: Container
    consumers: tuple[Container, ...]

    def backup(self, sink: BinaryIO, clock: Clock) -> None:
        with gzip.GzipFile(fileobj=sink, mode="wb", compresslevel=6, mtime=0) as packed:
            target = cast("BinaryIO", packed)
            self.database.run(_DUMP, clock, user="0", drain=lambda stream: shutil.copyfileobj(stream, target, CHUNK))

    def restore(self, file: Path, clock: Clock) -> None:
        """Put the database back, while nobody uses it (BKP-8)."""
        docker, names = self.database.docker, [each.name for each in self.consumers]
        run([*docker, "stop", *names], clock)
        try:
            with gzip.open(file) as data:
                self.database.run(_LOAD, clock, user="0", feed=lambda sink: shutil.copyfileobj(data, sink, CHUNK))
        except Failure as failure:
            raise Failure(f"the database was not replaced: {failure}", failure.code) from failure
        finally:
            run([*docker, "start", *reversed(names)], Clock(120))
