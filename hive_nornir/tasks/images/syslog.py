"""Image role hive-syslog: a standalone container sends its logs to the repository (spec images-networks-volumes-services.md 1.4)."""

from __future__ import annotations

from pydantic import Field

from hive_nornir.errors import HiveError
from hive_nornir.operations import files, packages, services
from hive_nornir.operations.core import Operation
from hive_nornir.tasks.role import Target, Variables, role

__all__ = ["SyslogVariables", "forwarding_text", "hive_syslog"]

_FILE = "/etc/rsyslog.d/hive-forward.conf"


class SyslogVariables(Variables):
    """What hive-syslog reads."""

    hive_standalone: bool = Field(False, description="The container has an init system of its own.")
    hive_safe_syslog_port: int = Field(10514, description="On which the repository receives logs.")
    hive_tls_logging: bool = Field(False, description="Logs are taken over TLS only.")
    hive_registry_fqdn: str = Field(description="The repository's name, `shared-repository` where it is shared.")


def _standalone(v: SyslogVariables) -> bool:
    return v.hive_standalone


@role(when=_standalone, condition="the image is standalone")
def hive_syslog(host: Target, v: SyslogVariables) -> list[Operation]:
    """Install rsyslog, and forward everything from `info` upward to the repository, but for mail, authpriv and cron.

    Over UDP; with hive_tls_logging it refuses, since the repository takes logs from hives alone then.
    """
    if v.hive_tls_logging:
        raise HiveError(
            "hive-syslog cannot send logs with hive_tls_logging: the repository takes them from hives only, each with its certificate",
            "leave the role out and have the services log to standard output",
        )
    repository = host.site.repository
    address = v.hive_registry_fqdn if v.hive_registry_fqdn != repository else str(host.site.scope(repository)["hive_private_ip"])
    forwarding = files.content(_FILE, forwarding_text(address, v.hive_safe_syslog_port))
    return [
        packages.present(host.os.manager, ["rsyslog"]),
        files.directory(_FILE.rpartition("/")[0]),
        forwarding,
        services.running("rsyslog.service", restart_on=[forwarding]),
    ]


def forwarding_text(address: str, port: int) -> str:
    """The daemon's configuration, beside its package's own, which reads the journal in the EL family and /dev/log elsewhere."""
    action = f'action(type="omfwd" target="{address}" port="{port}" protocol="udp")'
    return f"# Written by hive-nornir: role hive-syslog.\n*.info;mail.none;authpriv.none;cron.none {action}\n"
