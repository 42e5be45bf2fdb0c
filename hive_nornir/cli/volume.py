"""`volume grow`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hive_nornir.cli.completion import completer
from hive_nornir.cli.session import HiveCommand, Session, global_options, pass_session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hive_nornir.site import Site

__all__ = ["volume"]


def _volumes(site: Site) -> Iterable[str]:
    return site.inventory.volumes


@click.group("volume", invoke_without_command=True)
@click.pass_context
def volume(ctx: click.Context) -> None:
    """Change volumes that are in use."""
    if ctx.invoked_subcommand is None:
        ctx.fail("Missing command: grow")


volume.params += global_options(hidden=True)


@volume.command("grow", cls=HiveCommand)
@click.argument("names", nargs=-1, required=True, metavar="VOLUME...", shell_complete=completer(_volumes))
@click.option("--check", "-C", is_flag=True, help="Only show what would change; exit 3 if something would.")
@pass_session
def volume_grow(session: Session, names: tuple[str, ...], check: bool) -> int:
    """Extend replicated volumes to the size that their definition says by now.

    Nothing has to be stopped. No volume is ever made smaller.
    """
    from hive_nornir.cli.render.progress import progress
    from hive_nornir.cli.render.report import show_report
    from hive_nornir.plays.volume_growth import grow

    site = session.open(check_mode=check)
    with progress(verbose=session.talkative) as observer:
        report = grow(site, names, check=check, observers=[observer])
    show_report(report)
    return report.exit_code
