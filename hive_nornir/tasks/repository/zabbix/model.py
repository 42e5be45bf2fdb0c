"""What Zabbix is to know of the site: templates, groups and hosts, in the form that hive_onhost.zabbix takes (ZBX-5 to ZBX-8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hive_nornir.errors import UsageError
from hive_nornir.inventory.yaml_source import load_yaml
from hive_nornir.tasks.repository.zabbix import host_templates, repository_templates
from hive_nornir.tasks.repository.zabbix.export import document
from hive_nornir.tasks.repository.zabbix.stack import URL, network
from hive_nornir.tasks.repository.zabbix.variables import ZabbixVariables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hive_nornir.tasks.role import Target

__all__ = ["model"]

HIVES, REPOSITORY, LINUX = "Hives", "Repository server", "Linux servers"
# ZBX-6: Zabbix' own value, and what containers are made of.
_FILE_SYSTEMS = r"^(/dev|/sys|/run|/proc|.+/shm$|/var/lib/docker|/var/lib/containerd)"


def model(host: Target, v: ZabbixVariables) -> dict[str, Any]:
    """Everything that Zabbix is to hold of the site, without secrets."""
    hives = v.hive_zabbix_hive_names or [host.site.hive_name]
    templates = [
        repository_templates.repository_server(hives),
        repository_templates.swarm_services(hives),
        host_templates.hive_server(),
        host_templates.selinux(),
        host_templates.systemd(),
    ]
    return {
        "url": URL,
        "owner": host.site.hive_name,
        "secrets": f"{v.folder}/secrets",
        "unwanted": ["Zabbix server"],
        "groups": [LINUX, HIVES, REPOSITORY],
        "export": document(templates, repository_templates.swarm_triggers(hives)),
        "macros": [{"template": v.hive_zabbix_template, "macro": "{$VFS.FS.FSNAME.NOT_MATCHES}", "value": _FILE_SYSTEMS}],
        "hosts": [_host(host, v, name, address) for name, address in _addresses(host, v).items()],
    }


def _host(host: Target, v: ZabbixVariables, name: str, address: str) -> dict[str, Any]:
    groups, templates = [LINUX], [v.hive_zabbix_template]
    if name == host.site.repository:
        groups.append(REPOSITORY)
        templates += [repository_templates.REPOSITORY, repository_templates.SWARM]
    if name in host.site.hives:
        groups.append(HIVES)
        templates += [host_templates.HIVE, host_templates.SYSTEMD]
        if host.os.selinux.config and host.site.scope(name).get("hive_safe_selinux") != "disabled":
            templates.append(host_templates.SELINUX)
    return {"name": name, "address": address, "groups": groups, "templates": templates}


def _addresses(host: Target, v: ZabbixVariables) -> dict[str, str]:
    """Where the server finds the agents; on a shared repository, where other hives' servers are known to be.

    :raises UsageError: get-public-ip has not run.
    """
    if v.hive_shared_repository is None:
        return {name: str(host.site.scope(name)["hive_private_ip"]) for name in host.site.servers}
    file = v.hive_shared_repository.context_dir / "hosts.yml"
    hosts: Mapping[str, Any] = (load_yaml(file)[0].data or {}) if file.exists() else {}
    known = {**hosts.get(host.site.hive_name, {}), host.site.repository: network(v.hive_internal_cidr).bridge}
    missing = [name for name in host.site.servers if name not in known]
    if missing:
        raise UsageError(f"{file} does not tell the address of {missing[0]}", "run the role get-public-ip first")
    return {name: str(known[name]) for name in host.site.servers}
