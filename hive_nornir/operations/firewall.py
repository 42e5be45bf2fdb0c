"""Operations on the host's packet filter (spec setup-hosts.md 3.2); its model is in `firewall_rules`.

A role that brings rules writes its part into /etc/hive-nornir/firewall.d and has the live chains and the persisted file made anew from
all parts. Nothing here restarts the firewall's service, which would take Docker's rules away (F-2).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Literal

from hive_nornir.operations import _firewall_probes as probes
from hive_nornir.operations import _firewall_shell as shell
from hive_nornir.operations._firewall_decisions import Base, Set
from hive_nornir.operations.core import Operation
from hive_nornir.operations.firewall_rules import Family
from hive_nornir.operations.firewall_sets import InternalNetwork, NamedSet, PublishedSet

if TYPE_CHECKING:
    from hive_nornir.tasks.os_model import OsData

__all__ = ["base_ruleset", "internal_network", "named_set", "published_set"]

Protocol = Literal["tcp", "udp"]


def base_ruleset(
    os: OsData, ssh_ports: Collection[int], *, gateway_ports: Collection[int] = (), ssh_sources: Collection[str] | None = None
) -> list[Operation]:
    """The rules that every server has, live and persisted, for both address families (IPT-2, IPT-4); guarded (hazard L-3).

    Parts that other roles brought stay. IPv6 is left out on a host whose kernel has none. Call it before the old firewall's service is
    stopped, and once more afterwards: firewalld on EL7 takes all chains with it.

    :param ssh_ports: on which sshd is to be reached: the one in use, and the one that it is to have.
    :param gateway_ports: TCP ports of the host that its own containers may reach (P-8).
    :param ssh_sources: who may reach sshd; none at all is everybody, None whoever may now.
    :returns: one operation; deciding raises OperationFailed if the host uses or mixes the legacy variant where the nft one is due (F-6).
    """
    base = Base(_files(os), ssh_ports, gateway_ports, os.firewall.variant, ssh_sources)
    probe = f"{probes.base_probe(base.files)}\n{probes.slow_logins_probe(os.sshd.config, os.sshd.dropin)}"
    return [Operation("packet filter", probe, base.decide, guard=shell.filter_guard(base.files))]


def named_set(os: OsData, name: str, protocol: Protocol, ports: Sequence[int | str], sources: Collection[str]) -> list[Operation]:
    """A consumer's ports are open to its sources, live and persisted (spec 3.2); rules of former sources go (M-3).

    It needs `base_ruleset`, of this run or an earlier one, and says so when it is applied without.

    :param name: of the set, `docker_api_swarm`.
    :param ports: numbers, or ranges `7000:7999`.
    :param sources: addresses and networks of either family; none closes the ports again.
    """
    return [_operation(os, f"firewall set {name}", NamedSet(name, protocol, ports, sources))]


def published_set(os: OsData, name: str, protocol: Protocol, ports: Sequence[int | str], sources: Collection[str]) -> list[Operation]:
    """Ports that Docker publishes are open to these sources only, live and persisted (F-5); rules of former sources go (M-3).

    Docker may be there already, come later, or be restarted; other published ports stay open to all. What containers say to each other is
    not touched, nor what the host says to its own. A container that calls a published port by its host's address counts as a source,
    unless it comes through docker0 or docker_gwbridge. Not guarded: what is forwarded to containers is nobody's way into the host.

    It needs `base_ruleset`, of this run or an earlier one, and says so when it is applied without.

    :param name: of the set, `registry`.
    :param ports: on the host, as published; numbers, or ranges. None at all lifts the restriction.
    :param sources: addresses and networks of either family; none keeps everybody out.
    """
    return [_operation(os, f"published ports {name}", PublishedSet(name, protocol, ports, sources))]


def internal_network(os: OsData, interface: str, source: str) -> list[Operation]:
    """All connections from the servers' own network are let in, live and persisted (INET-3).

    It needs `base_ruleset`, of this run or an earlier one, and says so when it is applied without.

    :param interface: by which they come, eth1.
    :param source: the network, 10.1.0.0/24.
    """
    return [_operation(os, f"connections from {source}", InternalNetwork(interface, source))]


def _operation(os: OsData, title: str, wanted: NamedSet | InternalNetwork) -> Operation:
    files = _files(os)
    return Operation(title, probes.set_probe(wanted, files), Set(files, wanted).decide)


def _files(os: OsData) -> dict[Family, str]:
    return {"v4": os.firewall.file_v4, "v6": os.firewall.file_v6}
