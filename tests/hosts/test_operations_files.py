"""Files on a real server, through the real shell over SSH."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hive_nornir.connections.shell import SshTransport
from hive_nornir.operations import files
from hive_nornir.operations.engine import Engine
from tests.operations.conftest import statuses


@pytest.fixture
def folder(debian_host: SshTransport) -> Iterator[str]:
    """A folder on the server that is gone after the test."""
    Engine(debian_host, "host").run([files.directory("/opt/test files")])
    yield "/opt/test files"
    Engine(debian_host, "host").run([files.absent("/opt/test files")])


def test_every_byte_and_nasty_names_reach_the_host(debian_host: SshTransport, folder: str) -> None:
    contents = {
        "all bytes": bytes(range(256)) * 40,
        "$(touch x) `touch x` 'it\"s' \n": bytes(range(1, 256)) * 40,
        "-rf": b"EOS\nE\n$seconds\n\\n\\0101%s" + b"\n" * 5,
        "large": b"0123456789abcdef\n" * 40_000,
    }
    operations = [files.content(f"{folder}/{name}", data, mode=0o600, owner="admin") for name, data in contents.items()]
    assert set(statuses(Engine(debian_host, "host").run(operations))) == {"changed"}
    assert set(statuses(Engine(debian_host, "host").run(operations))) == {"unchanged"}
    listed = debian_host.run(f"cd '{folder}'; stat -c '%a %U' -- * .[!.]* 2>/dev/null; ls -A | wc -l", deadline=10)
    assert listed.stdout.decode().splitlines() == ["600 admin"] * 4 + ["5"]  # one name has two lines


def test_ten_small_files_in_a_new_connection_stay_within_the_budget(debian_host: SshTransport, folder: str) -> None:
    operations = [files.content(f"{folder}/{n}.conf", f"# file {n}\nkey{n} = {n**7}\nother = value\n") for n in range(10)]
    fresh = SshTransport(debian_host.target)
    try:
        fresh.run(":", deadline=10)
        trips = fresh.traffic.round_trips
        assert statuses(Engine(fresh, "host").run(operations)) == ["changed"] * 10
        assert fresh.traffic.round_trips == trips + 2
        assert fresh.traffic.sent <= 8192
        assert statuses(Engine(fresh, "host").run(operations)) == ["unchanged"] * 10
        assert fresh.traffic.round_trips == trips + 3
    finally:
        fresh.close()
