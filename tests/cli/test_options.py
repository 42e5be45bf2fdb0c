"""hive-builder's options keep their meaning (spec cli.md 2): short and long, with hyphens and underscores, before and after the command."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from hive_nornir.cli import run as run_module
from hive_nornir.cli.commands import COMMANDS
from hive_nornir.cli.main import cli
from tests.cli.support import call

GLOBAL = [
    ("root_dir", "-r", ["--root_dir", "--root-dir"]),
    ("stage", "-s", ["--stage"]),
    ("inventory_path", "-i", ["--inventory_path", "--inventory-path"]),
    ("context_dir", "-c", ["--context_dir", "--context-dir"]),
    ("temp_dir", "-W", ["--temp_dir", "--temp-dir"]),
    ("playbooks_dir", "-P", ["--playbooks_dir", "--playbooks-dir"]),
]
# Of scp alone, whose own options have some of the letters.
WITHOUT_GLOBAL = {"scp"}
TWO = ["p-hive0", "p-hive1"]


@pytest.mark.parametrize(("variable", "option"), [(name, option) for name, short, longs in GLOBAL for option in (short, *longs)])
@pytest.mark.parametrize("after", [False, True])
def test_global_options_with_a_value(site: Path, tmp_path: Path, variable: str, option: str, after: bool) -> None:
    (tmp_path / "there").mkdir()
    value = {"root_dir": str(site), "stage": "staging"}.get(variable, str(tmp_path / "there"))
    root = [] if variable == "root_dir" else ["-r", str(site)]
    words = [*root, "get", variable, option, value] if after else [*root, option, value, "get", variable]
    result = call(*words)
    assert (result.exit_code, result.stdout) == (0, f"{value}\n"), result.stderr


@pytest.mark.parametrize(("option", "value"), [("-v", "true"), ("--verbose", "true"), ("--no-verbose", "false"), ("--no_verbose", "false")])
@pytest.mark.parametrize("after", [False, True])
def test_verbose_can_be_switched_on_and_off(site: Path, option: str, value: str, after: bool) -> None:
    call("-r", str(site), "set", "verbose", "no" if value == "true" else "yes")
    assert call("-r", str(site), *(["get", "verbose", option] if after else [option, "get", "verbose"])).stdout == f"{value}\n"


def test_every_command_takes_the_global_options() -> None:
    for entry in COMMANDS:
        command = cli.get_command(click.Context(cli), entry.name)
        assert command is not None
        for each in [command, *getattr(command, "commands", {}).values()]:
            taken = {option for param in each.params for option in param.opts}
            assert {short for _, short, _ in GLOBAL} | {"-v"} <= taken or each.name in WITHOUT_GLOBAL, each.name


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["build-infra", "-H"], {"halt": True}),
        (["build-infra", "--halt"], {"halt": True}),
        (["build-infra", "-D", "--yes"], {"destroy": True, "yes": True}),
        (["build-infra", "--destroy", "-C"], {"destroy": True, "check": True}),
        (["build_infra", "--check_mode"], {"check": True}),
        (["setup-hosts", "-C", "-l", "p-hive0,p-hive1", "-T", "base,docker"], {"check": True, "limit": TWO, "roles": ["base", "docker"]}),
        (["setup_hosts", "--limit_target", "p-hive0", "--limit-target", "p-hive1"], {"limit": TWO}),
        (["setup-hosts", "--tags", "base", "--check-mode"], {"check": True, "roles": ["base"]}),
        (["-v", "setup-hosts", "-CT", "base"], {"check": True, "roles": ["base"]}),
    ],
)
def test_options_of_the_phases(site: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], asked: dict[str, object]) -> None:
    seen: list[tuple[str, object]] = []
    monkeypatch.setattr(run_module, "_run", lambda session, phase, request: seen.append((phase, request)) or 0)
    result = call("-r", str(site), *words)
    assert result.exit_code == 0, result.stderr
    phase = next(word for word in words if not word.startswith("-")).replace("_", "-")
    assert seen == [(phase, run_module._Request(**asked))]
