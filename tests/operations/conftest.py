from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest

from hive_nornir.connections.transport import Transport
from hive_nornir.operations.core import Operation, Outcome
from hive_nornir.operations.engine import Engine
from tests.support.local import LocalShell, LocalTransport

# Owner and group of what the tests make, so that they need not be root.
ME = {"owner": pwd.getpwuid(os.getuid()).pw_name, "group": str(os.getgid())}

Run = Callable[..., list[Outcome]]


@pytest.fixture
def local(tmp_path: Path) -> LocalTransport:
    """This machine as a host, whose own files are not in `host`."""
    (tmp_path / "state").mkdir()
    return LocalTransport(tmp_path / "state")


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """The folder that stands for the host's root folder."""
    folder = tmp_path / "host"
    folder.mkdir()
    return folder


@pytest.fixture
def run(local: LocalTransport) -> Run:
    """Brings this machine to the state that operations describe, or plans it."""

    def run(*operations: Operation, check: bool = False, transport: Transport = local) -> list[Outcome]:
        return Engine(transport, "here", check=check).run(operations)

    return run


@pytest.fixture(scope="session")
def shells(tmp_path_factory: pytest.TempPathFactory) -> list[LocalShell]:
    return LocalShell.here(tmp_path_factory.mktemp("busybox"))


def statuses(outcomes: list[Outcome]) -> list[str]:
    """What became of each operation; of a failed one also why."""
    return [f"failed: {o.error} {o.stderr}".strip() if o.status == "failed" else o.status for o in outcomes]
