"""What must hold between the attributes of one stage (spec inventory.md 2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from hive_nornir.errors import UsageError, nearest
from hive_nornir.inventory.addressing import MAX_INTERNAL_PREFIX, Subnet, assign_addresses
from hive_nornir.inventory.definitions.findings import Finding
from hive_nornir.inventory.definitions.stage import StageDefinition

__all__ = ["BUILTIN_PROVIDERS", "PREFIXES", "check_stage", "stage_subnets"]

BUILTIN_PROVIDERS = ("vagrant", "aws", "azure", "gcp", "openstack", "prepared", "kickstart", "sandbox")
PREFIXES = {"private": "p-", "staging": "s-", "production": ""}

_CLOUDS = ("aws", "azure", "gcp")
_MAX_NAME = 54
_RESERVED_BY_ROUTER, _RESERVED_BY_CLOUD = 3, 4
_ONLY_WITH = {
    "kickstart_config": ("kickstart",),
    "memory_size": ("vagrant", "sandbox", "kickstart", "prepared"),
    "repository_memory_size": ("vagrant", "sandbox"),
    "bridge": ("vagrant",),
    "dev": ("vagrant",),
    "prepared_resource_group": ("azure",),
    "not_support_az": ("azure",),
}
_NOT_WITH = {"region": ("vagrant", "sandbox"), "instance_type": ("vagrant", "sandbox")}


@dataclass(frozen=True)
class _View:
    """A stage as the rules see it.

    :param raw: the map as it is written; a key may stand here and have been wrong, so that `stage` lacks it.
    """

    hive_name: str
    name: str
    stage: StageDefinition
    raw: dict[str, Any]
    providers: tuple[str, ...]

    @property
    def given(self) -> set[str]:
        return set(self.stage.model_fields_set)


def stage_subnets(hive_name: str, stage_name: str, stage: StageDefinition) -> list[Subnet]:
    """The pools of addresses of a stage: its subnets, else one for the whole of `cidr`, with every name filled in."""
    if stage.subnets is None:
        listed = tuple(stage.ip_address_list or ())
        return [Subnet(f"{hive_name}-default", stage.cidr, _RESERVED_BY_ROUTER, addresses=listed)]
    prefix = PREFIXES[stage_name]
    return [
        Subnet(subnet.name or f"{prefix}subnet{index}", subnet.cidr, _RESERVED_BY_CLOUD, subnet.available_zone or None)
        for index, subnet in enumerate(stage.subnets)
    ]


def check_stage(hive_name: str, name: str, stage: StageDefinition, raw: dict[str, Any], providers: tuple[str, ...]) -> list[Finding]:
    """Everything that is wrong between a stage's attributes.

    :param raw: the stage as it is written; `stage` holds its valid part.
    :param providers: the known infrastructures, built in or from other packages.
    """
    view = _View(hive_name, name, stage, raw, providers)
    return [finding for rule in _RULES for finding in rule(view)]


def _values_are_given(view: _View) -> Iterator[Finding]:
    for key, value in view.raw.items():
        if value is None and key in view.given:
            yield Finding((key,), "has no value", "give one or remove the line")


def _provider_is_known(view: _View) -> Iterator[Finding]:
    provider = view.stage.provider
    if provider and provider not in view.providers:
        yield Finding(("provider",), f"unknown provider {provider!r}", nearest(provider, view.providers))


def _attributes_fit_provider(view: _View) -> Iterator[Finding]:
    provider = view.stage.provider
    if provider not in BUILTIN_PROVIDERS:  # what another package's provider takes is its own affair
        return
    for key, allowed in _ONLY_WITH.items():
        if key in view.given and provider not in allowed:
            yield Finding((key,), f"is only possible with provider {' or '.join(allowed)}, not with {provider}", "remove it")
    for key, barred in _NOT_WITH.items():
        if key in view.given and provider in barred:
            yield Finding((key,), f"is not possible with provider {provider}", "remove it")
    if "image_name" in view.given and isinstance(view.stage.image_name, str) == (provider == "azure"):
        wanted = "a map with offer, publisher, sku and version" if provider == "azure" else "the image's name"
        yield Finding(("image_name",), f"expected {wanted} with provider {provider}")


def _clouds_need_sizes(view: _View) -> Iterator[Finding]:
    stage = view.stage
    if stage.provider not in _CLOUDS:
        return
    needed = ["region", "instance_type"]
    if stage.separate_repository and "shared_repository" not in view.raw:
        needed.append("repository_instance_type")
    for key in needed:
        if key not in view.raw:
            yield Finding((), f"{key} is missing", f"provider {stage.provider} needs it")


def _aws_needs_zones(view: _View) -> Iterator[Finding]:
    if view.stage.provider != "aws":
        return
    if "subnets" not in view.raw:
        yield Finding((), "subnets is missing", "provider aws needs subnets, each with cidr, name and available_zone")
    for index, subnet in enumerate(view.stage.subnets or []):
        for key in ("name", "available_zone"):
            if not getattr(subnet, key):
                yield Finding(("subnets", index), f"{key} is missing", "provider aws needs it in every subnet")


def _hostname_is_legal(view: _View) -> Iterator[Finding]:
    custom = view.stage.custom_hostname
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*[a-z0-9]", custom):
        yield Finding(
            ("custom_hostname",),
            f"{custom!r} is no host name",
            "lower-case letters, digits and hyphens, two or more, no hyphen at the ends",
        )
    elif len(custom) + len(view.hive_name) > _MAX_NAME:
        steps = ("custom_hostname",) if "custom_hostname" in view.given else ()
        yield Finding(steps, f"custom_hostname and the hive's name have more than {_MAX_NAME} characters together", "shorten one")


def _instance_names_are_legal(view: _View) -> Iterator[Finding]:
    if view.stage.provider != "gcp" or not view.hive_name:
        return
    host = f"{PREFIXES[view.name]}{view.stage.custom_hostname}{view.stage.host_count - 1}.{view.hive_name}".replace(".", "-")
    if not re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", host):
        yield Finding(
            (), f"{host!r} is no legal instance name for gcp", "63 lower-case letters, digits and hyphens at most, a letter first"
        )


def _hosts_are_enough(view: _View) -> Iterator[Finding]:
    stage = view.stage
    if stage.separate_repository and stage.host_count == 1:
        steps = ("ip_address_list",) if stage.ip_address_list else ("number_of_hosts",)
        yield Finding(steps, "one host cannot be hive and separate repository", "2 hosts or more, or separate_repository: false")


def _addresses_suffice(view: _View) -> Iterator[Finding]:
    stage = view.stage
    listed = stage.ip_address_list or []
    for index, address in enumerate(listed):
        if address in listed[:index]:
            yield Finding(("ip_address_list", index), f"{address} is listed twice")
    if stage.subnets and listed:
        yield Finding(("ip_address_list",), "is not possible together with subnets", "use number_of_hosts, or remove subnets")
        return
    if ("subnets" in view.raw and not stage.subnets) or not (stage.subnets or stage.cidr):
        return
    try:
        assign_addresses(stage.host_count, stage_subnets(view.hive_name, view.name, stage))
    except UsageError as error:
        yield Finding(("subnets",) if stage.subnets else ("cidr",), error.message, error.hint)


def _subnets_are_apart(view: _View) -> Iterator[Finding]:
    networks = [IPv4Network(subnet.cidr) for subnet in view.stage.subnets or []]
    names = [subnet.name for subnet in view.stage.subnets or []]
    for index, network in enumerate(networks):
        for earlier in networks[:index]:
            if network.overlaps(earlier):
                yield Finding(("subnets", index, "cidr"), f"{network} overlaps the subnet {earlier}", "hosts would get one address twice")
        if names[index] and names[index] in names[:index]:
            yield Finding(("subnets", index, "name"), f"the subnet {names[index]!r} is there twice")


def _encryption_has_key(view: _View) -> Iterator[Finding]:
    for key in ("disk_encrypted", "mirrored_disk_encrypted", "repository_disk_encrypted"):
        if getattr(view.stage, key) and "kms_key_id" not in view.raw:
            yield Finding((key,), "needs kms_key_id", "the ARN of the key that the disk is encrypted with")


def _repository_can_be_shared(view: _View) -> Iterator[Finding]:
    if "shared_repository" in view.raw and not view.stage.separate_repository:
        yield Finding(("shared_repository",), "needs separate_repository: true", "the shared repository is no swarm host")


def _internal_network_is_apart(view: _View) -> Iterator[Finding]:
    stage = view.stage
    if stage.internal_cidr_v6 and IPv6Network(stage.internal_cidr_v6).prefixlen > 125:
        yield Finding(("internal_cidr_v6",), f"{stage.internal_cidr_v6} is too small to be cut in eighths", "/125 or larger")
    if stage.internal_cidr and IPv4Network(stage.internal_cidr).prefixlen > MAX_INTERNAL_PREFIX:
        yield Finding(("internal_cidr",), f"{stage.internal_cidr} is too small", f"/{MAX_INTERNAL_PREFIX} or larger, a /22 is usual")
    subnets = [("subnets", subnet.cidr) for subnet in stage.subnets or []]
    whole = [("cidr", stage.cidr)]
    pairs = [("internal_cidr", stage.internal_cidr, *other) for other in [*whole, *subnets, ("filestore_cidr", stage.filestore_cidr)]]
    pairs += [("filestore_cidr", stage.filestore_cidr, *other) for other in subnets or whole]
    for key, cidr, other_key, other in pairs:
        if cidr and other and IPv4Network(cidr).overlaps(IPv4Network(other)):
            yield Finding((key,), f"{cidr} overlaps {other_key} {other}", "take another range")


_RULES: tuple[Callable[[_View], Iterator[Finding]], ...] = (
    _values_are_given,
    _provider_is_known,
    _attributes_fit_provider,
    _clouds_need_sizes,
    _aws_needs_zones,
    _hostname_is_legal,
    _instance_names_are_legal,
    _hosts_are_enough,
    _addresses_suffice,
    _subnets_are_apart,
    _encryption_has_key,
    _repository_can_be_shared,
    _internal_network_is_apart,
)
