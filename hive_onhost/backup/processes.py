"""Programs whose input or output is a backup: it flows through, and is at no time in memory as a whole."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO, BinaryIO, cast

from hive_onhost.failure import USAGE, Failure

__all__ = ["Clock", "run"]

_CHUNK = 1 << 20
_SAID_BYTES = 2000


class Clock:
    """How long a backup may still take."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds, 0 when there are none."""
        return max(0.0, self._end - time.monotonic())


def run(
    words: Sequence[str],
    clock: Clock,
    *,
    feed: Callable[[BinaryIO], object] | None = None,
    drain: Callable[[BinaryIO], object] | None = None,
) -> None:
    """Run a program to its end.

    :param feed: writes its standard input; nothing is there without it.
    :param drain: reads its standard output, which nobody sees without it.
    :raises Failure: it cannot be run, fails, or does not end in time; with what it said.
    """
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(  # noqa: S603 - a list, no shell
                words,
                stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
                stdout=subprocess.PIPE if drain else subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,  # so that what it starts ends with it
            )
        except OSError as error:
            raise Failure(f"cannot run {words[0]}: {error}", USAGE) from error
        watch = threading.Timer(clock.left, _end, [process])
        watch.start()
        try:
            with process:
                try:
                    _talk(process, feed, drain)
                except BaseException:
                    _end(process)
                    raise
        finally:
            watch.cancel()
        if process.returncode:
            raise Failure(_reason(process.returncode, clock, said), USAGE)


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _talk(process: subprocess.Popen[bytes], feed: Callable[[BinaryIO], object] | None, drain: Callable[[BinaryIO], object] | None) -> None:
    if feed:
        sink = cast("BinaryIO", process.stdin)
        # A program that ends early tells why by its exit code.
        with suppress(BrokenPipeError):
            feed(sink)
        with suppress(BrokenPipeError):
            sink.close()
    if drain:
        source = cast("BinaryIO", process.stdout)
        drain(source)
        while source.read(_CHUNK):  # else a program that says more would wait for us
            pass


def _reason(code: int, clock: Clock, said: IO[bytes]) -> str:
    if not clock.left:
        return f"not done after {clock.seconds:.0f} s"
    said.seek(max(0, said.seek(0, 2) - _SAID_BYTES))
    text = " ".join(said.read().decode("utf-8", "replace").split())
    return f"exit code {code}{': ' if text else ''}{text}"
