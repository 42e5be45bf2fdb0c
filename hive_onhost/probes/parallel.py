"""Several calls at once, each of which may hang: who has not answered in time is given up, and does not keep the program from ending."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from hive_onhost.failure import ENGINE, Failure

__all__ = ["answers"]

K = TypeVar("K")
V = TypeVar("V")

WIDTH = 32


def answers(calls: Mapping[K, Callable[[], V]], seconds: float) -> Iterator[tuple[K, V | Failure]]:
    """What the calls return, each with its key, as they come; a Failure for one that raised, and for one that is too late.

    :param seconds: for all of them together.
    """
    waiting: queue.SimpleQueue[K] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[K, V | Failure]] = queue.SimpleQueue()
    for key in calls:
        waiting.put(key)

    def work() -> None:
        while True:
            try:
                key = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((key, calls[key]()))
            except Failure as failure:
                done.put((key, failure))
            except Exception as error:  # noqa: BLE001 - one odd container must not blind us for the others
                done.put((key, Failure(f"{type(error).__name__}: {error}", ENGINE)))

    for _ in range(min(WIDTH, len(calls))):
        threading.Thread(target=work, daemon=True).start()
    yield from _collected(dict.fromkeys(calls), done, time.monotonic() + seconds)


def _collected(missing: dict[K, None], done: queue.SimpleQueue[tuple[K, V | Failure]], end: float) -> Iterator[tuple[K, V | Failure]]:
    while missing:
        try:
            key, answer = done.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            break
        del missing[key]
        yield key, answer
    for key in missing:
        yield key, Failure(f"{key} has not answered in time", ENGINE)
