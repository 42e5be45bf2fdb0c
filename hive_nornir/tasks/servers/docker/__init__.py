"""Role docker: the container engine, its remote API and what its nodes say to each other (spec setup-hosts.md 4.13)."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

from pydantic import Field, field_validator

from hive_nornir.inventory.addressing import MAX_INTERNAL_PREFIX
from hive_nornir.operations import accounts, files, firewall, services, system
from hive_nornir.operations.core import Operation, quote
from hive_nornir.tasks.preconditions import needed
from hive_nornir.tasks.role import Steps, Target, Variables, role
from hive_nornir.tasks.servers.api_client import accepted_clients
from hive_nornir.tasks.servers.base.limits import is_container
from hive_nornir.tasks.servers.docker.daemon import API_PORT, configuration, configuration_file, override
from hive_nornir.tasks.servers.docker.networks import bridge_address, bridge_ranges, no_overlap
from hive_nornir.tasks.servers.docker.proxy import proxy_in_use
from hive_nornir.tasks.servers.docker.source import Source, engine
from hive_nornir.tasks.servers.server_certificate import certificate_name

__all__ = ["DockerVariables", "docker"]

SWARM_PORT, GOSSIP_PORT, VXLAN_PORT = 2377, 7946, 4789


class DockerVariables(Variables):
    """What docker reads."""

    hive_docker_source: Source = Field(
        "auto",
        description="docker-ce: the maker's repository; distribution: the distribution's own package; auto: docker-ce where there is one.",
    )
    hive_docker_version: str = Field(
        "", description="Version of the engine's packages as apt or dnf writes it, stars allowed; the newest without it."
    )
    hive_private_ip: str = Field(description="The server's address inside the site; the API listens on it.")
    hive_internal_cidr: str | None = Field(
        None, description="Range from which Docker's networks are cut; docker0 is 172.17.128.1/16 without it."
    )
    hive_internal_cidr_v6: str | None = Field(None, description="IPv6 range of docker_gwbridge; Docker filters IPv6 too then.")
    hive_registry_mirror: str | None = Field(None, description="URL of a mirror of Docker Hub.")
    hive_http_proxy: object = Field(None, description="When set, containers may use the proxy of the servers.")
    hive_http_proxy_port: int = Field(3128, description="The proxy's port.")
    hive_safe_admin: str = Field("admin", description="The administrator's account, which joins the group docker.")
    hive_provider: str = Field("", description="The infrastructure; gcp's images forbid forwarding.")
    hive_internal_net_addr: str | None = Field(None, description="Address of the servers' own network, where they have one.")
    hive_internal_net_cidr: int | None = Field(None, description="The length of its prefix.")
    hive_shared_repository: object = Field(None, description="Given when one repository, a container on the mother, serves several hives.")

    @field_validator("hive_internal_cidr")
    @classmethod
    def _large_enough(cls, value: str | None) -> str | None:
        if value and IPv4Network(value).prefixlen > MAX_INTERNAL_PREFIX:
            raise ValueError(f"{value} is too small, /{MAX_INTERNAL_PREFIX} at least")
        return value


@role()
def docker(host: Target, v: DockerVariables) -> Steps:
    """Install Docker and let it listen to the other servers, over TLS and only for clients with a certificate that is meant for it.

    The site's ranges for Docker's networks must be free. The engine is restarted when its configuration changed. The administrator joins
    the group docker, and is logged in anew, since that counts from its next login.
    """
    clients = accepted_clients(host)
    settings = configuration_file(_settings(host, v))
    drop_in = override(host.os.docker, bridge_address(v.hive_internal_cidr))
    reload = services.daemon_reload(on=[drop_in])
    proxy = proxy_in_use(host.os, v.hive_private_ip)
    yield [
        *_preconditions(host, v),
        no_overlap(v.hive_internal_cidr, _addresses(host)),  # DOC-8
        *_forwarding(host, v),  # DOC-6
        *_open_ports(host, v),  # DOC-5
        *engine(host, v.hive_docker_source, v.hive_docker_version),  # DOC-1
        files.directory("/etc/docker", mode=0o700),
        # Containers' environments are in files that everybody might read there (CVE-2024-25621).
        files.directory("/var/lib/containerd", mode=0o700),
        clients.file,  # P-10
        settings,  # DOC-2
        drop_in,  # DOC-3
        reload,
        proxy,  # DCP-2
        replace(accounts.member(v.hive_safe_admin, "docker"), relogin=True),  # DOC-4, H-6
        services.running(host.os.docker.unit, restart_on=[clients.file, settings, drop_in, reload, proxy]),  # DOC-7
        *clients.notices,
    ]
    clients.note()


def _preconditions(host: Target, v: DockerVariables) -> list[Operation]:
    """T-2: what other roles have to have done."""
    name = certificate_name(host, shared=bool(v.hive_shared_repository))
    key, certificate = quote(host.os.tls.key(name)), quote(host.os.tls.certificate(name))
    found = [
        needed(host, "certificate of its own", f"[ -e {key} ] && [ -e {certificate} ]", "tls-certificate"),
        needed(host, "chain HIVE-SERVICE in its packet filter", "iptables-save -t filter | grep -q ^:HIVE-SERVICE", "iptables"),
    ]
    if any("modules-extra" in package for package in host.os.kernel.packages) and not is_container(host.facts):
        found.append(needed(host, "kernel module xt_addrtype", "modprobe -n xt_addrtype", "base"))
    return found


def _settings(host: Target, v: DockerVariables) -> dict[str, Any]:
    name = certificate_name(host, shared=bool(v.hive_shared_repository))
    return configuration(
        # Clients of a shared repository come from outside of the site.
        address="0.0.0.0" if v.hive_shared_repository else v.hive_private_ip,  # noqa: S104
        ca=host.os.tls.api_client_ca,
        certificate=host.os.tls.certificate(name),
        key=host.os.tls.key(name),
        mirror=v.hive_registry_mirror,
        ipv6=bool(v.hive_internal_cidr_v6),
        vfs=name != host.name,
    )


def _addresses(host: Target) -> dict[str, str]:
    """Whose addresses Docker's networks must not swallow."""
    found = {name: str(host.site.scope(name)["hive_private_ip"]) for name in host.site.servers}
    return found | ({"this machine": host.facts.ssh_client} if host.facts.ssh_client else {})


