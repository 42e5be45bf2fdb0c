"""Arguments of the commands for services."""

import os

import pytest

from hive_onhost import dexec
from hive_onhost.failure import ENGINE, Failure
from hive_onhost.options import Options, UsageProblem, parse, run


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["web", "ls", "-l"], Options(arguments=("web", "ls", "-l"))),
        (["-2", "web"], Options(2, arguments=("web",))),
        (["-N", "5", "web", "-N", "1"], Options(5, arguments=("web", "-N", "1"))),
        (["--replica=12", "--node", "p-hive1", "-n", "web"], Options(12, "p-hive1", frozenset("n"), ("web",))),
        (["--no-tty", "web", "--", "x"], Options(switches=frozenset(["no-tty"]), arguments=("web", "--", "x"))),
    ],
)
def test_options_end_at_the_service(arguments, wanted):
    assert parse(arguments, "nT", ("no-tty", "json")) == wanted


@pytest.mark.parametrize("arguments", [["-x", "web"], ["-N", "0", "web"], ["-N", "x", "web"], ["-N"], ["-h"], ["--help"]])
def test_what_is_not_understood_is_told_with_the_usage(arguments):
    with pytest.raises(UsageProblem):
        parse(arguments, "nT")


def test_a_failure_is_one_line_and_its_exit_code(capsys):
    def fail(_arguments):
        raise Failure("no engine", ENGINE)

    assert run(fail, [], dexec.USAGE) == 125
    assert capsys.readouterr().err == "dexec: no engine\n"


@pytest.mark.parametrize(("arguments", "said"), [([], "a service"), (["-h"], "usage: dexec"), (["-x"], "-x"), (["--node"], "node")])
def test_bad_arguments_of_dexec_print_the_usage_and_exit_with_1(arguments, said, capsys):
    assert dexec.main(arguments) == 1
    error = capsys.readouterr().err
    assert said in error
    assert "usage: dexec" in error


def test_neither_a_proxy_nor_foreign_authorities_count_for_the_sites_engines(monkeypatch):
    foreign = ("HTTPS_PROXY", "http_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    for name in foreign:
        monkeypatch.setenv(name, "x")
    assert run(lambda _arguments: len(set(foreign) & set(os.environ)), [], dexec.USAGE) == 0
