"""Role rsyslogd: the logs of services and hives are collected on the repository server (spec setup-hosts.md 4.25)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hive_nornir.inventory.shared_hosts import SharedHosts
from hive_nornir.operations import accounts, files, firewall, packages
from hive_nornir.operations.commands import command
from hive_nornir.operations.core import Change, Observed, Operation, quote
from hive_nornir.tasks import rsyslog
from hive_nornir.tasks.repository import service_logs
from hive_nornir.tasks.role import Steps, Target, Variables, role
from hive_nornir.tasks.selinux import port_label
from hive_nornir.tasks.servers.docker.networks import gwbridge_ranges
from hive_nornir.tasks.servers.hostsfile import SharedRepository

__all__ = ["RsyslogdVariables", "rsyslogd"]


class RsyslogdVariables(Variables):
    """What rsyslogd reads."""

    hive_tls_logging: bool = Field(False, description="Logs come over TLS, from hives only; over UDP without it.")
    hive_safe_syslog_port: int = Field(10514, ge=1, le=65535, description="On which logs are received.")
    hive_private_ip: str = Field(description="The server's address inside the site; stands in the certificate.")
    hive_internal_cidr: str | None = Field(None, description="Range from which Docker's networks are cut.")
    hive_internal_net_addr: str | None = Field(None, description="Address of the servers' own network, where they have one.")
    hive_internal_net_cidr: int | None = Field(None, description="The length of its prefix.")
    hive_shared_repository: SharedRepository | None = Field(
        None, description="Given when one repository, a container on the mother, serves several hives."
    )


@role()
def rsyslogd(host: Target, v: RsyslogdVariables) -> Steps:
    """Receive the logs of services and hives, and file them by service.

    What Docker sends for a service (facility local0) goes to /var/log/services/SERVICE.log. Files are rotated weekly, and readable by the
    monitoring agent's group. Over UDP senders are believed; `hive_tls_logging` wants a certificate of them.
    """
    logs, port = host.os.logs, v.hive_safe_syslog_port
    protocol: Literal["tcp", "udp"] = "tcp" if v.hive_tls_logging else "udp"
    servers = _servers(host, v)
    certificate = rsyslog.log_certificate(host, v.hive_private_ip, shared=bool(v.hive_shared_repository)) if v.hive_tls_logging else None
    if certificate:
        listener = service_logs.tcp_listener(port, [name for name in servers if name != host.name or name in host.site.hives])
    else:
        listener = service_logs.udp_listener(port)
    tls = list(certificate.operations) if certificate else [rsyslog.no_certificate(host)]
    # A daemon that gives up root's rights cannot give files away: their folder's group is theirs.
    group = service_logs.GROUP if logs.owner == "root" else ""
    text = service_logs.configuration_text(listener, servers, group=group, umask=logs.umask)
    config = rsyslog.configuration(f"{logs.rsyslog_folder}/services.conf", text)  # RSL-2
    profile = _profile(host)
    outcomes = yield [
        *firewall.named_set(host.os, "syslog", protocol, [port], _sources(host, v, servers)),  # RSL-6
        packages.present(host.os.manager, _packages(host, tls=v.hive_tls_logging)),  # RSL-1
        accounts.group(service_logs.GROUP, system=True),  # ZBX-9
        *tls,
        files.directory(service_logs.INCLUDES, mode=0o775),  # RSL-3
        *_places(logs.owner),  # RSL-6
        *port_label(host, "syslogd_port_t", protocol, port),
        *profile,
        config,
        files.content(logs.service_logrotate, service_logs.rotation_text(logs.owner), validate='logrotate -d "$hv_v" >&2'),  # RSL-5
        rsyslog.restarted([config, *(certificate.changed if certificate else tls), *profile]),
    ]
    if certificate:
        certificate.note(outcomes)


def _packages(host: Target, *, tls: bool) -> list[str]:
    names = host.os.packages
    return [*names.rsyslog, *names.logrotate, *(names.rsyslog_tls if tls else ())]


def _servers(host: Target, v: RsyslogdVariables) -> dict[str, str]:
    """Name -> address of those whose Docker and system may send: the stage's servers, or those of all hives that share the repository."""
    own = {name: str(host.site.scope(name)["hive_private_ip"]) for name in host.site.servers}
    if v.hive_shared_repository is None:
        return own
    return {**own, **SharedHosts(v.hive_shared_repository.context_dir).known()}


def _sources(host: Target, v: RsyslogdVariables, servers: dict[str, str]) -> list[str]:
    """Whom the packet filter lets in: spec 3.2, and containers that run on this server."""
    own = list(servers.values())
    if v.hive_internal_net_addr and v.hive_internal_net_cidr and v.hive_shared_repository is None:
        own = [f"{v.hive_internal_net_addr}/{v.hive_internal_net_cidr}"]
    return [*own, *gwbridge_ranges(v.hive_internal_cidr, host.facts.interfaces)]


def _places(owner: str) -> list[Operation]:
    """The folder of the services' logs, and the two files beside it, which only root could make."""
    group = service_logs.GROUP
    made = [files.directory(service_logs.FOLDER, mode=0o750 if owner == "root" else 0o2750, owner=owner, group=group)]
    for path in (service_logs.ERRORS, service_logs.OTHERS):
        make = f"install -m 640 -o {quote(owner)} -g {group} /dev/null {path}"
        made += [command(f"log {path}", make, creates=path), files.rights(path, mode=0o640, owner=owner, group=group)]
    return made


def _profile(host: Target) -> list[Operation]:
    """What AppArmor has to allow beside the usual: the includes, and the key outside of the standard folders (os-matrix.md 6)."""
    path = host.os.logs.apparmor
    if not path:
        return []
    rules = [f"{service_logs.INCLUDES}/ r,", f"{service_logs.INCLUDES}/** r,", f"{host.os.tls.folder}/** r,"]
    block = files.block(path, rules, marker="rsyslogd", create=False)
    loaded = "grep -qs rsyslogd /sys/kernel/security/apparmor/profiles"  # one that is not, is none of ours to load
    load = f"! {loaded} || apparmor_parser -r {quote(path.replace('/local/', '/'))}"

    def decide(seen: Observed) -> Change | None:
        return Change("load it anew", load) if seen.triggered else None

    return [block, Operation("AppArmor profile of rsyslogd", ":", decide, triggered_by=(block,))]
