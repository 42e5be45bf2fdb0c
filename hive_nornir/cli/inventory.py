"""`check` and `inventory`: the definitions as they are understood."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from hive_nornir.cli.completion import completer
from hive_nornir.cli.session import HiveCommand, Session, pass_session
from hive_nornir.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hive_nornir.site import Site

__all__ = ["check", "inventory"]


def _objects(site: Site) -> Iterable[str]:
    from hive_nornir.cli.names import quick_hosts, quick_services

    return [*quick_hosts(site.context), *quick_services(site.context)]


@click.command("check", cls=HiveCommand)
@pass_session
def check(session: Session) -> None:
    """Validate the definitions; touch nothing.

    Every problem is told at once, each with its file and line; the exit code is then 2.
    """
    from hive_nornir.cli.render.text import plural, say
    from hive_nornir.plays.container_roles import ansible_notes

    site = session.open()
    site.check()
    found = site.inventory
    counts = [plural(len(found.servers), "server"), plural(len(found.services), "service"), plural(len(found.volumes), "volume")]
    if found.stale_volumes:
        say(f"note: drbd_device_map still has ids of volumes that are not defined any more: {', '.join(found.stale_volumes)}")
    for note in ansible_notes(site):
        say(f"note: {note}")
    say(f"{found.hive_name}, stage {site.context.stage}: {', '.join(counts)}; no problem found", "good")


@click.command("inventory", cls=HiveCommand)
@click.option("--list", "as_list", is_flag=True, help="Everything as Ansible's dynamic inventory, in JSON; variables as they are defined.")
@click.option("--host", metavar="HOST", shell_complete=completer(_objects), help="The variables of one host or object, in JSON.")
@click.option("--graph", is_flag=True, help="The groups and their members as a tree.")
@pass_session
def inventory(session: Session, as_list: bool, host: str | None, graph: bool) -> None:
    """Show the servers, or the inventory as Ansible reads it."""
    if as_list + (host is not None) + graph > 1:
        raise UsageError("--list, --host and --graph exclude each other")
    site = session.open()
    if as_list:
        click.echo(json.dumps(site.inventory.ansible_list(), indent=2))
    elif host is not None:
        click.echo(json.dumps(site.inventory.ansible_host(host), indent=2))
    elif graph:
        click.echo(site.inventory.graph().rstrip("\n"))
    else:
        _table(site)


def _table(site: Site) -> None:
    from hive_nornir.cli.render.table import show_table

    headers = ["server", "address", "groups", "provider", "zone"]
    rows = [_row(site, name) for name in site.inventory.servers]
    if not any(row[-1] for row in rows):
        headers, rows = headers[:-1], [row[:-1] for row in rows]
    show_table(headers, rows)


def _row(site: Site, name: str) -> list[str]:
    scope = site.inventory.scope(name)
    groups = [group for group in site.inventory.object(name).groups if group in ("hives", "repository")]
    return [name, _text(scope, "hive_private_ip"), ", ".join(groups), _text(scope, "hive_provider"), _text(scope, "hive_available_zone")]


def _text(scope: Mapping[str, Any], name: str) -> str:
    return str(scope[name]) if name in scope else ""
