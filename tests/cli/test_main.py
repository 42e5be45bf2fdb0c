"""What every command shares: help, global options, errors, exit codes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from hive_nornir import __version__
from hive_nornir.cli.commands import COMMANDS
from hive_nornir.cli.main import cli
from tests.cli.support import call, environment, run


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_the_list_of_commands_says_what_the_commands_say(entry: object) -> None:
    name, summary = entry.name, entry.summary  # type: ignore[attr-defined]
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name
    assert (command.help or "").splitlines()[0] == summary


def test_help_names_every_command() -> None:
    result = call("--help")
    assert result.exit_code == 0
    assert [entry.name for entry in COMMANDS if f"  {entry.name} " not in result.stdout] == []


def test_without_a_command_it_shows_its_usage_and_fails() -> None:
    result = call()
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Usage: hive-nornir")


def test_version() -> None:
    assert call("--version").stdout == f"hive-nornir {__version__}\n"


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (["chek"], "there is no command 'chek'", "did you mean 'check'?"),
        (["run", "setup-host"], "there is no phase 'setup-host'", "did you mean 'setup-hosts'?"),
        (["get", "first_hve"], "unknown variable 'first_hve'", "did you mean 'first_hive'?"),
        (["--stage", "privat", "check"], "there is no stage 'privat'", "did you mean 'private'?"),
        (
            ["inventory", "--host", "p-hive0.shop.exampl"],
            "the inventory has no 'p-hive0.shop.exampl'",
            "did you mean 'p-hive0.shop.example'?",
        ),
        (["run", "setup-hosts", "-l", "p-hive9"], "stage private has no host 'p-hive9'", "did you mean 'p-hive3'?"),
        (["run", "build-infra", "-H", "-D"], "--destroy and --halt exclude each other", "destroy deletes the servers"),
        (["check", "--rot", "x"], "No such option '--rot'", "`hive-nornir check --help` shows"),
        (["run"], "Missing argument 'PHASE'", "`hive-nornir run --help` shows"),
        (["new"], "Missing command: role", "`hive-nornir new --help` shows"),
        (["inventory", "--list", "--graph"], "--list, --host and --graph exclude each other", ""),
    ],
)
def test_a_wrong_word_is_one_line_with_the_way_out(site: Path, words: list[str], error: str, hint: str) -> None:
    result = call("-r", str(site), *words)
    lines = result.stderr.splitlines()
    assert result.exit_code == 2
    assert result.stdout == ""
    assert lines[0].startswith(f"error: {error}")
    assert not hint or lines[1].startswith(f"hint: {hint}")


@pytest.mark.parametrize("option", ["-r", "--root", "--root-dir", "--root_dir"])
@pytest.mark.parametrize("after", [False, True])
def test_global_options_stand_before_or_after_the_command(site: Path, option: str, after: bool) -> None:
    words = ["list-hosts", option, str(site), "-s", "staging"] if after else [option, str(site), "-s", "staging", "list-hosts"]
    assert call(*words).stdout.startswith("s-hive0.shop.example s-hive1")


@pytest.mark.parametrize("option", ["-i", "--inventory-path", "--inventory_path"])
@pytest.mark.parametrize("after", [False, True])
def test_the_definitions_may_lie_elsewhere(site: Path, option: str, after: bool) -> None:
    (site / "inventory").rename(site / "elsewhere")
    given = [option, str(site / "elsewhere")]
    words = ["-r", str(site), "list-hosts", *given] if after else ["-r", str(site), *given, "list-hosts"]
    assert call(*words).stdout.startswith("p-hive0.shop.example ")
    assert "no file with plugin: hive_inventory" in call("-r", str(site), "list-hosts").stderr


def test_the_later_of_two_options_wins(site: Path) -> None:
    assert call("-r", str(site), "-s", "staging", "list-hosts", "-s", "production").stdout.startswith("hive0.shop.example ")


def test_commands_take_underscores_for_hyphens(site: Path) -> None:
    assert call("-r", str(site), "list_hosts").exit_code == 0


def test_the_environment_names_site_and_stage(site: Path) -> None:
    done = run("list-hosts", HIVE_ROOT_DIR=str(site), HIVE_STAGE="staging")
    assert (done.returncode, done.stdout.split()[0]) == (0, "s-hive0.shop.example")


def test_all_problems_of_the_definitions_are_told_at_once(site: Path) -> None:
    (site / "inventory" / "services.yml").write_text("plugin: hive_services\nservices:\n  web:\n    imag: x\n  db:\n    ports: [99999]\n")
    result = call("-r", str(site), "check")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: the definitions have ")
    listed = [line for line in result.stderr.splitlines() if line.startswith("  ")]
    assert listed == sorted(listed)
    assert any("services.yml:4: " in line for line in listed)
    assert any("services.yml:6: " in line for line in listed)


def test_verbose_shows_where_an_error_comes_from(site: Path) -> None:
    assert "Traceback" not in call("-r", str(site), "run", "x").stderr
    assert "Traceback" in call("-v", "-r", str(site), "run", "x").stderr


CRASH = "import hive_nornir.site as s\ndef crash(self, *a, **k): raise ValueError('two\\nlines')\ns.Site.run = crash"


def test_an_unexpected_error_is_a_short_message_and_a_log_among_the_runs(site: Path) -> None:
    (site / ".hive" / "private").mkdir(parents=True)
    done = run("-r", str(site), "run", "setup-hosts", before=CRASH)
    [log] = (site / ".hive" / "private" / "runs").iterdir()
    assert (done.returncode, done.stdout) == (70, "")
    assert done.stderr.splitlines()[0] == "error: something unexpected happened: ValueError: two"
    assert str(log) in done.stderr
    assert "Traceback" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_without_a_stage_yet_the_log_is_a_temporary_file(site: Path, tmp_path: Path) -> None:
    done = run("-r", str(site), "run", "setup-hosts", before=CRASH, TMPDIR=str(tmp_path))
    [log] = tmp_path.glob("error-*.log")
    assert done.returncode == 70
    assert str(log) in done.stderr
    assert not (site / ".hive").exists()


def test_help_is_quick() -> None:
    """At most 8 times the start of a bare interpreter (issue 2, measures); both measured here, the best of several."""

    def best(*words: str) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, *words], env=environment(), stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - started

    pairs = [(best("-c", "pass"), best("-m", "hive_nornir", "--help")) for _ in range(7)]
    bare, with_help = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    assert with_help <= 8 * bare


def test_help_imports_no_heavy_library() -> None:
    heavy = ("rich", "pydantic", "nornir", "yaml", "jinja2", "paramiko")
    code = f"import sys, hive_nornir.cli.main; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
