"""Role internal-network: a second interface that the provider attached and did not set up (spec setup-hosts.md 4.9)."""

from __future__ import annotations

from ipaddress import IPv4Interface

from pydantic import Field, model_validator

from hive_nornir.operations import firewall, packages, services
from hive_nornir.operations.core import Operation
from hive_nornir.tasks.role import Target, Variables, role
from hive_nornir.tasks.servers.internal_network.address import address_up, may_be_taken
from hive_nornir.tasks.servers.internal_network.stacks import stack_of

__all__ = ["InternalNetworkVariables", "internal_network"]


class InternalNetworkVariables(Variables):
    """What internal-network reads."""

    hive_internal_net_if: str | None = Field(None, description="The interface, eth1, that gets hive_private_ip.")
    hive_internal_net_addr: str | None = Field(None, description="Address of the network, 10.1.0.0.")
    hive_internal_net_cidr: int | None = Field(None, ge=1, le=30, description="Length of its prefix, 24.")
    hive_private_ip: str = Field(description="The server's address in that network.")

    @model_validator(mode="after")
    def _whole(self) -> InternalNetworkVariables:
        if not self.hive_internal_net_if:
            return self
        if not self.hive_internal_net_addr or not self.hive_internal_net_cidr:
            raise ValueError("hive_internal_net_if needs hive_internal_net_addr and hive_internal_net_cidr")
        if str(self.address.network.network_address) != self.hive_internal_net_addr:
            raise ValueError(
                f"hive_private_ip {self.hive_private_ip} is not in {self.hive_internal_net_addr}/{self.hive_internal_net_cidr}"
            )
        return self

    @property
    def address(self) -> IPv4Interface:
        """The server's address with the length of its prefix."""
        return IPv4Interface(f"{self.hive_private_ip}/{self.hive_internal_net_cidr}")


def _wanted(v: InternalNetworkVariables) -> bool:
    return bool(v.hive_internal_net_if)


@role(when=_wanted, condition="hive_internal_net_if is defined")
def internal_network(host: Target, v: InternalNetworkVariables) -> list[Operation]:
    """Give the interface of the servers' own network its address, by whatever sets up the server's other interfaces.

    That is NetworkManager, netplan, systemd-networkd, ifupdown or network-scripts; a second one is never installed. The interface through
    which the server is managed is refused (L-7), and so is an address that somebody else has. The change undoes itself unless a
    fresh login works. What comes from the network is let in.
    """
    assert v.hive_internal_net_if  # noqa: S101 - or the role would not apply
    stack = stack_of(host, v.hive_internal_net_if, v.address)
    profile = stack.profile()
    return [
        may_be_taken(host, v.hive_internal_net_if, v.address),
        packages.present(host.os.manager, [*host.os.packages.arping, *stack.packages]),
        *([services.running(stack.unit)] if stack.unit else []),  # INET-1
        *profile,  # INET-2
        address_up(v.hive_internal_net_if, v.address, stack, on=profile),
        *firewall.internal_network(host.os, v.hive_internal_net_if, str(v.address.network)),  # INET-3
    ]
