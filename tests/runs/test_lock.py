"""One run a stage at a time; the second is told who holds it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hive_nornir.errors import HiveError
from hive_nornir.inventory.context import SiteContext
from hive_nornir.runs.lock import stage_lock


def test_the_second_run_names_the_first(tmp_path: Path):
    context = SiteContext.resolve(tmp_path, "private", {})
    with (
        stage_lock(context, "setup-hosts"),
        pytest.raises(HiveError, match=f"setup-hosts by .* process {os.getpid()}"),
        stage_lock(context, "all"),
    ):
        pass


def test_stages_do_not_wait_for_each_other(tmp_path: Path):
    private, staging = (SiteContext.resolve(tmp_path, stage, {}) for stage in ("private", "staging"))
    with stage_lock(private, "setup-hosts"), stage_lock(staging, "setup-hosts"):
        pass


def test_the_lock_is_free_again_afterwards(tmp_path: Path):
    context = SiteContext.resolve(tmp_path, "private", {})
    for _ in range(2):
        with stage_lock(context, "setup-hosts"):
            pass
