"""Which `hive_…` variables somebody reads, so that one nobody reads is an error (design.md 17)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from hive_nornir.errors import Problem
from hive_nornir.inventory.server_variables import SERVER_VARIABLES
from hive_nornir.inventory.service_variables import OBJECT_VARIABLES
from hive_nornir.inventory.variables import SiteVariables

__all__ = ["SITE_VARIABLES", "unknown_variables"]

_SITE_VARIABLES = """
    hive_admin hive_admin_gid hive_admin_group hive_admin_uid hive_aws_key_name hive_ca_cert hive_ca_key hive_docker_login_user
    hive_ec2_group_rules hive_email hive_ext_repositories hive_firewall_name hive_gcp_capacity_gb hive_gcp_nfs_options
    hive_gcp_ssh_source_range hive_internal_net_addr hive_internal_net_cidr hive_internal_net_if hive_locale
    hive_mirrored_disk_devices hive_need_libselinux hive_network_attachable hive_no_mirrored_device hive_ntp_servers
    hive_osdisk_device hive_partition_label hive_private_key_path hive_public_key_path hive_published_ip hive_python_revision
    hive_registry_port hive_safe_ca_dir hive_selinux hive_ssh_jump hive_ssh_source_ips hive_sshd_port hive_sub_prefix hive_swarm_mode
    hive_syslog_port hive_timezone hive_user_groups hive_users hive_vagrant_box_name hive_vagrant_ssh_insert_key hive_valid_in hive_vpc_name
    hive_yum_url hive_zabbix_hive_names hive_zabbix_server_tag hive_zabbix_template hive_zabbix_web_tag
"""
SITE_VARIABLES = frozenset(_SITE_VARIABLES.split())
"""What a site may set, whether or not the part of the product that reads it is in use (spec inventory.md 6)."""

_NAME = re.compile(r"\bhive_\w+")
_ROLE_ENDINGS = (".yml", ".yaml", ".j2", ".py", ".sh")


def unknown_variables(variables: SiteVariables, root: Path, known: Collection[str]) -> list[Problem]:
    """`hive_…` variables in `group_vars` and `host_vars` that nobody reads.

    :param root: the site's folder; its own roles may read what they like.
    :param known: what the product's roles and providers read.
    """
    computed = variables.computed
    everywhere = {*SITE_VARIABLES, *SERVER_VARIABLES, *OBJECT_VARIABLES, *known, *variables.injected, *_exported()}
    for owner in computed.objects.values():
        everywhere.update(owner.variables, *owner.stage_variables.values())
    for values in computed.group_variables.values():
        everywhere.update(values)
    return variables.files.unknown_hive_variables(everywhere | _named_by_site(variables, root))


def _exported() -> Iterator[str]:
    from hive_nornir.inventory.persistent_variables import VARIABLES

    return (variable.exported for variable in VARIABLES if variable.exported)


def _named_by_site(variables: SiteVariables, root: Path) -> set[str]:
    """The names in templates of the site's definitions and variables, in its roles and in its playbook."""
    computed = variables.computed
    values: list[Any] = [*variables.files.groups.values(), *variables.files.objects.values(), *computed.group_variables.values()]
    values += [owner.variables for owner in computed.objects.values()]
    texts = [text for value in values for text in _texts(value) if "{" in text]
    texts += [file.read_text(encoding="utf-8", errors="replace") for file in _readers(root) if file.is_file()]
    return {name for text in texts for name in _NAME.findall(text)}


def _readers(root: Path) -> Iterator[Path]:
    yield root / "initialize-services.yml"
    for folder in (root / "roles", *(root / ".hive").glob("*/roles")):
        # Templates are called as the file that they become, such as my.cnf.
        yield from (file for file in folder.rglob("*") if file.suffix in _ROLE_ENDINGS or "templates" in file.parts)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
