"""What hosts said, kept as data."""

from __future__ import annotations

from pathlib import Path

from hive_nornir.operations.facts import Facts

FOLDER = Path(__file__).parent.parent / "data"


def recording(name: str) -> str:
    """A file of tests/data."""
    return (FOLDER / name).read_text("utf-8")


def facts_like(distribution: str, version: str, *, like: str = "") -> Facts:
    """Facts of a host of which only the distribution matters."""
    release = f"ID={distribution}\nVERSION_ID={version}\nID_LIKE={like}"
    return Facts.parse("@@files\n" + "\n".join(f"/etc/os-release:{line}" for line in release.splitlines()))
