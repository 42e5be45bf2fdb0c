"""The log daemon's rules for services that are watched."""

from __future__ import annotations

import pytest

from hive_nornir.tasks.services.log_monitor import fragment


def rule(errors: list[str], ignored: list[str], *, standalone: bool = False) -> str:
    return fragment("t.example", "web", errors, ignored, standalone=standalone).splitlines()[1]


def test_a_service_is_known_by_its_tag_and_a_standalone_one_by_its_host_name() -> None:
    assert rule(["ERROR"], []) == "if $syslogfacility-text == \"local0\" and $programname == 'web' and (re_match($msg, 'ERROR')) then {"
    assert rule(["ERROR"], [], standalone=True) == "if $hostname == 'web' and (re_match($msg, 'ERROR')) then {"


def test_any_error_and_no_ignored_one() -> None:
    assert rule(["A", "B"], ["C", "D"]).partition("'web' and ")[2] == (
        "(re_match($msg, 'A') or re_match($msg, 'B')) and not re_match($msg, 'C') and not re_match($msg, 'D') then {"
    )


@pytest.mark.parametrize(("given", "written"), [("it's", r"it\'s"), (r"\[x\]", r"\\[x\\]"), ('"$1"', '"$1"'), ("a\nb", r"a\nb")])
def test_an_expression_cannot_leave_its_quotes(given: str, written: str) -> None:
    assert f"re_match($msg, '{written}')" in rule([given], [])
