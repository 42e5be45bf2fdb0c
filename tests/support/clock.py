"""Another time for whoever issues and judges certificates, so that one can be due."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from hive_nornir.inventory import ca
from hive_nornir.tasks.servers import certificate_validity


def days_from_now(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    """Let certificates be issued and judged as on another day, until `monkeypatch.undo()`."""
    then = datetime.now(timezone.utc) + timedelta(days=days)
    for module in (ca, certificate_validity):
        monkeypatch.setattr(module, "datetime", type("Then", (), {"now": staticmethod(lambda _zone: then)}))
