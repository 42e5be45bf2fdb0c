"""The network of a site and stage: one bridge with the stage's own addresses."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any

from hive_nornir.errors import ProviderError
from hive_nornir.inventory.providers.base import ProviderSite
from hive_nornir.inventory.providers.sandbox import machine, names

if TYPE_CHECKING:
    import docker

__all__ = ["create", "find", "gateway", "subnet"]


def subnet(site: ProviderSite) -> IPv4Network:
    """The stage's address range."""
    return IPv4Network(str(site.mother["hive_cidr"]))


def gateway(site: ProviderSite) -> IPv4Address:
    """The mother's address in the stage's network: the first that no server has.

    :raises ProviderError: the servers have them all.
    """
    taken = {server.private_ip for server in site.servers}
    free = next((address for address in subnet(site).hosts() if str(address) not in taken), None)
    if free is None:
        raise ProviderError(f"{subnet(site)} has no address left for this machine", "give the stage a larger cidr")
    return free


def find(client: docker.DockerClient, site: ProviderSite) -> Any | None:
    """The stage's network, if the engine has it.

    :raises ProviderError: there is one of this name, and it belongs to another checkout of the site.
    """
    found = [network for network in client.networks.list(filters=names.filters(site)) if network.name == names.network(site)]
    if not found:
        return None
    if not names.is_mine(site, found[0].attrs["Labels"]):
        raise ProviderError(
            f"network {found[0].name} belongs to another checkout of this site: {found[0].attrs['Labels'][names.CONTEXT]}",
            "destroy it from there, or give one of the two another name or stage",
        )
    return found[0]


def create(client: docker.DockerClient, site: ProviderSite) -> bool:
    """Create the stage's network if it is missing.

    :returns: whether it was missing.
    :raises ProviderError: the address range is in use, by a network that the message names with its owner; or ours has another range.
    """
    import docker
    from docker.types import IPAMConfig, IPAMPool

    wanted = subnet(site)
    found = find(client, site)
    if found is not None:
        if _ranges(found) != [wanted]:
            has = ", ".join(map(str, _ranges(found)))
            raise ProviderError(
                f"network {found.name} has the range {has}, the definitions say {wanted}", "destroy the stage, build it anew"
            )
        return False
    for other in client.networks.list():
        if any(wanted.overlaps(taken) for taken in _ranges(other)):
            raise ProviderError(
                f"the range {wanted} of this stage overlaps network {other.name} of {_owner(other)}",
                "change the stage's cidr, or destroy that one",
            )
    pool = IPAMPool(subnet=str(wanted), gateway=str(gateway(site)))
    options = {"com.docker.network.bridge.name": names.bridge(site), "com.docker.network.driver.mtu": str(machine.mtu())}
    ipam = IPAMConfig(pool_configs=[pool])
    name = names.network(site)
    try:
        client.networks.create(name, driver="bridge", ipam=ipam, options=options, labels=names.labels(site))
    except docker.errors.APIError as error:
        raise ProviderError(
            f"cannot create network {name} with the range {wanted}: {error.explanation}", "change the stage's cidr"
        ) from error
    return True


def _ranges(network: Any) -> list[IPv4Network]:
    entries = (network.attrs.get("IPAM") or {}).get("Config") or []
    return [IPv4Network(entry["Subnet"]) for entry in entries if ":" not in entry.get("Subnet", ":")]


def _owner(network: Any) -> str:
    labels = network.attrs.get("Labels") or {}
    if names.CONTEXT in labels:
        return f"site {labels[names.SITE]}, stage {labels[names.STAGE]} ({labels[names.CONTEXT]})"
    return "another user of this Docker engine"
