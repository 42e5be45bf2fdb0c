from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import call


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller's own settings must not reach the tests."""
    for name in ("HIVE_STAGE", "HIVE_ROOT_DIR", "HIVE_FIRST_HIVE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site as `init` writes it."""
    folder = tmp_path / "shop"
    assert call("init", str(folder)).exit_code == 0
    return folder
