"""`ssh`, `scp` and `console`: OpenSSH's own programs with the stage's ssh_config (spec cli.md 7)."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from hive_nornir.cli.completion import completer
from hive_nornir.cli.session import HiveCommand, Session, pass_session
from hive_nornir.errors import HiveError, UsageError, nearest

if TYPE_CHECKING:
    from hive_nornir.site import Site

__all__ = ["become_ssh", "console", "scp", "ssh"]

_ZABBIX = 10052


def _reachable(site: Site) -> list[str]:
    """The servers that ssh_config names; the repository is the last.

    :raises HiveError: there is none yet.
    """
    from hive_nornir.inventory.ssh_files import read_ssh_config

    hosts = list(read_ssh_config(site.context.ssh_config))
    if not hosts:
        raise HiveError(f"stage {site.context.stage} has no servers to log in to", "`hive-nornir run build-infra` makes them")
    return hosts


def _complete(site: Site) -> Iterable[str]:
    return (form for name in _reachable(site) for form in (name.split(".", 1)[0], name))


def _target(site: Site, name: str | None) -> str:
    hosts = _reachable(site)
    if name is None:
        return hosts[-1]
    short = {host.split(".", 1)[0]: host for host in hosts}
    if name not in hosts and name not in short:
        raise UsageError(f"stage {site.context.stage} has no host {name!r}", nearest(name, [*hosts, *short]))
    return short.get(name, name)


def become_ssh(site: Site, arguments: Sequence[str]) -> NoReturn:
    """Become OpenSSH's ssh with the stage's ssh_config.

    :param arguments: options, the server, and the command as its login shell takes it.
    :raises HiveError: the stage has no servers yet, or this machine no ssh.
    """
    _reachable(site)
    _exec("ssh", site, arguments)


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise HiveError(f"there is no {name} on this machine", "install the OpenSSH client")
    return path


def _exec(program: str, site: Site, arguments: Sequence[str]) -> NoReturn:
    """Become OpenSSH, so that its exit status, the terminal and signals are its own."""
    os.execv(_program(program), [program, "-F", str(site.context.ssh_config), *arguments])  # noqa: S606 - no shell is wanted


@click.command("ssh", cls=HiveCommand, context_settings={"allow_interspersed_args": False})
@click.option("target", "--target", "-t", "--ssh-host", metavar="HOST", shell_complete=completer(_complete), help="The server.")
@click.option("forwards", "-L", "--port-forwarding", multiple=True, metavar="SPEC", help="Forward a local port; repeatable.")
@click.option("--forward-zabbix/--no-forward-zabbix", "-z/ ", "--foward-zabbix", default=None, help="Forward the Zabbix console.")
@click.option("zabbix_port", "-Z", "--forward-zabbix-port", "--foward-zabbix-port", type=int, help="Its local port; implies -z.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[HOST] [COMMAND]...", shell_complete=completer(_complete))
@pass_session
def ssh(
    session: Session,
    target: str | None,
    forwards: tuple[str, ...],
    forward_zabbix: bool | None,
    zabbix_port: int | None,
    words: tuple[str, ...],
) -> None:
    """Log in to a server, or run a command on it.

    HOST is a full or short name; without it, the repository server. With -t, all words are the command. The exit code is ssh's.
    """
    site = session.open()
    command = list(words)
    host = _target(site, target if target is not None or not command else command.pop(0))
    if command and command[0].startswith("-"):
        raise UsageError(f"{command[0]!r} stands behind the host", "options go before it")
    known = site.context.persistents
    zabbix = forward_zabbix if forward_zabbix is not None else zabbix_port is not None or known.get("foward_zabbix")[0]
    specs = list(forwards or filter(None, [known.get("port_forwarding")[0]]))
    if zabbix:
        specs.append(_zabbix_forward(zabbix_port or known.get("foward_zabbix_port")[0]))
    _exec("ssh", site, [*(word for spec in specs for word in ("-L", spec)), host, *command])


def _zabbix_forward(port: int) -> str:
    # Seen from the server: the console listens on its loopback only (spec setup-hosts.md P-9).
    return f"localhost:{port}:127.0.0.1:{_ZABBIX}"


# No HiveCommand: -r, -v, -c and others mean what they mean to scp.
@click.command("scp", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="[SCP OPTION]... SOURCE... TARGET")
@pass_session
def scp(session: Session, words: tuple[str, ...]) -> None:
    """Copy files from and to servers.

    Files on servers are HOST:PATH, with the full or short name of the server. The exit code is scp's.
    """
    site = session.open()
    _exec("scp", site, [_remote(site, word) for word in words])


def _remote(site: Site, word: str) -> str:
    host, colon, path = word.partition(":")
    if not colon or word.startswith("-") or "/" in host:  # as scp itself tells a file of this machine
        return word
    return f"{_target(site, host)}:{path}"


@click.command("console", cls=HiveCommand)
@click.argument("name", type=click.Choice(["zabbix"]))
@click.option("--port", "-Z", type=int, metavar="PORT", help="The local port.")
@pass_session
def console(session: Session, name: str, port: int | None) -> int:  # noqa: ARG001 - the one console that there is
    """Forward a web console of the site until Ctrl-C."""
    site = session.open()
    host = _target(site, None)
    local = port or site.context.persistents.get("foward_zabbix_port")[0]
    click.echo(f"http://localhost:{local}/ shows Zabbix; Ctrl-C ends it", err=True)
    options = ["-N", "-o", "ExitOnForwardFailure=yes", "-L", _zabbix_forward(local)]
    with _without_proxy(site, host) as config:
        return _until_interrupted([_program("ssh"), "-F", config, *options, host])


def _until_interrupted(argv: list[str]) -> int:
    """The exit code of a program; 0 if Ctrl-C was the end of it, at whatever moment it came."""
    running: list[subprocess.Popen[bytes]] = []
    interrupted = False

    def stop(*_: object) -> None:
        nonlocal interrupted
        interrupted = True
        for process in running:
            process.terminate()

    previous = signal.signal(signal.SIGINT, stop)
    try:
        with subprocess.Popen(argv) as process:  # noqa: S603
            running.append(process)
            if interrupted:
                process.terminate()
            code = process.wait()
        return 0 if interrupted else code
    finally:
        signal.signal(signal.SIGINT, previous)


@contextlib.contextmanager
def _without_proxy(site: Site, host: str) -> Iterator[str]:
    """An ssh_config for one host that asks for no port on it: a run may have that port, which must not end the console."""
    from hive_nornir.inventory.ssh_files import read_ssh_config, write_ssh_config

    server = read_ssh_config(site.context.ssh_config)[host]
    if server.remote_forward is None:
        yield str(site.context.ssh_config)
        return
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "ssh_config"
        write_ssh_config(config, [dataclasses.replace(server, remote_forward=None)], site.context.known_hosts)
        yield str(config)
