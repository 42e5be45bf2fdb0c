"""An overlay network of the swarm (spec images-networks-volumes-services.md 2)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from hive_nornir.errors import OperationFailed
from hive_nornir.inventory.addressing import internal_networks
from hive_nornir.operations.api import ApiChange, ApiStep

if TYPE_CHECKING:
    import docker

    from hive_nornir.tasks.site_object import SiteObject

__all__ = ["overlay_network", "removed_network", "unknown_networks", "wanted_network"]

DEFAULT_NETWORK = "hive_default_network"
# Docker numbers the network by itself and shows it as an option.
_OF_DOCKER = "com.docker.network.driver.overlay.vxlanid_list"
_SECONDS = 60.0


def overlay_network(thing: SiteObject) -> None:
    """The network is in the swarm as it is defined; one that differs is made anew if no service uses it."""
    [first] = thing.site.groups["first_hive"]
    wanted = wanted_network(thing.name, thing.variables, str(thing.site.scope(first).get("hive_internal_cidr") or ""))
    swarm = thing.swarm()

    def decide(found: Mapping[str, Any] | None) -> ApiChange | None:
        if found is None:
            return ApiChange("create", lambda: _create(swarm, wanted), "\n".join(f"+ {line}" for line in _lines(wanted)))
        present = _present(found, wanted)
        if present == wanted:
            return None
        before, after = _lines(present), _lines(wanted)
        diff = "\n".join([*(f"- {line}" for line in before if line not in after), *(f"+ {line}" for line in after if line not in before)])
        if users := _users(swarm, found["Id"]):
            raise OperationFailed(
                f"network {thing.name} differs from its definition and cannot be changed while services use it: {', '.join(users)}\n{diff}",
                f"`hive-nornir run deploy-services --destroy --limit {','.join(users)}`, then build-networks and deploy-services",
            )

        def anew() -> None:
            _remove(swarm, thing.name)
            _create(swarm, wanted)

        return ApiChange("make it anew", anew, diff)

    thing.through_api(ApiStep(f"network {thing.name}", lambda: _inspect(swarm, thing.name), decide))


def removed_network(thing: SiteObject) -> None:
    """The network is not in the swarm any more.

    :raises OperationFailed: services use it.
    """
    swarm = thing.swarm()

    def decide(found: Mapping[str, Any] | None) -> ApiChange | None:
        if found is None:
            return None
        if users := _users(swarm, found["Id"]):
            raise OperationFailed(
                f"network {thing.name} is used by services: {', '.join(users)}",
                f"`hive-nornir run deploy-services --destroy --limit {','.join(users)}` removes them",
            )
        return ApiChange("remove", lambda: _remove(swarm, thing.name), f"- {thing.name}")

    thing.through_api(ApiStep(f"no network {thing.name}", lambda: _inspect(swarm, thing.name), decide))


def unknown_networks(thing: SiteObject) -> None:
    """Tell of overlay networks of the swarm that are not defined; nothing is done to them."""
    known = {*thing.site.networks, DEFAULT_NETWORK}
    found = [str(each.name) for each in thing.swarm().networks.list(filters={"driver": "overlay"}) if not each.attrs.get("Ingress")]
    for name in sorted({name for name in found if name not in known}):
        thing.through_api(ApiStep(f"the swarm has the network {name}, which is not defined", lambda: None, lambda _: None, notice=True))


def wanted_network(name: str, variables: Mapping[str, Any], internal_cidr: str) -> dict[str, Any]:
    """The network as Docker's API calls its parts (`NetworkCreate` in the API's description).

    :param variables: of the network: `hive_driver_opts`, `hive_ipam`.
    :param internal_cidr: the block of the stage's own networks, or "".
    """
    ipam = variables.get("hive_ipam") or {}
    config = [_config(entry) for entry in ipam.get("config") or []]
    if not config and internal_cidr and name == DEFAULT_NETWORK:
        config = [{"Subnet": internal_networks(internal_cidr).default_network}]
    return {
        "Name": name,
        "Driver": "overlay",
        "Attachable": True,
        "EnableIPv6": any(ip_network(entry["Subnet"]).version == 6 for entry in config if "Subnet" in entry),
        "Options": _text(variables.get("hive_driver_opts")),
        "IPAM": {"Driver": str(ipam.get("driver") or "default"), "Options": _text(ipam.get("options")), "Config": config},
    }


_CONFIG_KEYS = {
    "subnet": "Subnet",
    "gateway": "Gateway",
    "ip_range": "IPRange",
    "iprange": "IPRange",
    "aux_addresses": "AuxiliaryAddresses",
}


def _config(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of `ipam.config`, by hive-builder's names or the API's."""
    found = {_CONFIG_KEYS.get(str(key).lower(), str(key)): value for key, value in entry.items()}
    return {key: _text(value) if isinstance(value, Mapping) else str(value) for key, value in found.items()}


