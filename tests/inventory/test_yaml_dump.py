"""YAML that we write reads back as the same."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hive_nornir.inventory.yaml_dump import dump_yaml

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@pytest.mark.parametrize("text", ["a\x85b", "\u2028", "a\u2029", "\x85"])
def test_unusual_line_breaks_survive(text):
    assert yaml.safe_load(dump_yaml({text: [text]})) == {text: [text]}


def test_other_alphabets_stay_readable():
    assert dump_yaml({"名前": "ü"}) == "名前: ü\n"


@given(st.recursive(texts | st.integers() | st.booleans() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(texts, inner)))
def test_any_value_comes_back(value):
    assert yaml.safe_load(dump_yaml(value)) == value
