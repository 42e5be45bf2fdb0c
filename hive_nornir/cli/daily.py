"""What an operator does every day: `ps`, `logs`, `backup`, `restore`, `image shell`, `node replace`."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from hive_nornir.cli.completion import completer
from hive_nornir.cli.session import HiveCommand, Session, global_options, pass_session
from hive_nornir.cli.ssh import become_ssh
from hive_nornir.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hive_nornir.site import Site
    from hive_nornir.tasks.cluster.service_states import ServiceState

__all__ = ["backup", "image", "logs", "node", "ps", "restore"]

_LOGS = "/var/log/services"
_BUILT_IN = ("hive-zabbix", "hive-registry")


def _services(site: Site) -> Iterable[str]:
    from hive_nornir.cli.names import quick_services

    return quick_services(site.context)


def _hives(site: Site) -> Iterable[str]:
    from hive_nornir.cli.names import quick_hosts

    return [name.partition(".")[0] for name in quick_hosts(site.context)][:-1]


def _backups(site: Site) -> Iterable[str]:
    return [*_BUILT_IN, *_services(site)]


@click.command("ps", cls=HiveCommand)
@click.argument("names", nargs=-1, metavar="[SERVICE]...", shell_complete=completer(_services))
@click.option("--json", "as_json", is_flag=True, help="Print the services and their tasks as JSON.")
@pass_session
def ps(session: Session, names: tuple[str, ...], as_json: bool) -> int:
    """Show how the swarm's services are.

    With names, each of their tasks: on which node, in which state, and why it does not run. The exit code is 1 if a task is missing.
    """
    from hive_nornir.cli.render.table import Cell, show_table

    site = session.open()
    found = site.services()
    site.close()
    known = [*site.inventory.services, *(state.name for state in found)]
    _all_known(site, names, known)
    chosen = [state for state in found if not names or state.name in names]
    lost = [name for name in names or site.inventory.services if name not in {state.name for state in chosen}]
    if as_json:
        click.echo(json.dumps([asdict(state) for state in chosen], indent=2))
    elif names:
        rows: list[list[str | Cell]]
        rows = [[state.name, str(task.slot or ""), task.node, task.state, task.error] for state in chosen for task in state.tasks]
        show_table(["service", "replica", "node", "state", "error"], rows)
    else:
        counts = [Cell(f"{state.running}/{state.desired}", "" if state.running >= state.desired else "bad") for state in chosen]
        rows = [[state.name, state.mode, count, _reached(site, state), state.image] for state, count in zip(chosen, counts, strict=True)]
        show_table(["service", "mode", "running", "reached at", "image"], rows)
    for name in lost:
        click.echo(f"{name} is not deployed: `hive-nornir run deploy-services --limit {name}`", err=True)
    return int(bool(lost) or any(state.running < state.desired for state in chosen))


def _reached(site: Site, state: ServiceState) -> str:
    from hive_nornir.tasks.services.reach import addresses

    if state.name not in site.inventory.services:
        return ""
    hives = {name: str(site.inventory.scope(name)["hive_private_ip"]) for name in site.inventory.hives}
    running = {task.node for task in state.tasks if task.state == "running"}
    nodes = [name for name in hives if name.partition(".")[0] in running]
    return " ".join(addresses(site.inventory.scope(state.name), nodes, hives))


@click.command("logs", cls=HiveCommand)
@click.argument("service", shell_complete=completer(_services))
@click.option("--follow", "-f", is_flag=True, help="Go on showing what comes, until Ctrl-C.")
@click.option("--lines", "-n", type=click.IntRange(0), default=100, show_default=True, help="How many lines, from the end.")
@pass_session
def logs(session: Session, service: str, follow: bool, lines: int) -> None:
    """Show what a service has written, from the repository server."""
    site = session.open()
    _all_known(site, [service], site.inventory.services)
    file = f"{_LOGS}/{service}.log"
    missing = f"{service} has written nothing yet: there is no {file} on {site.inventory.repository}"
    # Under its present name, too, when it is rotated while we look.
    show = f"exec tail -n {lines} {'-F ' if follow else ''}{shlex.quote(file)}"
    wait = "" if follow else f"[ -e {shlex.quote(file)} ] || {{ echo {shlex.quote(missing)} >&2; exit 1; }}; "
    become_ssh(site, [site.inventory.repository, f"sudo -n sh -c {shlex.quote(wait + show)}"])


@click.command("backup", cls=HiveCommand)
@click.option("--list", "listed", is_flag=True, help="Show what backups there are.")
@click.option("--check", "-C", is_flag=True, help="Only tell what would be done.")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=completer(_backups))
@pass_session
def backup(session: Session, names: tuple[str, ...], listed: bool, check: bool) -> None:
    """Back up now, what backup.timer does every night.

    NAME is a service with backup_scripts, hive-zabbix or hive-registry; all of them without it.
    """
    if listed and (names or check):
        raise UsageError("--list shows all backups", "leave out the rest")
    _hive_backup(session, names, ["--list"] if listed else ["--dry-run"] if check else [])


@click.command("restore", cls=HiveCommand)
@click.option("--yes", is_flag=True, help="Do not ask before.")
@click.option("--check", "-C", is_flag=True, help="Only tell what would be done.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=completer(_backups))
@pass_session
def restore(session: Session, names: tuple[str, ...], yes: bool, check: bool) -> None:
    """Put back the latest backups; what is there now is replaced.

    NAME is a service with backup_scripts, hive-zabbix or hive-registry.
    """
    _hive_backup(session, names, ["-r", *(["--dry-run"] if check else []), *(["--yes"] if yes else [])])


def _hive_backup(session: Session, names: tuple[str, ...], options: list[str]) -> None:
    site = session.open()
    _all_known(site, names, [*_BUILT_IN, *site.inventory.services])
    words = ["hive-backup.sh", *options, *(["-l", ",".join(names)] if names else [])]
    # Asking needs a terminal.
    terminal = ["-t"] if "-r" in options and "--yes" not in options and sys.stdin.isatty() else []
    become_ssh(site, [*terminal, site.inventory.repository, shlex.join(words)])


@click.group("image", invoke_without_command=True)
@click.pass_context
def image(ctx: click.Context) -> None:
    """Look into the making of images."""
    if ctx.invoked_subcommand is None:
        ctx.fail("Missing command: shell")


image.params += global_options(hidden=True)


@image.command("shell", cls=HiveCommand)
@click.argument("service", shell_complete=completer(_services))
@pass_session
def shell(session: Session, service: str) -> None:
    """Enter the container in which a service's image is built, where its last build has left it."""
    site = session.open()
    builds = [name.removeprefix("image_") for name in site.inventory.groups["images"]]
    if service not in builds:
        raise UsageError(f"stage {site.context.stage} builds no image of {service!r}", nearest(service, builds))
    container = shlex.quote(f"build_image_{service}")
    enter = "if command -v bash >/dev/null; then exec bash; else exec sh; fi"
    script = f"docker start {container} >/dev/null && exec docker exec -it {container} sh -c {shlex.quote(enter)}"
    become_ssh(site, ["-t", site.inventory.repository, f"sudo -n sh -c {shlex.quote(script)}"])


