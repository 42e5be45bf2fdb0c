"""Role rsyslogd-client: what hives log reaches the repository server over TLS (spec setup-hosts.md 4.20)."""

from __future__ import annotations

from pydantic import Field

from hive_nornir.operations import files, packages, services
from hive_nornir.tasks import rsyslog
from hive_nornir.tasks.role import Steps, Target, Variables, role
from hive_nornir.tasks.selinux import port_label

__all__ = ["RsyslogdClientVariables", "forwarding_text", "rsyslogd_client"]


class RsyslogdClientVariables(Variables):
    """What rsyslogd-client reads."""

    hive_tls_logging: bool = Field(False, description="Hives send their logs, and their containers', to the repository over TLS.")
    hive_safe_syslog_port: int = Field(10514, ge=1, le=65535, description="On which the repository receives logs.")
    hive_private_ip: str = Field(description="The server's address inside the site; stands in the certificate.")
    hive_shared_repository: object = Field(None, description="Given when one repository, a container on the mother, serves several hives.")


@role()
def rsyslogd_client(host: Target, v: RsyslogdClientVariables) -> Steps:
    """Send everything that is logged on a hive to the repository, over TLS, where `hive_tls_logging` says so.

    What containers log through Docker's driver syslog without an address is among it, so that they start and run while the repository is
    down: what it does not take is kept in memory, then on disk, and sent later. Without `hive_tls_logging` nothing is sent.
    """
    path = f"{host.os.logs.rsyslog_folder}/docker.conf"
    if not v.hive_tls_logging:
        gone = [files.absent(path)]
        if host.name != host.site.repository:  # whose role rsyslogd comes later, and does it there
            gone.append(rsyslog.no_certificate(host))
        yield [*gone, services.restarted_if_running(rsyslog.UNIT, on=gone)]
        return
    certificate = rsyslog.log_certificate(host, v.hive_private_ip, shared=bool(v.hive_shared_repository))
    config = rsyslog.configuration(path, forwarding_text(host.site.repository, v.hive_safe_syslog_port))  # RSC-2
    outcomes = yield [
        packages.present(host.os.manager, [*host.os.packages.rsyslog, *host.os.packages.rsyslog_tls]),  # RSC-1
        *certificate.operations,
        *port_label(host, "syslogd_port_t", "tcp", v.hive_safe_syslog_port),
        config,
        rsyslog.restarted([config, *certificate.changed]),
    ]
    certificate.note(outcomes)


def forwarding_text(repository: str, port: int) -> str:
    """docker.conf: everything goes to the repository, which has to show that it is that.

    The daemon's own format for forwarding cuts tags off. When the queue is full, messages are dropped here, and local logging goes on
    without waiting.

    :param repository: inventory name.
    """
    return f"""\
# Written by hive-nornir: role rsyslogd-client.
template(name="hive-forward" type="string"
  string="<%pri%>%timereported:::date-rfc3339% %hostname% %syslogtag%%msg:::sp-if-no-1st-sp%%msg%")
action(
  name="hive-repository" type="omfwd" target="{repository}" port="{port}" protocol="tcp" template="hive-forward"
  streamDriver="gtls" streamDriverMode="1" streamDriverAuthMode="x509/name" streamDriverPermittedPeers="{repository}"
  action.resumeRetryCount="-1" action.resumeInterval="10"
  queue.type="LinkedList" queue.size="10000" queue.fileName="hive-repository" queue.maxDiskSpace="1g" queue.saveOnShutdown="on"
  queue.timeoutEnqueue="0"
)
"""
