"""Lists of what there is: roles, infrastructures, and the names of hosts, services and volumes."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from hive_nornir.cli.completion import completer
from hive_nornir.cli.session import HiveCommand, Session, pass_session
from hive_nornir.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hive_nornir.plays.catalogue import RoleInfo
    from hive_nornir.site import Site

__all__ = ["list_hosts", "list_services", "list_volumes", "providers", "roles"]


def _roles(site: Site) -> Iterable[str]:
    from hive_nornir.cli.names import quick_roles

    return quick_roles(site.context.root)


@click.command("roles", cls=HiveCommand)
@click.argument("names", nargs=-1, metavar="[ROLE]...", shell_complete=completer(_roles))
@click.option("--json", "as_json", is_flag=True, help="Print everything about them as JSON.")
@pass_session
def roles(session: Session, names: tuple[str, ...], as_json: bool) -> None:
    """List the roles: play, condition, variables.

    With names, tell everything about these roles.
    """
    from hive_nornir.plays.catalogue import role_catalogue

    catalogue = role_catalogue(session.open().context.root)
    known = dict.fromkeys(info.name for info in catalogue)  # reboot is in two plays
    for name in names:
        if name not in known:
            raise UsageError(f"there is no role {name!r}", nearest(name, known))
    chosen = [info for info in catalogue if not names or info.name in names]
    if as_json:
        click.echo(json.dumps([asdict(info) for info in chosen], indent=2, default=str))
        return
    for info in chosen:
        _role(info, whole=bool(names))


def _role(info: RoleInfo, *, whole: bool) -> None:
    from hive_nornir.cli.render.text import say

    say(info.name, "title", newline=False)
    say(f"  {info.play}, on {info.group}; {info.condition}", "quiet")
    for line in info.doc.splitlines() if whole else [info.summary]:
        say(f"    {line}".rstrip())
    if whole:
        for variable in info.variables:
            default = "" if variable.default is None else f", default {json.dumps(variable.default, default=str)}"
            say(f"    {variable.name}: {variable.type}{default}")
            if variable.description:
                say(f"        {variable.description}", "quiet")
    elif info.variables:
        say(f"    variables: {', '.join(variable.name for variable in info.variables)}", "quiet")


@click.command("providers", cls=HiveCommand)
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def providers(as_json: bool) -> None:
    """List the infrastructures that a stage can be built on."""
    from hive_nornir.cli.render.table import show_table
    from hive_nornir.inventory.providers.registry import provider_catalogue

    catalogue = provider_catalogue()
    if as_json:
        click.echo(json.dumps([asdict(info) for info in catalogue], indent=2))
        return
    rows = [[info.name, info.description, f"pip install 'hive-nornir[{info.extra}]'" if info.extra else ""] for info in catalogue]
    show_table(["provider", "description", "needs"], rows)


@click.command("list-hosts", cls=HiveCommand)
@pass_session
def list_hosts(session: Session) -> None:
    """Print the names of the stage's servers."""
    click.echo(" ".join(session.open().inventory.servers))


@click.command("list-services", cls=HiveCommand)
@pass_session
def list_services(session: Session) -> None:
    """Print the names of the stage's services."""
    click.echo(" ".join(session.open().inventory.services))


@click.command("list-volumes", cls=HiveCommand)
@pass_session
def list_volumes(session: Session) -> None:
    """Print the names of the stage's volumes."""
    click.echo(" ".join(session.open().inventory.volumes))
