"""Ansible's filters and tests, with Ansible's results."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_nornir.inventory.filters import FILTERS, TESTS


@pytest.mark.parametrize(
    ("name", "value", "arguments", "result"),
    [
        ("intersect", [3, 1, 2, 1], ([1, 3],), [3, 1]),
        ("union", [1, 2], ([2, 3],), [1, 2, 3]),
        ("difference", [1, 2, 3], ([2],), [1, 3]),
        ("symmetric_difference", [1, 2], ([2, 3],), [1, 3]),
        ("unique", [{"a": 1}, {"a": 1}, "B", "b"], (), [{"a": 1}, "B", "b"]),
        ("flatten", [1, [2, [3, [None, 4]]]], (), [1, 2, 3, 4]),
        ("flatten", [1, [2, [3]]], (1,), [1, 2, [3]]),
        ("dict2items", {"a": 1}, (), [{"key": "a", "value": 1}]),
        ("items2dict", [{"key": "a", "value": 1}], (), {"a": 1}),
        ("ternary", True, ("y", "n"), "y"),
        ("ternary", None, ("y", "n", "z"), "z"),
        ("zip", [1, 2], ("ab",), [[1, "a"], [2, "b"]]),
        ("bool", "Yes", (), True),
        ("bool", "off", (), False),
        ("bool", None, (), None),
        ("regex_replace", "foo-bar", ("^foo-(.*)$", r"\1!"), "bar!"),
        ("regex_search", "a1b22", (r"\d+",), "1"),
        ("regex_search", "a1b22", (r"x",), None),
        ("regex_search", "k=v", (r"(\w)=(?P<v>\w)", r"\1", r"\g<v>"), ["k", "v"]),
        ("regex_findall", "a1b22", (r"\d+",), ["1", "22"]),
        ("regex_escape", "a.b", (), r"a\.b"),
        ("basename", "/a/b/", (), ""),
        ("basename", "/a/b", (), "b"),
        ("dirname", "/a/b", (), "/a"),
        ("splitext", "a/b.tar.gz", (), ["a/b.tar", ".gz"]),
        ("b64encode", "ä", (), "w6Q="),
        ("b64decode", "w6Q=", (), "ä"),
        ("hash", "abc", (), "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("hash", "abc", ("md5",), "900150983cd24fb0d6963f7d28e17f72"),
        ("quote", "a 'b' $(c)", (), "'a '\"'\"'b'\"'\"' $(c)'"),
        ("to_json", {"a": [1, None]}, (), '{"a": [1, null]}'),
        ("to_nice_json", {"b": 1, "a": 2}, (), '{\n    "a": 2,\n    "b": 1\n}'),
        ("to_yaml", {"a": [1]}, (), "a: [1]\n"),
        ("to_nice_yaml", {"a": ["ü"]}, (), "a:\n- ü\n"),
        ("from_yaml_all", "a\n---\nb", (), ["a", "b"]),
    ],
)
def test_filters(name, value, arguments, result):
    assert FILTERS[name](value, *arguments) == result


def test_combine_replaces_or_merges():
    first, second = {"a": {"x": 1}, "b": 1}, {"a": {"y": 2}}
    assert FILTERS["combine"](first, second) == {"a": {"y": 2}, "b": 1}
    assert FILTERS["combine"](first, second, recursive=True) == {"a": {"x": 1, "y": 2}, "b": 1}
    assert FILTERS["combine"]([first, second]) == {"a": {"y": 2}, "b": 1}
    assert first == {"a": {"x": 1}, "b": 1}
    with pytest.raises(TypeError, match="takes maps"):
        FILTERS["combine"](first, "text")


def test_tests():
    assert TESTS["match"]("foobar", "foo")
    assert not TESTS["match"]("foobar", "bar")
    assert TESTS["search"]("foobar", "BAR", ignorecase=True)
    assert TESTS["contains"]([1, 2], 2)
    assert TESTS["subset"]([1], [1, 2])
    assert not TESTS["superset"]([1], [1, 2])
    assert TESTS["truthy"]("yes", convert_bool=True)
    assert TESTS["falsy"]("")


@given(st.lists(st.integers(0, 5)), st.lists(st.integers(0, 5)))
def test_set_filters_agree_with_sets(a, b):
    for name, expected in (
        ("intersect", set(a) & set(b)),
        ("union", set(a) | set(b)),
        ("difference", set(a) - set(b)),
        ("symmetric_difference", set(a) ^ set(b)),
    ):
        result = FILTERS[name](a, b)
        assert (set(result), len(result)) == (expected, len(expected)), name
