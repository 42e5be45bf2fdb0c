from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import call


def test_a_variable_is_set_got_and_unset(site: Path) -> None:
    def on(*words: str) -> str:
        return call("-r", str(site), *words).stdout

    assert on("get", "first_hive") == "0\n"
    assert on("set", "first_hive", "1") == "first_hive = 1 (private)\n"
    assert on("get", "first-hive") == "1\n"
    assert on("-s", "staging", "get", "first_hive") == "0\n"
    assert on("unset", "first_hive") == "first_hive: now 0 (default)\n"
    assert on("get", "first_hive") == "0\n"


def test_set_says_the_scope(site: Path) -> None:
    assert call("-r", str(site), "set", "stage", "staging").stdout == "stage = staging (global)\n"
    assert call("-r", str(site), "list-hosts").stdout.startswith("s-hive0")


def test_unset_says_which_stage_holds_from_now_on(site: Path) -> None:
    call("-r", str(site), "set", "stage", "staging")
    assert call("-r", str(site), "unset", "stage").stdout == "stage: now private (default)\n"


def test_a_variable_without_a_value(site: Path) -> None:
    result = call("-r", str(site), "get", "http_proxy")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "http_proxy is not set\n")
    assert call("-r", str(site), "unset", "http_proxy").exit_code == 1


def test_secrets_are_masked_and_come_by_standard_input(site: Path) -> None:
    secret = "hunter2/+x"
    outputs = [
        call("-r", str(site), "set", "aws_secret_access_key", stdin=f"{secret}\n"),
        call("-r", str(site), "get", "aws_secret_access_key"),
        call("-r", str(site), "variables"),
    ]
    assert [result.exit_code for result in outputs] == [0, 0, 0]
    assert secret not in "".join(result.output for result in outputs)
    assert outputs[0].stdout == "aws_secret_access_key = ******** (private)\n"
    assert secret in (site / ".hive" / "secrets.yml").read_text()


def test_nothing_on_standard_input_is_no_value(site: Path) -> None:
    result = call("-r", str(site), "set", "http_proxy", "-", stdin="")
    assert result.exit_code == 2
    assert "no value for http_proxy" in result.stderr


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["set", "first_hive", "one"], "first_hive must be a whole number"),
        (["set", "tags", "base"], "variable 'tags' cannot be stored"),
        (["set", "stage", "prod"], "stage cannot be 'prod'"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(site: Path, words: list[str], error: str) -> None:
    result = call("-r", str(site), *words)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {error}")
    assert not (site / ".hive").exists()


def test_variables_are_listed_with_their_origin(site: Path) -> None:
    call("-r", str(site), "set", "first_hive", "1")
    call("-r", str(site), "set", "published_port_map", '{"web80": 61001}')
    rows = {line.split()[0]: line.split()[1:] for line in call("-r", str(site), "-s", "private", "variables").stdout.splitlines()}
    assert rows["variable"] == ["value", "from"]
    assert rows["stage"] == ["private", "flag"]
    assert rows["first_hive"] == ["1", "stage"]
    assert rows["pipelining"] == ["true", "default"]
    assert rows["published_port_map"] == ['{"web80":', "61001}", "stage"]
