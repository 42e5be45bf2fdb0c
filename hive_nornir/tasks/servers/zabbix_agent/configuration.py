"""The agent's own configuration (spec setup-hosts.md ZAG-5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hive_nornir.errors import UsageError
from hive_nornir.inventory.shared_hosts import SharedHosts
from hive_nornir.tasks.repository.zabbix.stack import TRAPPER_PORT, network
from hive_nornir.tasks.servers.server_certificate import certificate_name

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target
    from hive_nornir.tasks.servers.zabbix_agent.variables import ZabbixAgentVariables

__all__ = ["PORT", "Peers", "configuration", "peers"]

PORT = 10050
# Probes that ask a dead server wait for it (PRB-1); the agent's own three seconds would be over before.
_TIMEOUT = 30

_TEXT = """\
# Written by hive-nornir. Settings of the site's own: {dropin_folder}/*.conf
PidFile={run_folder}/zabbix_agentd.pid
LogFile={log_folder}/zabbix_agentd.log
LogFileSize=0
Hostname={name}
Server={asked_by}
ServerActive={tells}:{port}
Timeout={timeout}
Include={dropin_folder}/*.conf
"""


@dataclass(frozen=True)
class Peers:
    """Who the agent is to its server, and where that is.

    :param name: of this agent.
    :param asked_by: names and addresses from which it is asked.
    :param tells: name or address of the server, which it tells what it watches by itself.
    """

    name: str
    asked_by: tuple[str, ...]
    tells: str


def peers(host: Target, v: ZabbixAgentVariables) -> Peers:
    """As the stage is: the server is a container of the repository.

    :raises UsageError: the shared repository's address is not known yet.
    """
    repository, addresses = host.site.repository, network(v.hive_internal_cidr)
    if host.name != repository:
        return Peers(host.name, ("localhost", repository), repository)
    if v.hive_shared_repository is None:
        return Peers(host.name, ("localhost", addresses.server), repository)
    known = SharedHosts(v.hive_shared_repository.context_dir).known().get(repository)
    if known is None:
        raise UsageError(f"the address of {repository} is not known", "run the role get-public-ip first")
    return Peers(certificate_name(host, shared=True), ("localhost", addresses.server, known), addresses.bridge)


def configuration(host: Target, found: Peers, dropin_folder: str, log_folder: str) -> str:
    """The text of zabbix_agentd.conf."""
    return _TEXT.format(
        dropin_folder=dropin_folder,
        log_folder=log_folder,
        run_folder=host.os.zabbix_agent.run_folder,
        name=found.name,
        asked_by=",".join(found.asked_by),
        tells=found.tells,
        port=TRAPPER_PORT,
        timeout=_TIMEOUT,
    )
