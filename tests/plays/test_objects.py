import pytest

from hive_nornir.errors import UsageError
from hive_nornir.plays.objects import chosen


def test_names_come_in_the_sites_order():
    assert chosen(["b", "a"], ["a", "b", "c"], "service", "private") == ("a", "b")
    assert chosen(None, ["a", "b"], "service", "private") == ("a", "b")


@pytest.mark.parametrize("limit", [["a", "wbe"], []])
def test_an_unknown_name_or_none_at_all_is_an_error_and_never_silence(limit):
    with pytest.raises(UsageError, match="stage private has no service"):
        chosen(limit, ["a", "web"], "service", "private")
