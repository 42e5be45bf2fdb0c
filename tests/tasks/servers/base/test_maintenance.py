"""P-44: what is not maintained is refused unless the site wants it, and said in any case."""

from __future__ import annotations

import pytest

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Observed
from hive_nornir.tasks.servers.base.maintenance import maintained
from hive_nornir.tasks.servers.base.variables import BaseVariables
from tests.tasks.servers.servers import server


def operations(context, distribution, **values):
    return maintained(server(context, distribution=distribution), BaseVariables(hive_private_ip="10.1.0.4", **values))


@pytest.mark.parametrize("distribution", [("centos", "7"), ("centos", "8"), ("amzn", "2")])
def test_what_nobody_maintains_is_refused_before_anything_else_with_the_way_out(tmp_path, distribution):
    [operation] = operations(tmp_path, distribution)
    with pytest.raises(OperationFailed, match="hive_allow_end_of_life"):
        operation.decide(Observed(""))


def test_a_site_that_wants_it_all_the_same_is_reminded(tmp_path):
    [operation] = operations(tmp_path, ("centos", "7"), hive_allow_end_of_life=True)
    assert operation.decide(Observed("")) is None
    assert operation.notice
    assert "2024-06" in operation.name


@pytest.mark.parametrize("distribution", [("debian", "12"), ("debian", "13"), ("almalinux", "8.10"), ("rhel", "9.4"), ("ubuntu", "24.04")])
def test_what_is_maintained_is_nothing_to_talk_about(tmp_path, distribution):
    assert operations(tmp_path, distribution) == []


def test_an_unknown_release_is_told_with_what_it_is_taken_for(tmp_path):
    [operation] = operations(tmp_path, ("debian", "14"))
    assert operation.notice
    assert "like the most similar one, D13" in operation.name
