"""`run PHASE`, and the phases as commands of their own."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hive_nornir.cli.completion import completer
from hive_nornir.cli.session import HiveCommand, Session, pass_session
from hive_nornir.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hive_nornir.runs.report import RunReport
    from hive_nornir.site import Site

__all__ = ["build_infra", "run", "setup_hosts"]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class _Request:
    """What the options of a phase said; see `Site.run`."""

    roles: list[str] | None = None
    limit: list[str] | None = None
    check: bool = False
    diff: bool = False
    as_json: bool = False
    yes: bool = False
    destroy: bool = False
    halt: bool = False
    allow_reboot: bool = False


def _comma_list(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> list[str] | None:  # noqa: ARG001 - click's signature
    """Several options and several names in one, separated by commas; None when the option was not given."""
    return [name.strip() for value in values for name in value.split(",") if name.strip()] if values else None


def _phases(site: Site) -> Iterable[str]:  # noqa: ARG001 - the phases are the same for every site
    from hive_nornir.site import PHASES

    return PHASES


def _roles(site: Site) -> Iterable[str]:
    from hive_nornir.cli.names import quick_roles

    return quick_roles(site.context.root)


def _hosts(site: Site) -> Iterable[str]:
    from hive_nornir.cli.names import quick_hosts

    return quick_hosts(site.context)


_LIMIT = click.option(
    "--limit", "-l", "--limit-target", multiple=True, metavar="HOST,...", callback=_comma_list, shell_complete=completer(_hosts, many=True),
    help="Only these hosts, by their full or short names.",
)  # fmt: skip
_ROLES = click.option(
    "--roles", "-T", "--tags", multiple=True, metavar="ROLE,...", callback=_comma_list, shell_complete=completer(_roles, many=True),
    help="Only these roles, by their names or the tag of their play.",
)  # fmt: skip
_COMMON = (
    _LIMIT,
    click.option("--check", "-C", "--check-mode", is_flag=True, help="Only show what would change; exit 3 if something would."),
    click.option("--diff", is_flag=True, help="Show the diffs of all changes."),
    click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object."),
)
_SERVERS = (
    click.option("--yes", is_flag=True, help="Do not ask before destroying."),
    click.option("--destroy", "-D", is_flag=True, help="Delete the servers and all their data."),
    click.option("--halt", "-H", is_flag=True, help="Stop the servers, keep their data."),
)
_CONFIGURE = (_ROLES, click.option("--allow-reboot", is_flag=True, help="Restart servers where a change needs it."))


def _with(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


@click.command("run", cls=HiveCommand)
@click.argument("phase", shell_complete=completer(_phases))
@_with(*_CONFIGURE, *_COMMON, *_SERVERS)
@pass_session
def run(session: Session, phase: str, **options: Any) -> int:
    """Run a phase on the stage's servers.

    Phases: build-infra creates and starts the servers, setup-hosts installs and configures them.
    """
    return _run(session, phase.replace("_", "-"), _Request(**options))


@click.command("build-infra", cls=HiveCommand)
@_with(*_COMMON, *_SERVERS)
@pass_session
def build_infra(session: Session, **options: Any) -> int:
    """Create, start, stop or delete the servers (run build-infra)."""
    return _run(session, "build-infra", _Request(**options))


@click.command("setup-hosts", cls=HiveCommand)
@_with(*_CONFIGURE, *_COMMON)
@pass_session
def setup_hosts(session: Session, **options: Any) -> int:
    """Install and configure the servers (run setup-hosts)."""
    return _run(session, "setup-hosts", _Request(**options))


def _run(session: Session, phase: str, request: _Request) -> int:
    from hive_nornir.cli.render.progress import progress

    site = _open(session, phase, request)
    if request.destroy and not request.check:
        _confirm(site, phase, request)
    with contextlib.ExitStack() as stack:
        if request.as_json:  # whatever a library prints must not get between
            stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        if session.talkative:
            logging.basicConfig(format="%(message)s", level=logging.ERROR)  # Nornir's, of a role that fails: its traceback
        observer = stack.enter_context(progress(verbose=session.talkative))
        report = site.run(phase, allow_reboot=request.allow_reboot, observers=[observer], **_selection(request))
    _show(site, report, request)
    return report.exit_code


def _selection(request: _Request) -> dict[str, Any]:
    return {"roles": request.roles, "limit": request.limit, "check": request.check, "halt": request.halt, "destroy": request.destroy}


def _open(session: Session, phase: str, request: _Request) -> Site:
    from hive_nornir.site import PHASES

    if phase not in PHASES:
        raise UsageError(f"there is no phase {phase!r}", nearest(phase, PHASES))
    if request.destroy and request.halt:
        raise UsageError("--destroy and --halt exclude each other", "destroy deletes the servers, halt keeps their data")
    return session.open(
        phase=phase,
        halt=request.halt,
        destroy=request.destroy,
        check_mode=request.check,
        tags=",".join(request.roles) if request.roles else None,
        limit_target=",".join(request.limit) if request.limit else None,
    )


def _confirm(site: Site, phase: str, request: _Request) -> None:
    """Show what would be destroyed and have the stage's name typed (design.md 12).

    :raises UsageError: the request does not fit the phase, there is nobody to ask, or the answer is another one.
    """
    from hive_nornir.cli.render.plan import show_resources
    from hive_nornir.cli.render.text import say

    site.run(phase, **{**_selection(request), "check": True})  # so that a wrong request is refused before the question
    stage = site.context.stage
    doomed = [resource for resource in site.resources() if resource.state != "missing"]
    if doomed:
        say(f"this destroys in stage {stage}, with all data:", "bad", err=True)
        show_resources(doomed, err=True)
    else:
        say(f"nothing of stage {stage} is there", err=True)
    if request.yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("destroying needs a confirmation, and there is no terminal to ask on", "--yes goes without")
    if click.prompt(f"Type the stage's name, {stage}, to destroy all of this", default="", show_default=False, err=True).strip() != stage:
        raise UsageError("not confirmed, nothing was destroyed")


def _show(site: Site, report: RunReport, request: _Request) -> None:
    from hive_nornir.cli.render.plan import show_resources
    from hive_nornir.cli.render.report import show_report

    if request.as_json:
        click.echo(json.dumps(report.as_dict(), indent=2))
        return
    planned = report.check and report.phase == "build-infra" and report.ok
    if planned:
        show_resources(site.resources())
        click.echo()
        report.notes.clear()  # they name the resources that the table shows
    show_report(report, diff=request.diff, table=not planned)
