"""A container as backups see it: commands run in it, and files come out and go in, by docker's own command line."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hive_onhost.backup.processes import Clock, run
from hive_onhost.failure import USAGE, Failure

__all__ = ["CHUNK", "Container", "local"]

CHUNK = 1 << 20
_LOCAL = ("docker", "--host", "unix:///var/run/docker.sock")
# Beside what is in the folder, so that nothing has to be moved from one file system to another.
_NEW, _OLD = ".hive-restored", ".hive-replaced"
_PREPARE = f'cd -- "$1" && rm -rf -- {_NEW} {_OLD} && mkdir -m 700 {_NEW} {_OLD}'
_TIDY = f'cd -- "$1" && rm -rf -- {_NEW} {_OLD}'
_SWAP = f"""set -eu
cd -- "$1"
move() {{
  for each in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    if [ ! -e "$each" ] && [ ! -L "$each" ]; then continue; fi
    case ${{each##*/}} in {_NEW} | {_OLD} | lost+found) ;; *) mv -- "$each" "$2/" ;; esac
  done
}}
move . {_OLD}
move {_NEW} .
rm -rf -- {_NEW} {_OLD}"""


@dataclass(frozen=True)
class Container:
    """A running container.

    :param docker: the beginning of docker's command line for its engine.
    :param name: or its id.
    """

    docker: tuple[str, ...]
    name: str

    def run(
        self,
        command: str,
        clock: Clock,
        *,
        arguments: Sequence[str] = (),
        user: str = "",
        feed: Callable[[BinaryIO], object] | None = None,
        drain: Callable[[BinaryIO], object] | None = None,
    ) -> None:
        """Run a shell command in it.

        :param arguments: what is $1 and so on.
        :param user: as whom, the container's own without it.
        :raises Failure: it fails, or does not end in time.
        """
        who = ["--user", user] if user else []
        options = [*who, *(["--interactive"] if feed else [])]
        run([*self.docker, "exec", *options, self.name, "sh", "-c", command, "sh", *arguments], clock, feed=feed, drain=drain)

    def read_folder(self, path: str, clock: Clock, drain: Callable[[BinaryIO], object]) -> None:
        """What is in a folder, as a tar stream; names begin with `./`."""
        run([*self.docker, "cp", f"{self.name}:{path.rstrip('/')}/.", "-"], clock, drain=drain)

    def read_file(self, path: str, clock: Clock, sink: BinaryIO) -> None:
        """What is in a file, or in the one that a link leads to."""

        def take(stream: BinaryIO) -> None:
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                member = archive.next()
                data = archive.extractfile(member) if member and member.isreg() else None
                if data is None:
                    raise Failure(f"{path} is no file", USAGE)
                shutil.copyfileobj(data, sink, CHUNK)

        run([*self.docker, "cp", "--follow-link", f"{self.name}:{path}", "-"], clock, drain=take)

    def write_file(self, path: str, source: Path, clock: Clock) -> None:
        """A file for the account with which commands run in it, and for nobody else."""
        told = io.BytesIO()
        self.run("id -u; id -g", clock, drain=lambda stream: told.write(stream.read()))
        uid, gid = map(int, told.getvalue().split())
        folder, _, name = path.rpartition("/")

        def give(sink: BinaryIO) -> None:
            with tarfile.open(fileobj=sink, mode="w|") as archive, source.open("rb") as data:
                member = archive.gettarinfo(arcname=name, fileobj=data)
                member.uid, member.gid, member.uname, member.gname, member.mode = uid, gid, "", "", 0o600
                archive.addfile(member, data)

        run([*self.docker, "cp", "-", f"{self.name}:{folder or '/'}"], clock, feed=give)

    def replace_folder(self, path: str, source: Path, clock: Clock) -> None:
        """What an archive holds takes the place of what is in a folder: unpacked beside it, then swapped (BKP-8).

        :param source: tar.gz.
        """
        folder = path.rstrip("/") or "/"
        self.run(_PREPARE, clock, arguments=[folder], user="0")
        try:
            unpacked = f"{self.name}:{folder}/{_NEW}"
            run([*self.docker, "cp", "-", unpacked], clock, feed=lambda sink: _unpack(source, sink))
        except BaseException:
            self.run(_TIDY, Clock(60), arguments=[folder], user="0")
            raise
        self.run(_SWAP, clock, arguments=[folder], user="0")


def local(name: str) -> Container:
    """A container of this host."""
    return Container(_LOCAL, name)


def _unpack(source: Path, sink: BinaryIO) -> None:
    with gzip.open(source) as data:
        shutil.copyfileobj(data, sink, CHUNK)
