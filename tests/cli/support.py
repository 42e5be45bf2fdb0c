"""Calling the command in tests: within the process, as a process of its own, and on a terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result

import hive_nornir
from hive_nornir.cli.main import cli

PACKAGE = Path(hive_nornir.__file__).parents[1]
DEADLINE = 30


def call(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(cli, list(words), input=stdin)


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HIVE_", "_HIVE")) and name != "NO_COLOR"}
    return {**kept, "PYTHONPATH": str(PACKAGE), **more}


def run(*words: str, before: str = "", cwd: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own.

    :param before: Python that the process runs first.
    """
    return subprocess.run(
        argv(*words, before=before),
        cwd=cwd,
        env=environment(**more),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=DEADLINE,
    )


def argv(*words: str, before: str = "") -> list[str]:
    return [sys.executable, "-c", f"{before}\nfrom hive_nornir.__main__ import main\nmain()", *words]


@dataclass
class Terminal:
    exit_code: int
    text: str


def on_terminal(*words: str, before: str = "", answer: tuple[str, str] | None = None, **more: str) -> Terminal:
    """The command on a terminal of its own.

    :param answer: what it asks, and what is typed then.
    """
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        argv(*words, before=before),
        env=environment(TERM="xterm-256color", **more),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        text, end = "", time.monotonic() + DEADLINE
        while time.monotonic() < end:
            if not select.select([ours], [], [], 0.2)[0]:
                continue
            try:
                text += os.read(ours, 65536).decode(errors="replace")
            except OSError:  # the other side is closed
                break
            if answer and answer[0] in text:
                os.write(ours, f"{answer[1]}\n".encode())
                answer = None
        else:
            process.kill()
        os.close(ours)
        return Terminal(process.wait(DEADLINE), text.replace("\r\n", "\n"))
