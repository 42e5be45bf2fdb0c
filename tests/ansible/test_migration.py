"""What docs/migration.md tells is so: commands are there with their options, and each line of code makes operations."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from hive_nornir.cli.main import cli
from hive_nornir.operations import accounts, commands, compose, files, packages, services, system
from hive_nornir.operations.core import Operation
from hive_nornir.plays.container_roles import BUILTIN

DOCUMENT = Path(__file__).parents[2] / "docs" / "migration.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
BLOCKS = "\n".join(re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL))
COMMANDS = re.findall(r"^\s*(hive-nornir .*)$", BLOCKS, re.MULTILINE) + re.findall(r"`(hive-nornir [^`]*)`", TEXT)
CODE = re.findall(r"^\| [^|]*`?[^|]*\| `([a-z]+\.[a-z_]+\(.*\))` \|$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("line", dict.fromkeys(COMMANDS))
def test_a_command_is_there_with_its_options(line):
    words = shlex.split(line)[1:]
    context = click.Context(cli)
    command, rest = cli, words
    while isinstance(command, click.Group):
        parsed = command.make_parser(context)
        parsed.allow_interspersed_args = False
        _, rest, _ = parsed.parse_args(rest)
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None, line
        command, context = found, click.Context(found, info_name=name, parent=context)
    _, left, _ = command.make_parser(context).parse_args(list(rest))
    assert left == [], line


def test_there_are_commands_and_code():
    assert len(COMMANDS) > 20
    assert len(CODE) == TEXT.partition("| Ansible | Operation |")[2].count("\n| ")


@pytest.mark.parametrize("code", CODE)
def test_a_line_of_code_makes_operations(code, tmp_path):
    (tmp_path / "logo").write_bytes(b"logo")
    names = {
        **{module.__name__.rpartition(".")[2]: module for module in (accounts, commands, compose, files, packages, services, system)},
        "host": SimpleNamespace(facts=SimpleNamespace(package_manager="apt")),
        "rendered": lambda _host, source: source.name,
        "Path": Path,
        "__file__": str(tmp_path / "role.py"),
    }
    made = eval(code, names)
    assert all(isinstance(each, Operation) for each in (made if isinstance(made, list) else [made]))
    assert made


def test_the_builtin_roles_are_named():
    listed = TEXT.partition("are built in, by the same names: ")[2].partition(".\n")[0]
    assert set(re.findall(r"`([a-z-]+)`", listed)) == set(BUILTIN)


def test_links_lead_somewhere():
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)}
    for file, anchor in re.findall(r"\]\(([\w.]*)#?([\w-]*)\)", TEXT):
        assert not file or (DOCUMENT.parent / file).is_file()
        assert not anchor or anchor in anchors
