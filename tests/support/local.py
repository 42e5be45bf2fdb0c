"""A host that is this machine: scripts run in a shell here, and what they keep of their own is kept in a folder of the test."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hive_nornir.connections.channels import prelude
from hive_nornir.connections.transport import Completed, Traffic
from hive_nornir.errors import ConnectionLost


@dataclass(frozen=True)
class LocalShell:
    """What a host has for /bin/sh, and where its programs are."""

    command: tuple[str, ...] = ("/bin/sh",)
    path: str = os.environ["PATH"]

    @classmethod
    def here(cls, folder: Path) -> list[LocalShell]:
        """The shells of this machine; busybox comes with its own programs, for which links are made in the folder."""
        shells = [cls(command) for command in (("dash",), ("bash", "--posix")) if shutil.which(command[0])]
        if busybox := shutil.which("busybox"):
            subprocess.run([busybox, "--install", "-s", str(folder)], check=True)
            shells.append(cls((f"{folder}/sh",), str(folder)))
        return shells


class LocalTransport:
    """`Transport` without a network.

    :param folder: takes the place of /var/lib/hive-nornir and /run/hive-nornir.
    :param shell: this machine's own by default.
    :param lose: told the number of each exchange (from 1), whether the connection breaks before its answer arrives.
    """

    def __init__(self, folder: Path, shell: LocalShell | None = None, lose: Callable[[int], bool] = lambda _number: False) -> None:
        self.folder = folder
        self.shell = shell or LocalShell()
        self.lose = lose
        self.traffic = Traffic()
        self._zip = zlib.compressobj()
        self._count(prelude())
        (folder / "run").mkdir(exist_ok=True)

    def run(self, script: str, *, deadline: float, stdin: bytes | None = None) -> Completed:
        self.traffic.round_trips += 1
        number = self.traffic.round_trips
        self._count(script)
        environment = {"PATH": self.shell.path, "LC_ALL": "C", "HIVE_PRELUDE": self._local(prelude())}
        with tempfile.TemporaryFile() as file:
            file.write(self._local(f'eval "$HIVE_PRELUDE"\n{script}\n').encode("utf-8", "surrogateescape"))
            file.flush()
            done = subprocess.run(
                ["timeout", "-k", "5", f"{deadline:.2f}", *self.shell.command, f"/dev/fd/{file.fileno()}"],
                input=stdin or b"",
                capture_output=True,
                env=environment,
                pass_fds=[file.fileno()],
                umask=0o022,
                check=False,
            )
        if self.lose(number):
            raise ConnectionLost("the test cut the connection")
        # A shell says 128 and the number of a signal.
        code = done.returncode if done.returncode >= 0 else 128 - done.returncode
        return Completed(code, done.stdout, done.stderr)

    def proof_of_entry(self, port: int | None = None) -> None:
        """Nobody is ever locked out here."""

    def reopen(self, deadline: float) -> None:
        """There is nothing to open."""

    def close(self) -> None:
        """There is nothing to close."""

    def _local(self, text: str) -> str:
        return text.replace("/var/lib/hive-nornir", f"{self.folder}/lib").replace("/run/hive-nornir", f"{self.folder}/run")

    def _count(self, text: str) -> None:
        """Counts what SSH's compression leaves of it."""
        data = self._zip.compress(text.encode("utf-8", "surrogateescape")) + self._zip.flush(zlib.Z_SYNC_FLUSH)
        self.traffic.sent += len(data)
