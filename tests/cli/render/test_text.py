from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_nornir.cli.render.table import Cell, show_table
from hive_nornir.cli.render.text import clean, seconds


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_cleaned_text_can_be_printed_anywhere_and_steers_nothing(text: str) -> None:
    shown = clean(text)
    shown.encode()
    assert not [character for character in shown if (ord(character) < 32 and character not in "\t\n") or 127 <= ord(character) < 160]


@given(st.text(alphabet=st.characters(exclude_categories=("C",))))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(("value", "words"), [(0, "0.0 s"), (9.94, "9.9 s"), (10, "10 s"), (59.6, "1 min 00 s"), (3725, "62 min 05 s")])
def test_times_read_well(value: float, words: str) -> None:
    assert seconds(value) == words


def test_a_table_in_a_pipe_is_columns_of_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(["name", "state"], [["a", Cell("missing", "bad")], ["longer", "present"]])
    assert capsys.readouterr().out == "name    state\na       missing\nlonger  present\n"
