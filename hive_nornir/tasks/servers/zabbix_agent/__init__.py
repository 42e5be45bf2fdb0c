"""Role zabbix-agent: the monitoring agent with the site's own probes (spec setup-hosts.md 4.19)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_nornir.inventory.shared_hosts import SharedHosts
from hive_nornir.operations import accounts, files, firewall, services
from hive_nornir.operations.commands import command
from hive_nornir.operations.core import Operation, quote
from hive_nornir.tasks import programs
from hive_nornir.tasks.preconditions import needed
from hive_nornir.tasks.repository.zabbix.stack import network
from hive_nornir.tasks.role import Steps, Target, role
from hive_nornir.tasks.servers.api_client import api_client
from hive_nornir.tasks.servers.zabbix_agent import probes, selinux, user_parameters
from hive_nornir.tasks.servers.zabbix_agent.configuration import PORT, configuration, peers
from hive_nornir.tasks.servers.zabbix_agent.source import agent
from hive_nornir.tasks.servers.zabbix_agent.variables import ZabbixAgentVariables

if TYPE_CHECKING:
    from hive_nornir.tasks.servers.api_client import ApiClient

__all__ = ["ZabbixAgentVariables", "zabbix_agent"]

_OLD_CONFIGURATION = "/etc/zabbix_agentd.conf"


@role()
def zabbix_agent(host: Target, v: ZabbixAgentVariables) -> Steps:
    """Run Zabbix' agent, with probes for what Zabbix does not know by itself.

    Hives tell of their services, replicated disks and virtual IPs. The repository's agent asks the swarm, with a certificate of its own
    for Docker's API, which no other server's agent has. Probes that need root may run their exact commands by sudo, and no others.
    """
    names, found = host.os.zabbix_agent, agent(host, v.hive_zabbix_source, v.hive_zabbix_version)
    on_repository = host.name == host.site.repository
    client = api_client(host, probes.ACCOUNT, _certificates(host)) if on_repository else None
    config = files.content(
        names.config, configuration(host, peers(host, v), found.dropin_folder, found.log_folder), mode=0o640, group=probes.ACCOUNT
    )  # ZAG-5
    parameters = _user_parameters(host, v, found.dropin_folder)  # ZAG-6
    # A process has the groups that it was started with.
    reads = [accounts.member(probes.ACCOUNT, group) for group in [host.os.logs.reader_group] if group and on_repository]  # ZBX-9
    outcomes = yield [
        *_preconditions(host),
        *firewall.named_set(host.os, "zabbix_tcp", "tcp", [PORT], _sources(host, v)),  # ZAG-2
        *found.operations,  # ZAG-1
        files.directory(names.home),
        *probes.commands(),  # ZAG-7
        *_of_repository(host, v, client),
        probes.rights(host, selinux=selinux.is_on(host)),  # ZAG-8
        *selinux.policy(host),  # ZAG-9
        config,
        command(
            f"link {_OLD_CONFIGURATION}",
            f"ln -sfn -- {quote(names.config)} {_OLD_CONFIGURATION}",
            unless=f"[ -L {_OLD_CONFIGURATION} ] || [ ! -e {_OLD_CONFIGURATION} ]",
        ),
        *parameters,
        *reads,
        services.running(names.unit, restart_on=[config, *parameters, *reads]),  # ZAG-11
    ]
    if client:
        client.note(outcomes)


def _preconditions(host: Target) -> list[Operation]:
    """T-2: what other roles have to have done."""
    sdk = f"ls -d {programs.VENV}/lib/python3*/site-packages/docker-*.dist-info"
    return [
        needed(host, f"Docker SDK in {programs.VENV}", sdk, "pip-venv"),
        needed(host, "folder for certificates", f"[ -d {host.os.tls.folder}/misc ]", "tls-certificate"),
        needed(host, "chain HIVE-SERVICE in its packet filter", "iptables-save -t filter | grep -q ^:HIVE-SERVICE", "iptables"),
    ]


def _sources(host: Target, v: ZabbixAgentVariables) -> list[str]:
    """Who may reach the agent: the stage's servers, and the monitoring server's container, which the repository sees as itself."""
    if v.hive_internal_net_addr and v.hive_internal_net_cidr:
        servers = [f"{v.hive_internal_net_addr}/{v.hive_internal_net_cidr}"]
    else:
        servers = [str(host.site.scope(name)["hive_private_ip"]) for name in host.site.servers]
    shared = SharedHosts(v.hive_shared_repository.context_dir).known().get(host.site.repository) if v.hive_shared_repository else None
    return list(dict.fromkeys([*servers, network(v.hive_internal_cidr).server, *([shared] if shared else [])]))


def _of_repository(host: Target, v: ZabbixAgentVariables, client: ApiClient | None) -> list[Operation]:
    """The way to the swarm (ZAG-3, ZAG-4, ZAG-10); elsewhere nobody has it, also not from when it was another's (P-7)."""
    home = host.os.zabbix_agent.home
    if client is None:
        return [
            *probes.no_cache_builder(),
            *(files.absent(f"{home}/{name}") for name in (".docker", "docker", "docker-service", "docker-volume-discover")),
        ]
    return [
        files.directory(_certificates(host), mode=0o750, group=probes.ACCOUNT),
        *client.operations,
        *probes.of_repository(home),
        *probes.cache_builder(_hives(host, v), home),
    ]


def _certificates(host: Target) -> str:
    return f"{host.os.zabbix_agent.home}/.docker"


def _hives(host: Target, v: ZabbixAgentVariables) -> dict[str, list[str]]:
    """Hive -> its servers, of all whose services are watched from here."""
    names = v.hive_zabbix_hive_names or [host.site.hive_name]
    known = SharedHosts(v.hive_shared_repository.context_dir).known() if v.hive_shared_repository else {}
    others = {name: [server for server in known if server.endswith(f".{name}")] for name in names}
    return {**{name: servers for name, servers in others.items() if servers}, host.site.hive_name: list(host.site.hives)}


def _user_parameters(host: Target, v: ZabbixAgentVariables, folder: str) -> list[Operation]:
    """A file for each kind of probe that the server has; those of others are not there."""
    names, on_repository, on_hive = host.os.zabbix_agent, host.name == host.site.repository, "hives" in host.groups
    certificates = [f"{host.os.tls.folder}/certs/*_cert.pem", *([f"{_certificates(host)}/cert.pem"] if on_repository else [])]
    texts = {
        "hive-server": user_parameters.server(certificates),
        "docker-service": user_parameters.services(_hives(host, v), names.home) if on_repository else "",
        "docker-volume": user_parameters.volumes(_hives(host, v), names.home) if on_repository else "",
        "drbd-resource": user_parameters.drbd() if on_hive else "",
        "userparameter_systemd_services": user_parameters.systemd() if on_hive else "",
        "ausearch": user_parameters.audit() if selinux.is_on(host) else "",
    }
    return [
        files.content(f"{folder}/{name}.conf", text, mode=0o640, group=probes.ACCOUNT) if text else files.absent(f"{folder}/{name}.conf")
        for name, text in texts.items()
    ]
