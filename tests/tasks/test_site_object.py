"""What the objects of a run share, and what is left of it when it was interrupted."""

from __future__ import annotations

import threading
from types import SimpleNamespace

from nornir.core.inventory import Host

from hive_nornir.tasks.site_object import close_all


def test_after_an_interrupted_run_no_closed_connection_is_left_for_the_next():
    closed = threading.Event()
    host = Host(name="a")
    host.connections["docker"] = SimpleNamespace(close=closed.set)  # type: ignore[assignment]
    close_all([host])
    assert closed.wait(5)
    assert not host.connections
