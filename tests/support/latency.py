"""A way to a host that takes its time: a relay on this machine that holds up every byte, for kernels without netem."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def slow_way(hostname: str, port: int, seconds: float) -> Iterator[int]:
    """A local port that leads to a host.

    :param seconds: for which what goes through is held up, in each direction.
    """
    threads: list[threading.Thread] = []

    def begin(*work: object) -> None:
        threads.append(threading.Thread(target=work[0], args=work[1:], daemon=True))  # type: ignore[arg-type]
        threads[-1].start()

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near = listener.accept()[0]
                far = socket.create_connection((hostname, port), timeout=None)
                for one in (near, far):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for source, sink in ((near, far), (far, near)):
                    held: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
                    begin(_take, source, held, seconds)
                    begin(_give, held, sink)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        begin(serve, listener)
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(5)


def _take(source: socket.socket, held: queue.SimpleQueue[tuple[float, bytes]], seconds: float) -> None:
    data = b"-"
    while data:
        try:
            data = source.recv(1 << 16)
        except OSError:
            data = b""
        held.put((time.monotonic() + seconds, data))


def _give(held: queue.SimpleQueue[tuple[float, bytes]], sink: socket.socket) -> None:
    """The end of one direction ends both: ssh knows no half-closed connections."""
    with sink, contextlib.suppress(OSError):
        while True:
            due, data = held.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not data:
                sink.shutdown(socket.SHUT_RDWR)
                return
            sink.sendall(data)
