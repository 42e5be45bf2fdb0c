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
from hive_nornir.errors import HiveError, UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hive_nornir.cli.render.table import Cell
    from hive_nornir.runs.report import RunReport
    from hive_nornir.site import Site

__all__ = [
    "all_phases",
    "build_images",
    "build_infra",
    "build_networks",
    "build_volumes",
    "deploy_services",
    "initialize_services",
    "run",
    "setup_hosts",
]

ALL = "all"
# What these make holds none of its own: services keep theirs in volumes.
_DATALESS = ("build-networks", "deploy-services")
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
    servers: list[str] | None = None
    no_cache: bool = False
    start_phase: str | None = None


def _comma_list(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> list[str] | None:  # noqa: ARG001 - click's signature
    """Several options and several names in one, separated by commas; None when the option was not given."""
    return [name.strip() for value in values for name in value.split(",") if name.strip()] if values else None


def _phases(site: Site) -> Iterable[str]:  # noqa: ARG001 - the phases are the same for every site
    from hive_nornir.site import PHASES

    return [*PHASES, ALL]


def _networks(site: Site) -> Iterable[str]:
    return site.inventory.networks


def _volumes(site: Site) -> Iterable[str]:
    return site.inventory.volumes


def _services(site: Site) -> Iterable[str]:
    return site.inventory.services


def _with_image(site: Site) -> Iterable[str]:
    return [name.removeprefix("image_") for name in site.inventory.groups["images"]]


def _initialized(site: Site) -> Iterable[str]:
    return [name for name in site.inventory.services if site.inventory.scope(name).get("hive_initialize_roles")]


def _roles(site: Site) -> Iterable[str]:
    from hive_nornir.cli.names import quick_roles

    return quick_roles(site.context.root)


def _hosts(site: Site) -> Iterable[str]:
    from hive_nornir.cli.names import quick_hosts

    return quick_hosts(site.context)


def _limit(names: Callable[[Site], Iterable[str]], what: str) -> Callable[[F], F]:
    return click.option(
        "--limit", "-l", "--limit-target", multiple=True, metavar="NAME,...", callback=_comma_list,
        shell_complete=completer(names, many=True), help=f"Only these {what}.",
    )  # fmt: skip


_ROLES = click.option(
    "--roles", "-T", "--tags", multiple=True, metavar="ROLE,...", callback=_comma_list, shell_complete=completer(_roles, many=True),
    help="Only these roles of setup-hosts, by their names or the tag of their play.",
)  # fmt: skip
_SERVERS = click.option(
    "--servers", "-x", "--limit-server", multiple=True, metavar="HOST,...", callback=_comma_list,
    shell_complete=completer(_hosts, many=True), help="Only on these hives (build-volumes).",
)  # fmt: skip
_NO_CACHE = click.option("--no-cache", is_flag=True, help="Begin with fresh containers (build-images).")
_COMMON = (
    click.option("--check", "-C", "--check-mode", is_flag=True, help="Only show what would change; exit 3 if something would."),
    click.option("--diff", is_flag=True, help="Show the diffs of all changes."),
    click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object."),
)
_DESTROY = (
    click.option("--yes", is_flag=True, help="Do not ask before destroying."),
    click.option("--destroy", "-D", is_flag=True, help="Delete what the phase makes, and its data."),
)
_HALT = click.option("--halt", "-H", is_flag=True, help="Stop the servers, keep their data (build-infra).")
_REBOOT = click.option("--allow-reboot", is_flag=True, help="Restart servers where a change needs it (setup-hosts).")
_START = click.option("--start-phase", "-S", metavar="PHASE", shell_complete=completer(_phases), help="The phase with which `all` begins.")


def _with(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


@click.command("run", cls=HiveCommand)
@click.argument("phase", shell_complete=completer(_phases))
@_with(_ROLES, _limit(_hosts, "servers, or what else the phase works on"), *_COMMON, *_DESTROY, _HALT, _REBOOT, _SERVERS, _NO_CACHE, _START)
@pass_session
def run(session: Session, phase: str, **options: Any) -> int:
    """Run a phase, or all that are left to do.

    PHASE is build-infra (create and start the servers), setup-hosts (install and configure them), build-images (the services' images),
    build-volumes (their volumes), build-networks (the swarm's networks), deploy-services (the services), initialize-services (roles in
    their containers), or all: the phases one after the other, from the one that failed the last time.
    """
    return _run(session, phase.replace("_", "-"), _Request(**options))


@click.command("all", cls=HiveCommand)
@_with(_START, *_COMMON, _REBOOT)
@pass_session
def all_phases(session: Session, **options: Any) -> int:
    """Run the phases that are left to do (run all)."""
    return _run(session, ALL, _Request(**options))


@click.command("build-infra", cls=HiveCommand)
@_with(_limit(_hosts, "servers"), *_COMMON, *_DESTROY, _HALT)
@pass_session
def build_infra(session: Session, **options: Any) -> int:
    """Create, start, stop or delete the servers (run build-infra)."""
    return _run(session, "build-infra", _Request(**options))


@click.command("setup-hosts", cls=HiveCommand)
@_with(_ROLES, _limit(_hosts, "servers, by their full or short names"), *_COMMON, _REBOOT)
@pass_session
def setup_hosts(session: Session, **options: Any) -> int:
    """Install and configure the servers (run setup-hosts)."""
    return _run(session, "setup-hosts", _Request(**options))


@click.command("build-images", cls=HiveCommand)
@_with(_limit(_with_image, "services' images"), *_COMMON, _NO_CACHE)
@pass_session
def build_images(session: Session, **options: Any) -> int:
    """Build the services' images (run build-images)."""
    return _run(session, "build-images", _Request(**options))


@click.command("build-volumes", cls=HiveCommand)
@_with(_limit(_volumes, "volumes"), *_COMMON, *_DESTROY, _SERVERS)
@pass_session
def build_volumes(session: Session, **options: Any) -> int:
    """Make or remove the services' volumes (run build-volumes)."""
    return _run(session, "build-volumes", _Request(**options))


@click.command("build-networks", cls=HiveCommand)
@_with(_limit(_networks, "networks"), *_COMMON, *_DESTROY)
@pass_session
def build_networks(session: Session, **options: Any) -> int:
    """Make or remove the swarm's networks (run build-networks)."""
    return _run(session, "build-networks", _Request(**options))


@click.command("deploy-services", cls=HiveCommand)
@_with(_limit(_services, "services"), *_COMMON, *_DESTROY)
@pass_session
def deploy_services(session: Session, **options: Any) -> int:
    """Deploy or remove the services (run deploy-services)."""
    return _run(session, "deploy-services", _Request(**options))


@click.command("initialize-services", cls=HiveCommand)
@_with(_limit(_initialized, "services"), *_COMMON)
@pass_session
def initialize_services(session: Session, **options: Any) -> int:
    """Run the services' initialize_roles in their containers (run initialize-services)."""
    return _run(session, "initialize-services", _Request(**options))


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
        if phase == ALL:
            reports = site.run_all(start=request.start_phase, check=request.check, allow_reboot=request.allow_reboot, observers=[observer])
        else:
            reports = [site.run(phase, allow_reboot=request.allow_reboot, observers=[observer], **_selection(request))]
    _show(site, phase, reports, request)
    return reports[-1].exit_code if not request.check else max(report.exit_code for report in reports)


def _selection(request: _Request) -> dict[str, Any]:
    names = ("roles", "limit", "check", "halt", "destroy", "servers", "no_cache")
    return {name: getattr(request, name) for name in names}


def _open(session: Session, phase: str, request: _Request) -> Site:
    from hive_nornir.site import PHASES

    if phase not in (*PHASES, ALL):
        raise UsageError(f"there is no phase {phase!r}", nearest(phase, [*PHASES, ALL]))
    narrowing = ("roles", "limit", "halt", "destroy", "servers", "no_cache") if phase == ALL else ("start_phase",)
    if given := [name.replace("_", "-") for name in narrowing if getattr(request, name)]:
        raise UsageError(f"--{given[0]} does not go with {phase}", "--start-phase belongs to `all`, which takes no other narrowing")
    if request.destroy and request.halt:
        raise UsageError("--destroy and --halt exclude each other", "destroy deletes the servers, halt keeps their data")
    return session.open(
        phase=None if phase == ALL else phase,
        halt=request.halt,
        destroy=request.destroy,
        check_mode=request.check,
        limit_server=",".join(request.servers) if request.servers else None,
        tags=",".join(request.roles) if request.roles else None,
        limit_target=",".join(request.limit) if request.limit else None,
    )


def _confirm(site: Site, phase: str, request: _Request) -> None:
    """Show what would be destroyed and have the stage's name typed (design.md 12).

    :raises UsageError: the request does not fit the phase, there is nobody to ask, or the answer is another one.
    """
    from hive_nornir.cli.render.plan import RESOURCE_COLUMNS
    from hive_nornir.cli.render.table import show_table
    from hive_nornir.cli.render.text import say

    plan = site.run(phase, **{**_selection(request), "check": True})  # so that a wrong request is refused before the question
    stage = site.context.stage
    if not plan.ok:
        raise HiveError("; ".join(role.error for host in plan.hosts.values() for role in host.roles.values() if role.error))
    doomed = _doomed(site, phase, plan)
    if doomed:
        kept = ", and no data" if phase in _DATALESS else ", with all data"
        say(f"this destroys in stage {stage}{kept}:", "bad", err=True)
        show_table(RESOURCE_COLUMNS if phase == "build-infra" else ["what", "what is done"], doomed, err=True)
    else:
        say(f"nothing of stage {stage} is there", err=True)
    if request.yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("destroying needs a confirmation, and there is no terminal to ask on", "--yes goes without")
    if click.prompt(f"Type the stage's name, {stage}, to destroy all of this", default="", show_default=False, err=True).strip() != stage:
        raise UsageError("not confirmed, nothing was destroyed")


def _doomed(site: Site, phase: str, plan: RunReport) -> list[list[str | Cell]]:
    """What a destroying run would take away, as rows of a table."""
    from hive_nornir.cli.render.plan import resource_rows

    if phase == "build-infra":
        return resource_rows(resource for resource in site.resources() if resource.state != "missing")
    outcomes = [outcome for host in plan.hosts.values() for role in host.roles.values() for outcome in role.outcomes]
    return [[outcome.operation.name, outcome.summary] for outcome in outcomes if outcome.status == "would-change"]


def _show(site: Site, phase: str, reports: list[RunReport], request: _Request) -> None:
    from hive_nornir.cli.render.plan import show_resources
    from hive_nornir.cli.render.report import show_report
    from hive_nornir.runs.report import all_phases_dict

    if request.as_json:
        shown = all_phases_dict(reports) if phase == ALL else reports[0].as_dict()
        click.echo(json.dumps(shown, indent=2))
        return
    for report in reports:
        planned = report.check and report.phase == "build-infra" and report.ok
        if planned:
            show_resources(site.resources())
            click.echo()
            report.notes.clear()  # they name the resources that the table shows
        show_report(report, diff=request.diff, table=not planned)
        if report is not reports[-1]:
            click.echo()