@click.group("node", invoke_without_command=True)
@click.pass_context
def node(ctx: click.Context) -> None:
    """Mend the swarm's nodes."""
    if ctx.invoked_subcommand is None:
        ctx.fail("Missing command: replace")


node.params += global_options(hidden=True)


@node.command("replace", cls=HiveCommand)
@click.argument("host", shell_complete=completer(_hives))
@click.option("--check", "-C", is_flag=True, help="Only tell whether it can be done.")
@click.option("--yes", is_flag=True, help="Do not ask before.")
@click.option("--allow-reboot", is_flag=True, help="Restart servers where a change needs it.")
@pass_session
def node_replace(session: Session, host: str, check: bool, yes: bool, allow_reboot: bool) -> int:
    """Build a new server in place of a container host that is lost for good.

    It gets the name, the address and the place in the swarm of the lost one, and its volumes from the others. Refused while the lost one
    answers, and when too few managers of the swarm are left.
    """
    from hive_nornir.cli.render.progress import progress
    from hive_nornir.cli.render.report import show_report
    from hive_nornir.cli.render.text import say
    from hive_nornir.plays.node_replacement import check_loss, replace

    site = session.open()
    [name] = site.select_hosts([host])
    say(check_loss(site, name), err=True)
    if check:
        return 0
    say(
        "build-infra and setup-hosts, then build-volumes, run for the whole stage; the other servers are only touched where they differ",
        err=True,
    )
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("replacing needs a confirmation, and there is no terminal to ask on", "--yes goes without")
        if not click.confirm(f"Replace {name}?", err=True):
            raise UsageError("not confirmed, nothing was done")
    with progress(verbose=session.talkative) as observer:
        reports = replace(site, name, allow_reboot=allow_reboot, observers=[observer])
    for report in reports:
        show_report(report)
    return reports[-1].exit_code


def _all_known(site: Site, names: Iterable[str], known: Iterable[str]) -> None:
    known = list(known)
    for name in names:
        if name not in known:
            raise UsageError(f"stage {site.context.stage} has no service {name!r}", nearest(name, known))
