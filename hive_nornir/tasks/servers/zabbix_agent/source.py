"""Where the agent's package comes from, and how it is laid out (spec setup-hosts.md ZAG-1, os-matrix.md 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hive_nornir.errors import UsageError
from hive_nornir.operations import packages
from hive_nornir.operations.core import Operation
from hive_nornir.tasks.servers.docker.signing_key import pinned_key

if TYPE_CHECKING:
    from hive_nornir.tasks.os_model import ZabbixAgent
    from hive_nornir.tasks.role import Target
    from hive_nornir.tasks.servers.zabbix_agent.variables import Source

__all__ = ["Agent", "agent"]

_DEB = """Types: deb
URIs: {url}
Suites: {codename}
Components: main
Signed-By: {key}
"""
_RPM = """[zabbix]
name=Zabbix
baseurl={url}
enabled=1
gpgcheck=1
gpgkey=file://{key}
"""


@dataclass(frozen=True)
class Agent:
    """The agent as its package lays it out.

    :param operations: bring the package.
    :param dropin_folder: for user parameters.
    """

    operations: tuple[Operation, ...]
    dropin_folder: str
    log_folder: str


def agent(host: Target, source: Source, version: str) -> Agent:
    """The agent, of one version line where its makers' repository is used; else as the distribution has it.

    :raises UsageError: the distribution has none.
    """
    names, manager = host.os.zabbix_agent, host.os.manager
    if source == "distribution":
        if not names.fallback:
            raise UsageError(f"{host.name}: its distribution has no package of Zabbix' agent", "set hive_zabbix_source to vendor")
        installed = packages.present(manager, names.fallback)
        # P-45. A server understands older agents.
        words = f"the distribution's Zabbix agent is {names.fallback_line}, not {version}; with hive_zabbix_source: vendor it would be"
        other = [Operation(words, ":", lambda _seen: None, notice=True)] if names.fallback_line != version else []
        return Agent((installed, *other), names.fallback_dropin_folder, names.fallback_log_folder)
    between, build = "=" if manager == "apt" else "-", names.build_of(version)
    wanted = [f"{name}{between}{build}" for name in names.packages]
    return Agent((*_repository(host, names, version), packages.present(manager, wanted)), names.dropin_folder, names.log_folder)


def _repository(host: Target, names: ZabbixAgent, version: str) -> list[Operation]:
    """The repository of Zabbix' makers, trusted by the one key whose fingerprint we know."""
    key = pinned_key(names.key_file, names.key_url, names.key_fingerprint)
    form = _DEB if host.os.manager == "apt" else _RPM
    url = names.repository_of(version, host.facts.major)
    return [
        key,
        *packages.repository(host.os.manager, "zabbix", text=form.format(url=url, codename=host.facts.codename, key=names.key_file)),
    ]
