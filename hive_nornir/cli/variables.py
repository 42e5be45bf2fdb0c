"""`set`, `get`, `unset` and `variables`: the variables of the command (spec cli.md 3)."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from hive_nornir.cli.completion import completer
from hive_nornir.cli.session import HiveCommand, Session, pass_session
from hive_nornir.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hive_nornir.inventory.persistents import Setting
    from hive_nornir.site import Site

__all__ = ["get", "set_", "unset", "variables"]


def _names(site: Site) -> Iterable[str]:
    return [setting.name for setting in site.context.persistents.all()]


_NAME = click.argument("name", shell_complete=completer(_names))


def _shown(setting: Setting) -> str:
    """A value as `set` takes it, secrets masked."""
    if setting.secret or not isinstance(setting.value, (bool, dict)):
        return setting.shown
    return json.dumps(setting.value, sort_keys=True)


@click.command("set", cls=HiveCommand)
@_NAME
@click.argument("value", required=False)
@pass_session
def set_(session: Session, name: str, value: str | None) -> None:
    """Store a variable of the command.

    Without VALUE, or with -, the value is read from the terminal unseen or from standard input: the way for secrets, which on the
    command line can be seen by every user of this machine.
    """
    from hive_nornir.inventory.persistents import find_variable

    variable = find_variable(name)
    site = session.open()
    text = _ask(variable.name, variable.secret) if value in (None, "-") else value
    setting, scope = site.context.persistents.set(variable.name, text or "")
    click.echo(f"{setting.name} = {_shown(setting)} ({scope})")


def _ask(name: str, secret: bool) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(name, hide_input=secret, err=True))
    line = sys.stdin.readline().rstrip("\n")
    if not line:
        raise UsageError(f"no value for {name}", "give one as an argument or on standard input")
    return line


@click.command("get", cls=HiveCommand)
@_NAME
@pass_session
def get(session: Session, name: str) -> int:
    """Print a variable of the command.

    Secrets are masked. The exit code is 1 when the variable has no value.
    """
    setting = session.open().context.persistents.setting(name)
    if setting.value is None:
        click.echo(f"{setting.name} is not set", err=True)
        return 1
    click.echo(_shown(setting))
    return 0


@click.command("unset", cls=HiveCommand)
@_NAME
@pass_session
def unset(session: Session, name: str) -> int:
    """Forget a stored variable of the command.

    The stage's value goes first, then the global one. The exit code is 1 when nothing was stored.
    """
    persistents = session.open().context.persistents
    if not persistents.unset(name):
        click.echo(f"{name} is not stored", err=True)
        return 1
    setting = session.open().context.persistents.setting(name)  # anew: the stage itself may be another one now
    now = f"now {_shown(setting)} ({setting.origin})" if setting.value is not None else "now not set"
    click.echo(f"{setting.name}: {now}")
    return 0


@click.command("variables", cls=HiveCommand)
@pass_session
def variables(session: Session) -> None:
    """List the command's variables and where their values come from."""
    from hive_nornir.cli.render.table import Cell, show_table

    settings = session.open().context.persistents.all()
    rows = [(setting.name, _shown(setting), Cell(setting.origin, "quiet" if setting.origin == "default" else "")) for setting in settings]
    show_table(["variable", "value", "from"], rows)