def _text(options: Mapping[str, Any] | None) -> dict[str, str]:
    """Options as Docker takes them: text alone; a flag, such as `encrypted`, may be empty."""
    return {str(key): _word(value) for key, value in (options or {}).items()}


def _word(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _present(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What Docker shows, in the parts and, for addresses, the keys that are wanted: it fills in gateways by itself."""
    config: list[dict[str, Any]] = list(found["IPAM"].get("Config") or [])
    keys = [tuple(entry) for entry in wanted["IPAM"]["Config"]]
    if not keys:
        config = []  # Docker chose the addresses
    elif len(config) == len(keys):
        config = [{key: entry.get(key, "") for key in own} for entry, own in zip(config, keys, strict=True)]
    options = {key: value for key, value in (found.get("Options") or {}).items() if key != _OF_DOCKER}
    ipam = {"Driver": found["IPAM"].get("Driver") or "default", "Options": found["IPAM"].get("Options") or {}, "Config": config}
    return {
        "Name": found["Name"],
        "Driver": found["Driver"],
        "Attachable": found["Attachable"],
        "EnableIPv6": bool(found.get("EnableIPv6")),
        "Options": options,
        "IPAM": ipam,
    }


def _lines(network: Mapping[str, Any]) -> list[str]:
    entries = [" ".join(f"{key.lower()} {value}" for key, value in entry.items()) for entry in network["IPAM"]["Config"]]
    plain = [f"{key.lower()} {network[key]}" for key in ("Driver", "Attachable", "EnableIPv6")]
    options = [f"option {key}={value}" for key, value in sorted(network["Options"].items())]
    addresses = [f"addresses by {network['IPAM']['Driver']} {network['IPAM']['Options'] or ''}".rstrip()]
    return [*plain, *options, *addresses, *entries]


def _inspect(swarm: docker.DockerClient, name: str) -> Mapping[str, Any] | None:
    found: list[Mapping[str, Any]] = [each for each in swarm.api.networks(names=[name]) if each["Name"] == name]
    return found[0] if found else None


def _users(swarm: docker.DockerClient, network_id: str) -> list[str]:
    return sorted(str(service.name) for service in swarm.services.list() if network_id in _targets(service.attrs["Spec"]))


def _targets(spec: Mapping[str, Any]) -> Iterable[str]:
    return [each["Target"] for each in [*(spec["TaskTemplate"].get("Networks") or []), *(spec.get("Networks") or [])]]


def _create(swarm: docker.DockerClient, wanted: Mapping[str, Any]) -> None:
    from docker.types import IPAMConfig, IPAMPool

    ipam = wanted["IPAM"]
    pools = [
        IPAMPool(entry.get("Subnet"), entry.get("IPRange"), entry.get("Gateway"), entry.get("AuxiliaryAddresses"))
        for entry in ipam["Config"]
    ]
    swarm.api.create_network(
        wanted["Name"],
        driver=wanted["Driver"],
        options=wanted["Options"],
        ipam=IPAMConfig(ipam["Driver"], pools, ipam["Options"]),
        attachable=wanted["Attachable"],
        enable_ipv6=wanted["EnableIPv6"],
    )

    _wait(
        lambda: _OF_DOCKER in ((_inspect(swarm, wanted["Name"]) or {}).get("Options") or {}), f"network {wanted['Name']} gets no addresses"
    )


def _remove(swarm: docker.DockerClient, name: str) -> None:
    swarm.api.remove_network(name)
    _wait(lambda: _inspect(swarm, name) is None, f"network {name} does not go: see which containers are still attached")


def _wait(done: Callable[[], bool], failure: str) -> None:
    """The swarm's manager gives and takes addresses after it has answered."""
    give_up = time.monotonic() + _SECONDS
    while not done():
        if time.monotonic() > give_up:
            raise OperationFailed(f"{failure}, after {_SECONDS:.0f} s")
        time.sleep(0.1)
