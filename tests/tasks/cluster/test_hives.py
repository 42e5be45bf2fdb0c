"""The order of the hosts of a run."""

import threading
import time
from types import SimpleNamespace

import pytest

from hive_nornir.errors import DeadlineExceeded, HiveError
from hive_nornir.tasks.cluster import hives as module
from hive_nornir.tasks.cluster.hives import Order


def host(*members, failed=()):
    nornir = SimpleNamespace(inventory=SimpleNamespace(hosts=members), data=SimpleNamespace(failed_hosts=set(failed)))
    return SimpleNamespace(name="second", task=SimpleNamespace(nornir=nornir), options=SimpleNamespace(stop=threading.Event()))


def side_by_side(*functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)


def test_others_join_when_the_first_has_founded_and_one_at_a_time():
    order, done, inside = Order(), [], []

    def found():
        with order.founding():
            time.sleep(0.05)
            done.append("founded")

    def join():
        with order.joining(host("first", "second"), "first"):
            inside.append(1)
            assert len(inside) == 1
            time.sleep(0.02)
            done.append("joined")
            inside.pop()

    side_by_side(join, join, found)
    assert done == ["founded", "joined", "joined"]


def test_a_first_hive_that_fails_lets_the_others_go_on():
    order = Order()
    with pytest.raises(ZeroDivisionError), order.founding():
        raise ZeroDivisionError
    with order.joining(host("first", "second"), "first"):
        pass


@pytest.mark.parametrize("members", [host("second"), host("first", "second", failed=["first"])])
def test_a_first_hive_that_takes_no_part_is_not_waited_for(members):
    with Order().joining(members, "first"):
        pass


def test_a_turn_is_given_back_by_a_host_that_fails():
    order = Order()
    with pytest.raises(ZeroDivisionError), order.joining(host(), "first"):
        raise ZeroDivisionError
    with order.joining(host(), "first"):
        pass


def test_nobody_waits_for_ever(monkeypatch):
    monkeypatch.setattr(module, "FOUNDING_SECONDS", 0.1)
    with pytest.raises(DeadlineExceeded, match="waited 0 s until first founds the swarm"), Order().joining(host("first"), "first"):
        pass


def test_an_interrupted_run_ends_the_waiting():
    waiting = host("first")
    waiting.options.stop.set()
    with pytest.raises(HiveError, match="interrupted"), Order().joining(waiting, "first"):
        pass
