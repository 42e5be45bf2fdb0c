import threading

import pytest

from hive_nornir.errors import HostKeyChanged, ProviderError
from hive_nornir.inventory.providers.parallel import in_parallel


def fail_on(**errors):
    def function(name):
        if name in errors:
            raise errors[name]
        return name.upper()

    return function


def test_results_keep_the_order_and_calls_run_at_the_same_time():
    barrier = threading.Barrier(3, timeout=10)

    def function(name):
        barrier.wait()
        return name.upper()

    assert in_parallel(function, ["a", "b", "c"]) == ["A", "B", "C"]
    assert in_parallel(function, []) == []


def test_one_failure_keeps_its_kind():
    with pytest.raises(HostKeyChanged, match="b changed"):
        in_parallel(fail_on(b=HostKeyChanged("b changed")), ["a", "b"])


def test_several_failures_are_told_together():
    with pytest.raises(ProviderError, match=r"^a broke; c broke$"):
        in_parallel(fail_on(a=ProviderError("a broke"), c=ProviderError("c broke")), ["a", "b", "c"])


def test_a_bug_is_not_hidden_by_the_errors_beside_it():
    with pytest.raises(ZeroDivisionError):
        in_parallel(fail_on(a=ProviderError("a broke"), b=ZeroDivisionError()), ["a", "b"])


def test_the_others_end_before_the_failure_is_raised():
    ended = threading.Event()
    failed = threading.Event()

    def function(name):
        if name == "bad":
            failed.set()
            raise ProviderError("bad")
        failed.wait(10)
        ended.set()

    with pytest.raises(ProviderError):
        in_parallel(function, ["bad", "slow"])
    assert ended.is_set()
