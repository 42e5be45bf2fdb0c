"""Role strict-source-ip: who may reach sshd, and on which port (spec setup-hosts.md 4.11, hazards L-1 and L-2)."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from pydantic import Field, field_validator

from hive_nornir.errors import OperationFailed
from hive_nornir.operations import firewall
from hive_nornir.operations.core import Change, Observed, Operation
from hive_nornir.tasks.role import Steps, Target, Variables, role
from hive_nornir.tasks.servers.strict_source_ip.connection_data import follow_port
from hive_nornir.tasks.servers.strict_source_ip.listening import listens_on, port_guard, port_label

__all__ = ["StrictSourceIpVariables", "strict_source_ip"]


class StrictSourceIpVariables(Variables):
    """What strict-source-ip reads."""

    hive_ssh_source_ips: list[str] | None = Field(None, description="Addresses and networks, of either family, that may reach sshd.")
    hive_sshd_port: int | None = Field(None, ge=1, le=65535, description="Where sshd listens; as it is if unset.")
    hive_safe_sshd_port: int = Field(22, description="Another name of hive_sshd_port.")
    hive_gwbridge_ports: list[int] = Field(
        default_factory=list, description="TCP ports of the server that containers may reach through docker_gwbridge."
    )

    @field_validator("hive_ssh_source_ips")
    @classmethod
    def _networks(cls, sources: list[str] | None) -> list[str] | None:
        for source in sources or ():
            ip_network(source, strict=False)
        if sources == []:
            raise ValueError("nobody could log in; leave it out if everybody may")
        return sources


def _wanted(v: StrictSourceIpVariables) -> bool:
    return v.hive_ssh_source_ips is not None or v.hive_sshd_port is not None


@role(when=_wanted, condition="hive_ssh_source_ips or hive_sshd_port is defined")
def strict_source_ip(host: Target, v: StrictSourceIpVariables) -> Steps:
    """Let only the site's sources reach sshd, and move it to the site's port.

    Refused if the address that we come from is not among the sources. A new port is opened beside the old one, in the packet filter and by
    sshd; when a fresh login on it has worked, the site's own connection data follow, and the old one is closed, which is proved
    by another login. Whatever fails undoes itself.
    """
    new = v.hive_sshd_port or v.hive_safe_sshd_port
    now = {int(port) for port in host.facts.sshd.get("port", "").split()} or {host.facts.ssh_port}
    yield [_we_are_let_in(host, v)]
    if now != {new} and not host.check:
        both = {*now, new}
        guard = port_guard(host.os, "opening sshd's new port", new)
        yield [*port_label(host, new), *_rules(host, v, both), *listens_on(host.os.sshd, both, guard)]
        follow_port(host, new)
    guard = port_guard(host.os, "closing sshd's old port", new)
    yield [*port_label(host, new), *listens_on(host.os.sshd, {new}, guard), *_rules(host, v, {new})]


def _rules(host: Target, v: StrictSourceIpVariables, ports: set[int]) -> list[Operation]:
    """SSI-1, SSI-2, in one transaction; whoever is connected stays (L-2)."""
    return firewall.base_ruleset(host.os, ports, gateway_ports=v.hive_gwbridge_ports, ssh_sources=v.hive_ssh_source_ips)


def _we_are_let_in(host: Target, v: StrictSourceIpVariables) -> Operation:
    """L-2: the address that the mother comes from, as the server sees it, is one of the sources."""

    def decide(_: Observed) -> Change | None:
        client = host.facts.ssh_client
        if v.hive_ssh_source_ips is None or not client or _covered(client, v.hive_ssh_source_ips):
            return None
        raise OperationFailed(
            f"we reach {host.name} from {client}, which hive_ssh_source_ips does not let in",
            "add it, or run this from an address that it has",
        )

    return Operation("our own address is among the sources", ":", decide)


def _covered(client: str, sources: list[str]) -> bool:
    address = ip_address(client.partition("%")[0])
    return any(address in network for source in sources if (network := ip_network(source, strict=False)).version == address.version)
