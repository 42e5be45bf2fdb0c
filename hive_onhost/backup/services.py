"""Services as targets: what their descriptions say, done in a task of theirs, wherever it runs."""

from __future__ import annotations

import dataclasses
import gzip
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from hive_onhost.backup import verifying
from hive_onhost.backup.containers import CHUNK, Container
from hive_onhost.backup.jobs import Job, Source, Target
from hive_onhost.backup.processes import Clock
from hive_onhost.engines import Engines
from hive_onhost.failure import ENGINE, USAGE, Failure
from hive_onhost.options import Options
from hive_onhost.services import running_task

__all__ = ["services", "target", "task_of"]

Find = Callable[[], Container]


def services(folder: Path) -> list[Target]:
    """A target for each description, in the order of their names.

    :raises Failure: there is no such folder.
    """
    try:
        names = sorted(file.name for file in folder.iterdir() if not file.name.startswith("."))
    except OSError as error:
        raise Failure(f"cannot read {folder}: {error.strerror}; the role backup-tools makes it", USAGE) from error
    return [_described(folder / name) for name in names]


def target(name: str, entries: Sequence[Mapping[str, Any]], find: Find) -> Target:
    """A service's target.

    :param entries: as they are described.
    :param find: a running task's container.
    :raises Failure: a description is wrong.
    """
    return Target(name, tuple(_job(entry, find) for entry in entries))


def task_of(service: str, hive: str, managers: Sequence[str]) -> Container:
    """The container of the first running task.

    :param hive: name of its hive.
    :param managers: engines of the hive; where one does not answer, the next is asked.
    :raises Failure: there is none, or nobody knows.
    """
    problem = Failure("no manager is known", ENGINE)
    for address in managers:
        engines = dataclasses.replace(Engines.from_environment(), swarm=address, hive_name=hive)
        try:
            with running_task(engines, service, Options()) as (task, _node):
                return Container(tuple(engines.docker_command(engines.address(task.node))), task.container)
        except Failure as failure:
            if failure.code != ENGINE:
                raise
            problem = failure
    raise problem


def _described(file: Path) -> Target:
    if file.name.startswith("hive-"):
        return Target(file.name, (), f"{file}: names that begin with hive- are reserved")
    try:
        described = json.loads(file.read_bytes())
        service, hive, managers = described["service"], described["hive"], described["managers"]
        return target(file.name, described["entries"], lambda: task_of(service, hive, managers))
    except (OSError, ValueError, LookupError, TypeError, Failure) as error:
        return Target(file.name, (), f"{file} is no description of backups: {error}")


def _job(entry: Mapping[str, Any], find: Find) -> Job:
    source: Source | None = None
    if entry["directory"]:
        source = _Directory(find, entry["directory"])
    elif entry["backup_command"]:
        source = _Command(find, entry["backup_command"], entry["backup_file"], entry["restore_command"], entry["restore_file"])
    before = _Scripts(find, tuple(entry["batch_scripts"]))
    return Job(entry["name"], entry["ext"], entry["cleanup_days_before"], source, verifying.by_extension(entry["ext"]), before)


@dataclass(frozen=True)
class _Scripts:
    """The commands that run before a backup: what fails is told, and the rest goes on."""

    find: Find
    commands: tuple[str, ...]

    def __call__(self, clock: Clock) -> list[str]:
        problems = []
        for number, command in enumerate(self.commands, 1):
            try:
                self.find().run(command, clock)
            except Failure as failure:
                problems.append(f"batch script {number}: {failure}")
        return problems


@dataclass(frozen=True)
class _Directory:
    """What is in a folder."""

    find: Find
    path: str

    def backup(self, sink: BinaryIO, clock: Clock) -> None:
        with gzip.GzipFile(fileobj=sink, mode="wb", compresslevel=6, mtime=0) as packed:
            target = cast("BinaryIO", packed)
            self.find().read_folder(self.path, clock, lambda stream: shutil.copyfileobj(stream, target, CHUNK))

    def restore(self, file: Path, clock: Clock) -> None:
        self.find().replace_folder(self.path, file, clock)


@dataclass(frozen=True)
class _Command:
    """What a command prints, or the file that it makes."""

    find: Find
    backup_command: str
    backup_file: str
    restore_command: str
    restore_file: str

    def backup(self, sink: BinaryIO, clock: Clock) -> None:
        container = self.find()
        if not self.backup_file:
            container.run(self.backup_command, clock, drain=lambda stream: shutil.copyfileobj(stream, sink, CHUNK))
            return
        container.run(self.backup_command, clock)
        container.read_file(self.backup_file, clock, sink)

    def restore(self, file: Path, clock: Clock) -> None:
        container = self.find()
        if self.restore_file:
            container.write_file(self.restore_file, file, clock)
            container.run(self.restore_command, clock)
            return
        with file.open("rb") as data:
            container.run(self.restore_command, clock, feed=lambda sink: shutil.copyfileobj(data, sink, CHUNK))
