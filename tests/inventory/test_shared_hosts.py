"""The shared repository's lists of servers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from hive_nornir.errors import HiveError
from hive_nornir.inventory.shared_hosts import SharedHosts


def test_a_server_is_noted_once(tmp_path: Path):
    shared = SharedHosts(tmp_path / "shared")
    assert "+p-hive0.a: " not in shared.record("a", "p-hive0.a", "10.0.0.4", is_hive=True, write=False)
    assert not shared.folder.exists()
    assert shared.record("a", "p-hive0.a", "10.0.0.4", is_hive=True, write=True)
    assert shared.record("a", "p-hive0.a", "10.0.0.4", is_hive=True, write=True) == ""
    assert "10.0.0.4 p-hive0.a\n" in (shared.folder / "hosts").read_text()
    assert shared.record("a", "p-hive0.a", "10.0.0.9", is_hive=True, write=True)
    assert "10.0.0.4" not in (shared.folder / "hosts").read_text()


def test_what_is_no_hive_is_the_container_itself(tmp_path: Path):
    SharedHosts(tmp_path).record("a", "p-hive3.a", "10.0.0.7", is_hive=False, write=True)
    assert "127.0.0.1 p-hive3.a\n" in (tmp_path / "hosts").read_text()
    assert yaml.safe_load((tmp_path / "hosts.yml").read_text()) == {"a": {"p-hive3.a": "10.0.0.7"}}


def test_many_servers_of_several_hives_at_once(tmp_path: Path):
    def note(number: int) -> None:
        hive = f"h{number % 3}"
        SharedHosts(tmp_path).record(hive, f"p-hive{number}.{hive}", f"10.0.0.{number}", is_hive=True, write=True)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(note, range(24)))
    known = yaml.safe_load((tmp_path / "hosts.yml").read_text())
    assert sum(len(servers) for servers in known.values()) == 24
    assert (tmp_path / "hosts").read_text().count("BEGIN") == 24


@pytest.mark.parametrize("text", ["a: [1]\n", "{", "- x\n"])
def test_a_damaged_file_is_not_overwritten(tmp_path: Path, text: str):
    (tmp_path / "hosts.yml").write_text(text)
    with pytest.raises(HiveError, match=r"hosts\.yml"):
        SharedHosts(tmp_path).record("a", "p-hive0.a", "10.0.0.4", is_hive=True, write=True)
    assert (tmp_path / "hosts.yml").read_text() == text
