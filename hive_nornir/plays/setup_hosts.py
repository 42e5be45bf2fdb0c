"""The phase setup-hosts: from bare Linux servers to configured ones (spec setup-hosts.md 2)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from hive_nornir.errors import UsageError, nearest
from hive_nornir.operations.guard import GuardGate
from hive_nornir.plays.own_roles import own_roles
from hive_nornir.plays.play import Play, mark_the_rest, play_task
from hive_nornir.runs.events import Event
from hive_nornir.tasks.cluster.swarm import swarm
from hive_nornir.tasks.repository.backup_tools import backup_tools
from hive_nornir.tasks.repository.docker_compose import docker_compose
from hive_nornir.tasks.repository.registry import registry
from hive_nornir.tasks.repository.rsyslogd import rsyslogd
from hive_nornir.tasks.repository.zabbix import zabbix
from hive_nornir.tasks.repository.zabbix.repository_templates import LAST_SETUP
from hive_nornir.tasks.role import RunOptions
from hive_nornir.tasks.servers.addon import addon
from hive_nornir.tasks.servers.addon2 import addon2
from hive_nornir.tasks.servers.base import base
from hive_nornir.tasks.servers.docker import docker
from hive_nornir.tasks.servers.docker_client import docker_client
from hive_nornir.tasks.servers.docker_client_proxy import docker_client_proxy
from hive_nornir.tasks.servers.drbd import drbd
from hive_nornir.tasks.servers.follow_swarm_service import follow_swarm_service
from hive_nornir.tasks.servers.get_public_ip import get_public_ip
from hive_nornir.tasks.servers.hostsfile import hostsfile
from hive_nornir.tasks.servers.internal_network import internal_network
from hive_nornir.tasks.servers.iptables import iptables
from hive_nornir.tasks.servers.ntp_client import ntp_client
from hive_nornir.tasks.servers.pip_venv import pip_venv
from hive_nornir.tasks.servers.reboot import reboot
from hive_nornir.tasks.servers.rsyslogd_client import rsyslogd_client
from hive_nornir.tasks.servers.ssh_connection import ssh_connection
from hive_nornir.tasks.servers.strict_source_ip import strict_source_ip
from hive_nornir.tasks.servers.tls_certificate import tls_certificate
from hive_nornir.tasks.servers.users import users
from hive_nornir.tasks.servers.zabbix_agent import zabbix_agent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nornir.core import Nornir

    from hive_nornir.plays.phase import PhaseOptions
    from hive_nornir.runs.events import RunProcessor
    from hive_nornir.site import Site
    from hive_nornir.tasks.role import Role

__all__ = ["PLAYS", "SERVERS_PLAY", "check", "plays_of", "run"]

SERVERS_PLAY = "setup hive servers"
PLAYS = (
    Play("preparation", "servers", "setup-hosts", (ssh_connection, get_public_ip)),
    Play(
        SERVERS_PLAY,
        "servers",
        "setup-hosts",
        (
            base,
            hostsfile,
            ntp_client,
            iptables,
            pip_venv,
            addon,
            internal_network,
            users,
            strict_source_ip,
            tls_certificate,
            docker,
            drbd,
            docker_client,
            docker_client_proxy,
            reboot,
            follow_swarm_service,
            zabbix_agent,
        ),
    ),
    Play("TLS log forwarding", "hives", "setup-hosts", (rsyslogd_client,)),
    Play("setup repository and zabbix", "repository", "repository", (docker_compose, zabbix, registry, backup_tools, rsyslogd)),
    Play("build cluster", "hives", "build-cluster", (swarm, reboot)),
    Play("finalisation", "servers", "beforeend-setup-hosts", (addon2,)),
)

# hive-builder's tag of a part of a role. The whole role does no more than that where the rest is as it should be (spec setup-hosts.md 2.3).
PARTS = {"signed": "tls-certificate"}


def plays_of(root: Path | None) -> tuple[Play, ...]:
    """The plays of a site: the built-in ones, with the site's and other packages' roles at the end of "setup hive servers".

    :param root: the site's folder; None is no site.
    :raises DefinitionErrors: a file of the site's own roles is wrong.
    """
    own = own_roles(root)
    return tuple(dataclasses.replace(play, roles=(*play.roles, *own)) if play.title == SERVERS_PLAY else play for play in PLAYS)


def check(site: Site, options: PhaseOptions) -> None:
    """Whether the options and the roles' variables are right; touches nothing.

    :raises UsageError: an unknown role, one that runs on none of the chosen hosts, or an option of another phase.
    :raises DefinitionErrors: a variable is wrong.
    """
    if options.halt or options.destroy:
        raise UsageError("setup-hosts neither halts nor destroys servers", "that is build-infra")
    plays = plays_of(site.context.root)
    _known_roles(plays, options.roles)
    if not any(_chosen(play, site, options) for play in plays):
        names, hosts = ", ".join(options.roles or ()), ", ".join(options.hosts)
        groups = {play.group for play in plays if play.selected(options.roles)}
        raise UsageError(f"none of the roles {names} runs on {hosts}", f"they run on the group {' and '.join(sorted(groups))}")
    site.check()


def run(site: Site, options: PhaseOptions, processor: RunProcessor) -> None:
    """Run the plays one after the other; hosts that failed take no part in the later ones."""
    plays = plays_of(site.context.root)
    if not options.check:
        site.inventory.allocate()
    nornir = site.nornir.with_processors([processor])
    shared = nornir.inventory.defaults.data["hive_run"] = RunOptions(
        GuardGate(), options.allow_reboot, barrier=any(reboot in play.selected(options.roles) for play in plays)
    )
    dry_before, nornir.data.dry_run = nornir.data.dry_run, options.check
    nornir.data.reset_failed_hosts()
    try:
        for play in plays:
            _run_play(nornir, play, site, options, processor)
        if options.roles is None and set(options.hosts) == set(site.inventory.servers) and processor.report.ok and not options.check:
            _note_success(nornir, site.inventory.repository)
    except BaseException:
        shared.stop.set()  # before connections go: a thread that outlives Ctrl-C must not open new ones
        raise
    finally:
        del nornir.inventory.defaults.data["hive_run"]  # whoever runs a task by itself afterwards begins anew
        nornir.data.dry_run = dry_before
        _close(nornir)


def _run_play(nornir: Nornir, play: Play, site: Site, options: PhaseOptions, processor: RunProcessor) -> None:
    if not (chosen := _chosen(play, site, options)):
        return
    roles, hosts = chosen
    names = tuple(role.name for role in roles)
    processor.emit(Event("play-started", options.phase, play.title, hosts=hosts, roles=names))
    selected = nornir.filter(filter_func=lambda host: host.name in hosts)
    try:
        selected.run(task=play_task, name=play.title, roles=roles)
    finally:
        for host in hosts:
            mark_the_rest(processor, play.title, host, names)


def _note_success(nornir: Nornir, repository: str) -> None:
    """Have the repository know when the whole site was last as it should be; Zabbix reads the file's time (swarm-extension.md 5.4)."""
    connection = nornir.inventory.hosts[repository].get_connection("hive", nornir.config)
    connection.run(f"mkdir -p -m 755 {LAST_SETUP.rpartition('/')[0]}; : >{LAST_SETUP}", deadline=20)


def _chosen(play: Play, site: Site, options: PhaseOptions) -> tuple[tuple[Role, ...], tuple[str, ...]] | None:
    """The play's roles and hosts that the options leave; None if they leave none."""
    roles = play.selected(options.roles and [PARTS.get(name, name) for name in options.roles])
    members = set(site.inventory.groups[play.group])
    hosts = tuple(name for name in options.hosts if name in members)
    return (roles, hosts) if roles and hosts else None


def _known_roles(plays: Sequence[Play], names: Sequence[str] | None) -> None:
    if names is None:
        return
    known = {role.name for play in plays for role in play.roles} | {play.tag for play in plays} | PARTS.keys()
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        name = unknown[0] if unknown else ""
        raise UsageError(f"setup-hosts has no role {name!r}", nearest(name, known))


def _close(nornir: Nornir) -> None:
    for host in nornir.inventory.hosts.values():
        for known in ("hive_facts", "hive_restart_planned"):
            host.data.pop(known, None)
        host.close_connections()
