"""L-7: an interface may be taken only when nobody is managed through it; and the address that it then has."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Interface
from typing import TYPE_CHECKING

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Change, Observed, Operation, quote

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target
    from hive_nornir.tasks.servers.internal_network.stacks import Stack

__all__ = ["address_up", "may_be_taken"]

_HINT = "name its internal interface in hive_internal_net_if"


def may_be_taken(host: Target, interface: str, address: IPv4Interface) -> Operation:
    """Fails for an interface that is not there, that has the default route, or by which we are connected, unless it is as wanted."""
    ours = host.transport.target.hostname

    def decide(seen: Observed) -> Change | None:
        if seen.exit_code:
            names = ", ".join(found.name for found in host.facts.interfaces if found.name != "lo")
            raise OperationFailed(f"{host.name} has no interface {interface}", f"it has {names}; see hive_internal_net_if")
        addresses = _addresses(seen.text)
        if addresses == [str(address)]:
            return None
        if host.facts.default_route == interface:
            raise OperationFailed(
                f"{interface} of {host.name} has the default route", "name its internal interface in hive_internal_net_if"
            )
        if ours in (found.split("/")[0] for found in addresses):
            raise OperationFailed(f"{host.name} is managed through {interface}", _HINT)
        return None

    return Operation(f"interface {interface} may be taken", _look(interface), decide)


def address_up(interface: str, address: IPv4Interface, stack: Stack, *, on: Sequence[Operation]) -> Operation:
    """The interface has exactly the address, and by the stack's doing: it is brought up again when the profile changed."""

    def decide(seen: Observed) -> Change | None:
        addresses = _addresses(seen.text)
        if addresses == [str(address)] and not seen.triggered:
            return None
        diff = "\n".join([*(f"- {found}" for found in addresses if found != str(address)), f"+ {address}"])
        free = "" if str(address) in addresses else _nobody_has(interface, address)
        # The wanted one goes too: the stack takes it away and brings it back, and must not be believed before it has.
        # One may have gone with another of its network; what is there in the end is read back.
        others = [f"ip addr del {quote(found)} dev {quote(interface)} || :" for found in addresses if found != str(address)]
        return Change(f"up with {address}", "\n".join([*filter(None, [free]), *others, stack.bring_up(), _wait(interface, address)]), diff)

    return Operation(f"address of {interface}", _look(interface), decide, triggered_by=tuple(on), guard=stack.guard())


def _look(interface: str) -> str:
    return f"ip -o -4 addr show dev {quote(interface)}"


def _addresses(text: str) -> list[str]:
    """The addresses with their prefix lengths, from `ip -o -4 addr`."""
    words = [line.split() for line in text.splitlines()]
    return [word[word.index("inet") + 1] for word in words if "inet" in word]


def _nobody_has(interface: str, address: IPv4Interface) -> str:
    """Shell: fails when somebody in the network answers for the address (RFC 5227; arping -D of iputils)."""
    link = f"ip link set dev {quote(interface)} up"
    return (
        f"{link}\narping -D -q -c 2 -w 3 -I {quote(interface)} {address.ip} || {{ echo 'another machine has {address.ip}' >&2; exit 1; }}"
    )


def _wait(interface: str, address: IPv4Interface) -> str:
    """Shell: until the address has been there for a second, since a stack may take it away and bring it back."""
    look = f"ip -o -4 addr show dev {quote(interface)} | grep -qF 'inet {address} '"
    return (
        f"i=0; hv_there=0; while [ $hv_there -lt 6 ]; do if {look}; then hv_there=$((hv_there+1)); else hv_there=0; fi; i=$((i+1))\n"
        "[ $i -lt 100 ] || { echo 'the address did not come up' >&2; exit 1; }; sleep 0.2; done"
    )
