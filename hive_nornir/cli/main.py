"""The command's entry: finds the subcommand, imports only that one, and turns every error into a message and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from hive_nornir import __version__
from hive_nornir.cli.commands import BY_NAME, COMMANDS
from hive_nornir.cli.session import Session, global_options

__all__ = ["cli"]


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Their names, in the order of the help."""
        return [entry.name for entry in COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import one; underscores stand for hyphens."""
        entry = BY_NAME.get(cmd_name.replace("_", "-"))
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments name.

        :raises UsageError: there is none; names the nearest.
        """
        if not ctx.resilient_parsing and self.get_command(ctx, args[0]) is None:
            from hive_nornir.errors import UsageError, nearest

            raise UsageError(f"there is no command {args[0]!r}", nearest(args[0], BY_NAME))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the help's list of commands without importing them."""
        for section in dict.fromkeys(entry.section for entry in COMMANDS):
            with formatter.section(section):
                formatter.write_dl([(entry.name, entry.summary) for entry in COMMANDS if entry.section == section])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names of commands without importing them."""
        items = [CompletionItem(entry.name, help=entry.summary) for entry in COMMANDS if entry.name.startswith(incomplete)]
        return items + click.Command.shell_complete(self, ctx, incomplete)

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command and end the process with its exit code."""
        from hive_nornir.cli.failures import guarded

        session = Session()
        run: Callable[..., Any] = super().main
        extra.pop("standalone_mode", None)
        sys.exit(guarded(lambda: run(*args, obj=session, standalone_mode=False, **extra), session))


@click.group(
    "hive-nornir",
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "token_normalize_func": lambda token: token.replace("_", "-"),
        "max_content_width": 120,
    },
    epilog="`hive-nornir COMMAND --help` tells more. The options above may also stand after the command.",
)
@click.version_option(__version__, message="hive-nornir %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Build and run a site of container hosts from one folder of YAML definitions."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(2)


cli.params[:0] = global_options()
