"""What edits promise for any text: they end where they are applied twice, and leave the rest as it was."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from hive_nornir.operations._diffs import unified
from hive_nornir.operations._edits import with_block, with_excludes, with_line, without_matching

line = st.text(st.sampled_from("ab# =\t\x0c\u2028\udcff\r"), max_size=6).filter(lambda text: not text.endswith("\r"))
end = st.sampled_from(["\n", "\r\n"])
texts = st.builds(lambda pairs, last: "".join(text + end for text, end in pairs) + last, st.lists(st.tuples(line, end), max_size=6), line)
plain = line.filter(lambda text: "\r" not in text)


def bodies(text: str) -> list[str]:
    """The lines without their ends."""
    return [part.removesuffix("\r") for part in text.split("\n")]


@given(texts, st.lists(plain, min_size=1, max_size=3), st.sampled_from(["start", "end"]))
def test_a_block_is_put_once_and_taken_away_without_a_trace(text: str, lines: list[str], at: str) -> None:
    put = with_block(text, lines, marker="m", at=at)
    assert with_block(put, lines, marker="m", at=at) == put
    assert [*bodies(put)][bodies(put).index("# BEGIN hive-nornir m") + 1 :][: len(lines) + 1] == [*lines, "# END hive-nornir m"]
    assert with_block(put, [], marker="m") == text
    assert with_block(with_block(put, ["other"], marker="m"), lines, marker="m") == put


@given(texts, plain.filter(bool))
def test_a_line_is_added_once_and_the_rest_stays(text: str, new: str) -> None:
    put = with_line(text, new)
    assert with_line(put, new) == put
    assert new in bodies(put)
    assert put.startswith(text)
    assert put == text or put[len(text) :].strip("\r\n") == new


@given(texts, plain.filter(bool), st.sampled_from(["^a", "b$", "=", "^$"]))
def test_the_last_matching_line_is_replaced_and_no_other(text: str, new: str, match: str) -> None:
    put = with_line(text, new, match)
    assert with_line(put, new, match) == put
    before, after = bodies(text), bodies(put)
    matching = [at for at, body in enumerate(before) if re.search(match, body) and not (at == len(before) - 1 and body == "")]
    if matching and (new not in before or re.search(match, new)):
        before[matching[-1]] = new
        assert after == before
        assert re.findall("\r?\n", put) == re.findall("\r?\n", text)


@given(texts, st.sampled_from(["^a", "b$", "="]))
def test_lines_that_match_are_gone_and_the_others_stay(text: str, match: str) -> None:
    left = without_matching(text, match)
    assert without_matching(left, match) == left
    assert [body for body in bodies(left) if body] == [body for body in bodies(text) if body and not re.search(match, body)]


@given(texts, st.lists(st.sampled_from(["kernel*", "drbd*"]), min_size=1, unique=True))
def test_excludes_are_added_once(text: str, patterns: list[str]) -> None:
    put = with_excludes(text, patterns)
    assert with_excludes(put, patterns) == put
    assert with_excludes(f"[main]\nexclude=x\n{put}", []) == f"[main]\nexclude=x\n{put}"


def test_edits_keep_the_ends_of_lines_and_of_the_text() -> None:
    assert with_block("a\r\nb", ["x"], marker="m") == "a\r\nb\r\n# BEGIN hive-nornir m\r\nx\r\n# END hive-nornir m"
    assert with_line("a\nb", "c") == "a\nb\nc"
    assert with_line("a\r\nb\nc\n", "B", "^b") == "a\r\nB\nc\n"
    assert with_line("", "a") == "a\n"
    assert without_matching("a\nb", "b") == "a"


def test_a_second_block_of_the_same_marker_goes() -> None:
    block = "# BEGIN hive-nornir m\nx\n# END hive-nornir m\n"
    inherited = block.replace("hive-nornir", "ANSIBLE MANAGED BLOCK")
    assert with_block(f"a\n{inherited}b\n{block}c\n", ["x"], marker="m") == f"a\n{block}b\nc\n"


def test_a_block_of_another_marker_or_comment_stays() -> None:
    other = "# BEGIN hive-nornir m2\nx\n# END hive-nornir m2\n; BEGIN hive-nornir m\ny\n; END hive-nornir m\n"
    assert with_block(other, ["x"], marker="m").startswith(other)


def test_a_diff_names_what_cannot_be_seen() -> None:
    assert unified("/x", "a\n", "a") == "--- /x\n+++ /x\n@@ -1 +1 @@\n-a\n+a\n\\ no newline at the end"
    assert unified("/x", "", "a\x1b[31m\x7f\r\n\udcff\n").splitlines()[3:] == ["+a␛[31m␡␍", "+\ufffd"]
    assert unified("/x", "a\0", "b\n") == ""


def test_a_long_diff_is_cut() -> None:
    lines = unified("/x", "", "x\n" * 1000).splitlines()
    assert len(lines) == 201
    assert lines[-1] == "... 803 more lines"


def test_passwords_of_urls_are_not_in_diffs() -> None:
    shown = unified(
        "/etc/environment", "PIP_INDEX_URL=https://me:old@index.example/simple\n", "PIP_INDEX_URL=https://me:n:w@index.example/simple\n"
    )
    assert "old" not in shown
    assert "n:w" not in shown
    assert "+PIP_INDEX_URL=https://***@index.example/simple" in shown
    assert "+see git@host.example, http://host:80" in unified("/x", "", "see git@host.example, http://host:80\n")