def _forwarding(host: Target, v: DockerVariables) -> list[Operation]:
    """Google's images forbid it in a file that is read before ours."""
    if v.hive_provider != "gcp":
        return []
    names = ("net.ipv4.ip_forward", "net.ipv4.conf.all.send_redirects", "net.ipv4.conf.default.send_redirects")
    return [system.sysctl(host.os.sysctl_file, dict.fromkeys(names, 1))]


def _open_ports(host: Target, v: DockerVariables) -> list[Operation]:
    """The named sets of spec 3.2: open to the servers of the stage, the proxy to containers too."""
    if v.hive_internal_net_addr and v.hive_internal_net_cidr:
        sources = [f"{v.hive_internal_net_addr}/{v.hive_internal_net_cidr}"]
    else:
        sources = [str(host.site.scope(name)["hive_private_ip"]) for name in host.site.servers]
    proxy = [*sources, *bridge_ranges(v.hive_internal_cidr, host.facts.interfaces)] if v.hive_http_proxy else []
    return [
        *firewall.named_set(host.os, "docker_api_swarm", "tcp", [API_PORT, SWARM_PORT, GOSSIP_PORT], sources),
        *firewall.named_set(host.os, "docker_swarm_udp", "udp", [GOSSIP_PORT, VXLAN_PORT], sources),
        *firewall.named_set(host.os, "http_proxy", "tcp", [v.hive_http_proxy_port], proxy),
    ]
