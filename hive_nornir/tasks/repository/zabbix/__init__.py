"""Role zabbix: the monitoring of the site, on the repository server (spec setup-hosts.md 4.22)."""

from __future__ import annotations

from hive_nornir.operations import firewall
from hive_nornir.operations.core import Operation
from hive_nornir.tasks import programs
from hive_nornir.tasks.preconditions import needed
from hive_nornir.tasks.repository.zabbix.access import login, readable_log
from hive_nornir.tasks.repository.zabbix.configured import configured
from hive_nornir.tasks.repository.zabbix.model import model
from hive_nornir.tasks.repository.zabbix.stack import TRAPPER_PORT, secret_files, stack
from hive_nornir.tasks.repository.zabbix.variables import ZabbixVariables
from hive_nornir.tasks.role import Target, role

__all__ = ["ZabbixVariables", "zabbix"]


@role()
def zabbix(host: Target, v: ZabbixVariables) -> list[Operation]:
    """Watch the site's servers and services with Zabbix.

    Its console answers on port 10052 of the server's loopback: `hive-nornir ssh -z` leads there. The password of its user Admin is in the
    file zabbix_admin_password of the context directory.
    """
    secrets = secret_files(host, v)
    containers = stack(v, secrets)
    servers = [str(host.site.scope(name)["hive_private_ip"]) for name in host.site.servers]
    return [
        needed(host, "Docker Compose", "docker compose version", "docker-compose"),
        needed(host, f"zabbix-utils in {programs.VENV}", f"ls -d {programs.VENV}/lib/python3*/site-packages/zabbix_utils", "pip-venv"),
        # F-5, P-9. The members of a shared repository come from outside of the stage, so it is not closed.
        *firewall.published_set(host.os, "zabbix", "tcp", [] if v.hive_shared_repository else [TRAPPER_PORT], servers),
        *(login(each) for each in v.hive_ext_repositories),  # ZBX-2
        *secrets,
        *containers,  # ZBX-1, ZBX-3
        *configured(model(host, v), on=containers),  # ZBX-4 to ZBX-8
        *readable_log(host, v.hive_safe_admin),  # ZBX-9
    ]
