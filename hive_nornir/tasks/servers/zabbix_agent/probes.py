"""The programs that the agent runs, and what root lets it (spec setup-hosts.md ZAG-3, ZAG-4, ZAG-7, ZAG-8, ZAG-10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hive_nornir.operations import accounts, files, services
from hive_nornir.operations.commands import command
from hive_nornir.operations.core import Operation, quote
from hive_nornir.tasks import programs
from hive_onhost.probes import superuser

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target

__all__ = ["ACCOUNT", "cache_builder", "commands", "no_cache_builder", "of_repository", "rights"]

ACCOUNT = "zabbix"
_COMMANDS = (
    "hive-audit-count",
    "hive-certificate-days",
    "hive-drbd-status",
    "hive-service-discovery",
    "hive-service-restart",
    "hive-vip-missing",
)
_BLACKLIST = r"""# Written by hive-nornir. Services of systemd that are not watched: regular expressions, one a line.
^kdump\.service$
^ec2-instance-connect\.service$
^cloud-config\.service$
getty@.*\.service$
^network\.service$
"""
_UNITS, _BUILDER = "/etc/systemd/system", "zabbix-agent-cache-builder"
_SERVICE = """\
[Unit]
Description=Find the services inside of standalone services, for Zabbix' agent
RefuseManualStop=yes

[Service]
Type=oneshot
User={account}
Group={account}
WorkingDirectory={home}
Environment=HOME={home}
ExecStart=/bin/sh -c {script}
"""
_TIMER = """\
[Unit]
Description=Find the services inside of standalone services every hour

[Timer]
OnBootSec=5min
OnUnitActiveSec=1h

[Install]
WantedBy=timers.target
"""


def commands() -> list[Operation]:
    """The programs of every server, and which services they leave out."""
    return [
        programs.program("hive_onhost"),
        *(programs.command(name, "hive_onhost") for name in _COMMANDS),
        files.content("/etc/zabbix/service_discovery_blacklist", _BLACKLIST),
    ]


def of_repository(home: str) -> list[Operation]:
    """The programs that ask the swarm, which are the repository's alone, and their cache (PRB-3)."""
    environment, program = f"{home}/docker", programs.path("hive_onhost")
    replace = f"rm -rf -- {environment}; ln -s {programs.VENV} {environment}"
    return [
        # hive-builder had an environment there that was the agent's own to change.
        command(f"environment {environment}", replace, unless=f'[ "$(readlink {environment})" = {programs.VENV} ]'),
        *(files.link(f"{home}/{name}", program) for name in ("docker-service", "docker-volume-discover")),
        files.directory(f"{home}/hive-cache", mode=0o750, owner=ACCOUNT, group=ACCOUNT),
    ]


def cache_builder(hives: Mapping[str, Sequence[str]], home: str) -> list[Operation]:
    """The service that keeps the cache fresh, and its timer (ZAG-10); every hive has its turn, also after one that cannot be asked."""
    ask = f"{home}/docker-service --discover-innerservice --dispose 2"
    script = "code=0; " + "; ".join(f"{ask} {' '.join(servers)} >/dev/null || code=1" for servers in hives.values()) + "; exit $$code"
    text = _SERVICE.format(account=ACCOUNT, home=home, script=quote(script))
    timer = services.unit_file(f"{_UNITS}/{_BUILDER}.timer", _TIMER)
    return [
        *services.unit_file(f"{_UNITS}/{_BUILDER}.service", text),
        *timer,
        services.running(f"{_BUILDER}.timer", restart_on=timer),
    ]


def no_cache_builder() -> list[Operation]:
    """What there is of it on a server that is not the repository, or not any more."""
    gone = [files.absent(f"{_UNITS}/{_BUILDER}.{kind}") for kind in ("service", "timer")]
    return [services.stopped(f"{_BUILDER}.timer"), *gone, services.daemon_reload(on=gone)]


def rights(host: Target, *, selinux: bool) -> Operation:
    """What the agent may do as root: exactly the commands of its probes; where it needs none, nothing."""
    needed = [superuser.DRBD_RESOURCES, superuser.DRBD_STATUS] if "hives" in host.groups else []
    needed += [superuser.AUDIT] if selinux else []
    if not needed:
        return files.absent(f"/etc/sudoers.d/{ACCOUNT}")
    allowed = ", ".join(each.replace(",", r"\,") for each in needed)
    return accounts.sudoers(ACCOUNT, f"Defaults:{ACCOUNT} !requiretty\n{ACCOUNT} ALL=(root) NOPASSWD: {allowed}")
