"""The commands, in click's own words."""

from __future__ import annotations

from collections.abc import Iterator

import click

from hive_nornir.cli.commands import COMMANDS
from hive_nornir.cli.main import cli
from scripts.reference.markdown import link, prose, table

__all__ = ["commands"]

_WIDTH = 110
_INTRODUCTION = """# Commands

What `--help` says of each command. `hive-nornir` is the command of the package; `hive-nornir completion SHELL` makes shells complete it.
"""


def commands() -> str:
    """The document commands.md."""
    root = _context("hive-nornir", cli, None)
    sections = [_INTRODUCTION]
    listed = [
        (section, entry) for section in dict.fromkeys(each.section for each in COMMANDS) for entry in COMMANDS if entry.section == section
    ]
    sections.append(
        table(["Command", "Section", "What it does"], [(link(e.name, f"hive-nornir {e.name}"), s, prose(e.summary)) for s, e in listed])
    )
    sections.append(_help("hive-nornir", root))
    for _, entry in listed:
        command = cli.get_command(root, entry.name)
        if command:
            sections += _helps(entry.name, command, root)
    return "\n".join(sections)


def _helps(name: str, command: click.Command, parent: click.Context) -> Iterator[str]:
    """The help of a command, and of those below it."""
    context = _context(name, command, parent)
    yield _help(context.command_path, context)
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found and not found.hidden:
                yield from _helps(below, found, context)


def _context(name: str, command: click.Command, parent: click.Context | None) -> click.Context:
    """With a width of its own, so that the terminal's does not count."""
    settings = {**command.context_settings, "terminal_width": _WIDTH, "max_content_width": _WIDTH}
    return click.Context(command, info_name=name, parent=parent, **settings)


def _help(path: str, context: click.Context) -> str:
    lines = (line.rstrip() for line in context.command.get_help(context).splitlines())
    return f"## {path}\n\n```text\n" + "\n".join(lines) + "\n```\n"
