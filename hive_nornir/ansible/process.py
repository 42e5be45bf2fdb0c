"""One `ansible-playbook`: started, listened to, and ended whatever happens."""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hive_nornir.ansible.outcomes import TaskOutcomes, event_of
from hive_nornir.errors import DeadlineExceeded, HiveError, OperationFailed

if TYPE_CHECKING:
    from typing import IO

__all__ = ["run_playbook"]

_LOOK_SECONDS = 0.2
_PATIENCE_SECONDS = 3.0
# Each takes a core for seconds, and some 100 MB.
AT_A_TIME = 8
_turns = threading.BoundedSemaphore(AT_A_TIME)
_running: dict[subprocess.Popen[str], Path] = {}


def run_playbook(
    folder: Path,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    outcomes: TaskOutcomes,
    *,
    deadline: float,
    stopped: Callable[[], bool],
) -> None:
    """Run Ansible in a folder and take in what its tasks come to; a few at a time, the others wait.

    :param folder: private; removed if our own process ends meanwhile.
    :param arguments: of `ansible-playbook`; seen by everybody on this machine.
    :param outcomes: told of each task.
    :param deadline: seconds.
    :param stopped: whether the run was interrupted.
    :raises DeadlineExceeded: it took longer; it was ended, with the task that it was at.
    :raises HiveError: the run was interrupted.
    :raises OperationFailed: Ansible ended badly without a task that had failed, such as one that it cannot read.
    """
    while not _turns.acquire(timeout=_LOOK_SECONDS):
        if stopped():
            raise HiveError("the run was interrupted")
    try:
        _run([sys.executable, "-m", "ansible", "playbook", *arguments], folder, environment, outcomes, time.monotonic() + deadline, stopped)
    finally:
        _turns.release()


def _run(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    outcomes: TaskOutcomes,
    give_up: float,
    stopped: Callable[[], bool],
) -> None:
    process = subprocess.Popen(  # noqa: S603 - no shell, and our own arguments
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="surrogateescape",
        start_new_session=True,  # Ctrl-C is for us to pass on
    )
    _running[process] = folder
    other: list[str] = []
    try:
        for line in _lines(process, give_up, stopped, outcomes):
            event = event_of(line)
            if event is not None:
                outcomes.add(event)
            elif line.strip():
                other.append(line.rstrip())
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE_SECONDS)
    finally:
        _end(process, folder)
    code = process.returncode
    outcomes.finish(code)
    if code != 0 and outcomes.failure is None:
        raise OperationFailed(f"ansible-playbook: {_brief(other) or f'exit code {code}'}", stderr="\n".join(other[-40:]))


def _lines(process: subprocess.Popen[str], give_up: float, stopped: Callable[[], bool], outcomes: TaskOutcomes) -> Iterator[str]:
    said: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    threading.Thread(target=_listen, args=(process.stdout, said), daemon=True).start()
    while True:
        if stopped():
            raise HiveError("the run was interrupted")
        if time.monotonic() > give_up:
            raise DeadlineExceeded(f"Ansible was not done in time, and was ended at the task {outcomes.now!r}")
        with contextlib.suppress(queue.Empty):
            if (line := said.get(timeout=_LOOK_SECONDS)) is None:
                return
            yield line


def _listen(stream: IO[str], said: queue.SimpleQueue[str | None]) -> None:
    with contextlib.suppress(ValueError, OSError):  # closed under us, when the process was ended
        for line in stream:
            said.put(line)
    said.put(None)


def _end(process: subprocess.Popen[str], folder: Path) -> None:
    """Nothing of it runs any more here; a task that had begun on a server goes on to its end there."""
    _signal(folder, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_PATIENCE_SECONDS)
    _signal(folder, signal.SIGKILL)
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
    _running.pop(process, None)


def _signal(folder: Path, number: int) -> None:
    """Send a signal to all that was started for a folder: Ansible's workers and OpenSSH's shared connections have sessions of their own."""
    for pid in _started_for(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _started_for(folder: Path) -> list[int]:
    """The processes that have the folder, whose name is random, in the environment that they were started with."""
    mark, found = f"={folder}/".encode(), []
    for file in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # gone meanwhile, or somebody else's
            if mark in file.read_bytes():
                found.append(int(file.parent.name))
    return found


def _brief(lines: Sequence[str]) -> str:
    """What Ansible says of its own error: the line that says so, and those behind it that belong to it."""
    at = next((number for number, line in enumerate(lines) if line.startswith(("ERROR!", "[ERROR]"))), None)
    if at is None:
        return " ".join(lines[-1:])
    return " ".join(" ".join(lines[at : at + 3]).removeprefix("ERROR!").removeprefix("[ERROR]:").split())


@atexit.register
def _end_all() -> None:
    """End all of Ansible: our process ends while threads still wait for Ansible, as after Ctrl-C."""
    for process, folder in list(_running.items()):
        _end(process, folder)
        shutil.rmtree(folder, ignore_errors=True)  # it holds secrets
