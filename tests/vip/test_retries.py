"""What failed is tried again, later each time."""

from __future__ import annotations

import dataclasses
from math import inf

from hive_vip.retries import Retries
from tests.vip.fakes import vip


def test_each_failure_takes_twice_as_long_up_to_five_minutes():
    now = [0.0]
    retries = Retries(lambda: now[0])
    web = vip("10.0.0.9", router="10.0.0.1")
    assert (retries.held(), retries.next()) == ({}, inf)
    waits = []
    for _ in range(7):
        retries.failed(web, "no answer")
        waits.append(retries.next())
        assert retries.held() == {web: "no answer"}
        now[0] += waits[-1]
        assert (retries.held(), retries.next()) == ({}, inf)
    assert waits == [15, 30, 60, 120, 240, 300, 300]
    retries.succeeded(web)
    retries.failed(web, "again")
    assert retries.next() == 15


def test_a_changed_label_and_a_task_that_comes_back_are_tried_at_once():
    retries = Retries(lambda: 0.0)
    web = vip("10.0.0.9", router="10.0.0.1")
    retries.failed(web, "no answer")
    assert dataclasses.replace(web, router=None) not in retries.held()
    retries.keep([])
    assert retries.held() == {}
