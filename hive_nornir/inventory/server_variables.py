"""The variables of servers, mothers and stages (spec inventory.md 2.1, 2.3, 2.4 and 3.1)."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from hive_nornir.inventory.addressing import HostAddress, Subnet, assign_addresses, zone_of
from hive_nornir.inventory.definitions import SiteStage, host_names
from hive_nornir.inventory.definitions.stage_rules import stage_subnets

__all__ = ["SERVER_VARIABLES", "host_group_variables", "mother_variables", "server_variables", "stage_group_variables"]

_MOTHER = (
    "cidr",
    "prepared_resource_group",
    "not_support_az",
    "region",
    "bridge",
    "dev",
    "kickstart_config",
    "filestore_cidr",
    "shared_repository",
)
_SERVER = (
    "root_password",
    "kernel_version",
    "drbd_download_url",
    "internal_cidr",
    "internal_cidr_v6",
    "kms_key_id",
    "shared_repository",
)
_HIVE = (
    "memory_size",
    "cpus",
    "disk_size",
    "disk_encrypted",
    "instance_type",
    "mirrored_disk_size",
    "mirrored_disk_encrypted",
)
_REPOSITORY = ("memory_size", "cpus", "disk_size", "disk_encrypted", "instance_type")
SERVER_VARIABLES = frozenset(f"hive_{name}" for name in (*_MOTHER, *_SERVER, *_HIVE, *_REPOSITORY, "vm_image_name"))
"""What the attributes of a stage become; a site may set them in its variables files as well."""

_ADMINS = {"vagrant": "vagrant", "aws": "ec2-user", "azure": "hiveadmin"}
_SHARED_PORTS = (2376, 2377, 10050)


def host_group_variables() -> dict[str, dict[str, Any]]:
    """What hive-builder derives for every host from the site's own variables, as templates; `hive_X` becomes `hive_safe_X`."""
    return {
        "hosts": {
            "hive_safe_email": "{{ hive_email | default('hive@example.com') }}",
            "hive_safe_docker_login_user": "{{ hive_docker_login_user | default('hive') }}",
            "hive_safe_private_key_path": "{{ hive_private_key_path | default(hive_context_dir ~ '/id_rsa') }}",
            "hive_safe_public_key_path": "{{ hive_public_key_path | default(hive_safe_private_key_path ~ '.pub') }}",
            "hive_safe_sshd_port": "{{ hive_sshd_port | default(22) }}",
            "hive_safe_selinux": "{{ hive_selinux | default('permissive') }}",
            "hive_safe_syslog_port": "{{ hive_syslog_port | default(10514) }}",
            "hive_safe_need_libselinux": "{{ hive_need_libselinux | default(false) }}",
            "hive_home_dir": "/home/{{ hive_safe_admin }}",
        },
        "mother": {"ansible_connection": "local", "hive_home_dir": "{{ hive_context_dir }}"},
    }


def stage_group_variables(hive_name: str, stage: SiteStage) -> dict[str, Any]:
    """The variables of a stage's group; the registry's name is among them so that services can use it (spec inventory.md 7)."""
    definition = stage.definition
    repository = "shared-repository" if definition.shared_repository else host_names(hive_name, stage)[-1]
    return {
        "hive_provider": definition.provider,
        "hive_custom_hostname": definition.custom_hostname,
        "hive_registry_fqdn": repository,
        "hive_registry": "{{ hive_registry_fqdn }}:{{ hive_registry_port | default(5000) }}",
    }


def mother_variables(hive_name: str, stage: SiteStage) -> dict[str, Any]:
    """The variables of the stage's mother."""
    subnets = [_subnet_entry(subnet) for subnet in stage_subnets(hive_name, stage.name, stage.definition)]
    return _given(stage, _MOTHER) | {"hive_subnets": subnets} | _derived(stage, is_repository=False)


def server_variables(hive_name: str, stage: SiteStage) -> list[dict[str, Any]]:
    """The variables of every server of a stage, in the order of `host_names`.

    The last one is the repository. When it is a hive too, it has the hives' attributes, and the `repository_*` ones win.
    """
    definition = stage.definition
    addresses = assign_addresses(definition.host_count, stage_subnets(hive_name, stage.name, definition))
    found = []
    for index, address in enumerate(addresses):
        is_repository = index == len(addresses) - 1
        variables = _given(stage, _SERVER)
        if not is_repository or not definition.separate_repository:
            variables |= _given(stage, _HIVE)
        if is_repository:
            variables |= _given(stage, _REPOSITORY, written_as="repository_")
        if "image_name" in stage.place.raw:
            variables["hive_vm_image_name"] = copy.deepcopy(stage.place.raw["image_name"])
        found.append(variables | _location(stage, index, address) | _derived(stage, is_repository))
    return found


def _given(stage: SiteStage, attributes: Iterable[str], written_as: str = "") -> dict[str, Any]:
    """`hive_<attribute>` for those that the stage gives, as they are written.

    :param written_as: what stands before the attribute's name in the file.
    """
    raw = stage.place.raw
    return {f"hive_{name}": copy.deepcopy(raw[written_as + name]) for name in attributes if written_as + name in raw}


def _location(stage: SiteStage, index: int, address: HostAddress) -> dict[str, Any]:
    definition = stage.definition
    found: dict[str, Any] = {
        "hive_subnet": address.subnet.name,
        "hive_private_ip": address.address,
        "hive_netmask": address.netmask,
    }
    if definition.region:
        zone = zone_of(index, address.subnet, definition.region, definition.provider, definition.az_suffix_list)
        found["hive_available_zone"] = zone
    return found


def _derived(stage: SiteStage, is_repository: bool) -> dict[str, Any]:
    shared = stage.definition.shared_repository
    admin = "admin" if shared and is_repository else _ADMINS.get(stage.definition.provider, "admin")
    found: dict[str, Any] = {
        "hive_safe_admin": f"{{{{ hive_admin | default('{admin}') }}}}",
        "hive_safe_shared_repository_ports": list(_SHARED_PORTS) if shared else [],
    }
    return found | ({"hive_shared_repository_path": shared.context_dir} if shared else {})


def _subnet_entry(subnet: Subnet) -> dict[str, Any]:
    entry: dict[str, Any] = {"cidr": subnet.cidr, "name": subnet.name}
    return entry | ({"available_zone": subnet.available_zone} if subnet.available_zone else {})
