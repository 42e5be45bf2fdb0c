from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_nornir.inventory.yaml_source import load_yaml


def read(folder: Path, text: str | bytes):
    file = folder / "some.yml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_yaml(file)


def test_reads_yaml_1_1_as_hive_builder_does(tmp_path):
    source, problems = read(tmp_path, "a: yes\nb: 0o17\nc: 017\nd: 1_000\ne: ~\nf: 'on'\n")
    assert problems == []
    assert source.data == {"a": True, "b": "0o17", "c": 15, "d": 1000, "e": None, "f": "on"}


def test_knows_the_line_of_every_key_and_list_item(tmp_path):
    source, _ = read(tmp_path, "top:\n  list:\n  - one\n  - key: v\n    other: |\n      text\n")
    lines = {steps: source.line(steps) for steps in [("top",), ("top", "list"), ("top", "list", 0), ("top", "list", 1, "other")]}
    assert list(lines.values()) == [1, 2, 3, 5]


def test_a_place_that_is_not_there_has_the_line_of_its_nearest_parent(tmp_path):
    source, _ = read(tmp_path, "a: 1\nb:\n  c: 2\n")
    assert source.line(("b", "lacking", 3)) == 2
    assert source.line(("nowhere",)) == 1


def test_anchors_and_merges_work_and_keep_the_lines_of_where_things_are_written(tmp_path):
    source, problems = read(tmp_path, "x: &x\n  k: 1\n  l: 1\ny: &y {m: 2, k: 2}\nz:\n  <<: [*x, *y]\n  l: 3\n")
    assert problems == []
    assert source.data["z"] == {"k": 1, "l": 3, "m": 2}
    assert [source.line(("z", key)) for key in ("k", "l", "m")] == [2, 7, 4]


def test_a_number_as_it_was_written(tmp_path):
    source, _ = read(tmp_path, "ports:\n- 53:53\n")
    assert (source.data["ports"], source.written(("ports", 0))) == ([3233], "53:53")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "given twice"),
        ("a: 1\nb: [1,\n", 3, "YAML syntax"),
        ("a:\n\t- 1\n", 2, "YAML syntax"),
        ("a: 1\nb: {{ x }}\n", 2, "must be plain text"),
        ("a: 1\nb: !vault x\n", 2, "unknown tag !vault"),
        ("a: 1\nb: 2020-13-45\n", 2, "not a valid timestamp"),
        ("a: 1\nb:\n  <<: 5\n", 3, "takes a map"),
        ("a: &a\n- *a\n", 1, "holds itself"),
        ("a: 1\n---\nb: 2\n", 2, "YAML syntax"),
        (b"a: 1\nb: \xff\n", 2, "not UTF-8"),
        ("a: 1\nb: \x01\n", 2, "forbids"),
    ],
)
def test_says_what_is_wrong_and_where(tmp_path, text, line, words):
    _, problems = read(tmp_path, text)
    assert [(p.file, p.line) for p in problems] == [(tmp_path / "some.yml", line)]
    assert words in problems[0].message


def test_finds_every_duplicate_key_at_once(tmp_path):
    _, problems = read(tmp_path, "a: {x: 1, x: 2}\nb: {y: 1, y: 2}\na: 3\n")
    assert sorted(p.line for p in problems) == [1, 2, 3]


def test_a_merged_key_may_be_overridden(tmp_path):
    assert read(tmp_path, "a: &a {k: 1}\nb:\n  k: 2\n  <<: *a\n")[0].data["b"] == {"k": 2}


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path):
    _, problems = load_yaml(tmp_path / "absent.yml")
    assert "cannot be read" in problems[0].message


@pytest.mark.parametrize(
    ("text", "hint"), [("!vault |\n  $ANSIBLE_VAULT", "lookup('file'"), ("!unsafe '{{ x }}'", "{% raw %}"), ("!x 1", "plain")]
)
def test_the_way_out_of_ansibles_tags(tmp_path, text, hint):
    [problem] = read(tmp_path, f"a: {text}\n")[1]
    assert "unknown tag" in problem.message
    assert hint in problem.hint


def test_a_tab_is_told_as_such(tmp_path):
    [problem] = read(tmp_path, "a: 1\n\tb: 2\n")[1]
    assert (problem.line, problem.hint) == (2, "indent with spaces, never with tabs")


def test_deep_nesting_is_a_problem(tmp_path):
    _, problems = read(tmp_path, "[" * 20000 + "]" * 20000)
    assert "nest" in problems[0].message  # ours, or since 6.0.4 PyYAML's own words


@given(st.text(alphabet="ab{}[]&*!?:-,#|>'\"%@` \t\n<=~.0129_x\x07é", max_size=40))
def test_any_text_gives_a_source_or_problems_and_never_another_error(tmp_path_factory, text):
    source, problems = read(tmp_path_factory.mktemp("yaml"), text)
    assert source.data is None or source.line(()) > 0
    assert all(problem.message for problem in problems)


@given(st.recursive(st.integers() | st.text("abc", max_size=3), lambda s: st.lists(s, max_size=3) | st.dictionaries(st.text("abc"), s)))
def test_data_survives(tmp_path_factory, data):
    import yaml

    source, problems = read(tmp_path_factory.mktemp("yaml"), yaml.safe_dump(data))
    assert (source.data, problems) == (data, [])
