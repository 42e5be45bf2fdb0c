"""Role swarm: one swarm of all hives (spec setup-hosts.md 4.26)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hive_nornir.operations.core import Operation
from hive_nornir.tasks.cluster.hives import Hives, Order
from hive_nornir.tasks.cluster.membership import membership
from hive_nornir.tasks.cluster.networks import gateway_bridge, ingress, ipv6_rules
from hive_nornir.tasks.cluster.node import node
from hive_nornir.tasks.role import Steps, Target, Variables, role
from hive_nornir.tasks.servers.docker_client import certificates

__all__ = ["SwarmVariables", "swarm"]


class SwarmVariables(Variables):
    """What swarm reads."""

    hive_internal_cidr: str | None = Field(None, description="Range from which docker_gwbridge and the ingress network are cut.")
    hive_internal_cidr_v6: str | None = Field(None, description="IPv6 range from which docker_gwbridge is cut.")
    hive_swarm_mode: Literal["manager", "worker"] = Field("manager", description="What the hive is in the swarm; the first is a manager.")
    hive_private_ip: str = Field(description="The hive's address inside the site, by which the others know it.")
    hive_home_dir: str = Field(description="Home of the administrator, whose certificate opens the other hives' Docker.")


@role()
def swarm(host: Target, v: SwarmVariables) -> Steps:
    """Make one swarm of all hives: the first hive founds it, the others join one by one through any manager that answers.

    docker_gwbridge and the ingress network get their parts of internal_cidr; a range that was changed afterwards is refused. Each node has
    a label for every group of the inventory that the hive is in. A membership that is broken is told, and not mended; a hive that was set
    up anew takes the place of its former self. The join token goes from engine to engine, and is seen by nobody.
    """
    hives = Hives.of(host)
    order = host.options.shared("swarm", Order)
    operations = _operations(host, v, hives)
    if host.check:
        yield operations
    elif host.name == hives.first:
        with order.founding():
            yield operations
    elif host.facts.swarm == "active":
        yield operations
    else:
        with order.joining(host, hives.first):
            yield operations


def _operations(host: Target, v: SwarmVariables, hives: Hives) -> list[Operation]:
    folder = certificates(v.hive_home_dir)
    first = host.name == hives.first
    return [
        *gateway_bridge(v.hive_internal_cidr, v.hive_internal_cidr_v6, check=host.check),  # SWM-1
        *([ipv6_rules(v.hive_internal_cidr_v6, host.os.firewall.units_v6)] if v.hive_internal_cidr_v6 else []),  # SWM-5
        membership(hives, folder, check=host.check),  # SWM-2
        *([ingress(v.hive_internal_cidr)] if v.hive_internal_cidr and first else []),  # SWM-3
        node(hives, host.groups, host.site.groups, folder),  # SWM-4, SWM-6
        *(_advice(hives) if first else []),
    ]


def _advice(hives: Hives) -> list[Operation]:
    """SWM-6: what the operator should know of the number of managers."""
    managers = list(hives.modes.values()).count("manager")
    if managers % 2:
        return []
    advice = f"{managers} managers survive no more failures than {managers - 1} would: an odd number is better"
    return [Operation(advice, ":", lambda _seen: None, notice=True)]
