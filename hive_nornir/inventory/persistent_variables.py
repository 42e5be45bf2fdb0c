"""The variables of the command itself, as data: spec cli.md section 3.

They are what `set`, `get` and `unset` know, what the environment and the options can override, and what templates see as `hive_*`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from hive_nornir.inventory.model import STAGES

__all__ = ["ALIASES", "BY_NAME", "PHASES", "VARIABLES", "PersistentVariable", "Scope", "ValueType"]

Scope = Literal["global", "stage", "none"]
ValueType = Literal["str", "bool", "int", "enum", "directory", "dict", "proxy"]

PHASES = ("build-infra", "setup-hosts", "build-images", "build-volumes", "build-networks", "deploy-services", "initialize-services")


@dataclass(frozen=True)
class PersistentVariable:
    """One variable of spec cli.md section 3.

    :param scope: where `set` stores it; `none` cannot be stored, and a stored value is never applied.
    :param default: `{name}` in a text stands for another variable's value; None leaves the variable unset.
    :param exported: the variable that templates and roles see, "" for none.
    :param environment: an environment variable that comes before stored values.
    :param choices: the members of an enum.
    """

    name: str
    type: ValueType = "str"
    scope: Scope = "global"
    default: Any = None
    exported: str = ""
    environment: str = ""
    secret: bool = False
    choices: tuple[str, ...] = ()


_V = PersistentVariable

VARIABLES: tuple[PersistentVariable, ...] = (
    _V("root_dir", "directory", "none", exported="hive_root_dir", environment="HIVE_ROOT_DIR"),
    _V("stage", "enum", "global", "private", exported="hive_stage", environment="HIVE_STAGE", choices=STAGES),
    _V("inventory_path", "directory", "global", "{root_dir}/inventory"),
    _V("context_dir", "directory", "stage", "{root_dir}/.hive/{stage}", exported="hive_context_dir"),
    _V("phase", "enum", "none", exported="hive_phase", choices=PHASES),
    # hive-builder's /var/tmp/hive is one folder for all users and sites (spec cli.md 10.6).
    _V("temp_dir", "directory", "stage", "{context_dir}/tmp", exported="hive_temp_dir"),
    _V("local_python_path", scope="none", default="{python}", exported="hive_local_python_path"),
    _V("inventory_plugins", default="{root_dir}/plugins/inventory:{install_dir}/plugins"),
    _V("filter_plugins", default="{root_dir}/plugins/filter"),
    _V("library", default="{root_dir}/lib:{install_dir}/lib"),
    _V("roles_path", default="{root_dir}/roles:{playbooks_dir}/builtin_roles:{context_dir}/roles"),
    _V("collections_path", default="{root_dir}/.collections:{context_dir}/collections"),
    _V("enable_plugins", default="host_list, script, auto, yaml, ini, toml, hive_inventory, hive_services"),
    _V("unparsed_is_failed", "bool", default=True),
    _V("playbooks_dir", default="{install_dir}/playbooks", exported="hive_playbooks_dir"),
    _V("verbose", "bool", "stage", default=False, exported="hive_verbose"),
    _V("start_phase", "enum", "stage", "build-infra", choices=PHASES),
    _V("halt", "bool", "none", default=False, exported="hive_halt"),
    _V("destroy", "bool", "none", default=False, exported="hive_destroy"),
    _V("check_mode", "bool", "none", default=False),
    # hive-builder stores these four by accident, so that later runs are narrowed in silence (spec cli.md 10.2).
    _V("ssh_host", scope="none"),
    _V("tags", scope="none"),
    _V("limit_target", scope="none", exported="hive_limit"),
    _V("limit_server", scope="none"),
    _V("vagrant_box_name", default="almalinux/9"),
    _V("stdout_callback", default="default"),
    _V("callback_enabled", default="default"),
    _V("bin_ansible_callbacks", "bool", default=True),
    _V("forks", "int", default=5),
    _V("pipelining", "bool", default=True),
    _V("force_handlers", "bool", default=True),
    _V("timeout", "int"),
    _V("retries", "int", default=0),
    _V("interpreter_python", default="auto_silent"),
    _V("ssh_args", default="-F {context_dir}/ssh_config -o ControlMaster=auto -o ControlPersist=60s"),
    _V("no_format", "bool", default=False, exported="hive_no_format"),
    _V("first_hive", "int", "stage", 0, environment="HIVE_FIRST_HIVE"),
    _V("repository_docker_socket", default="{temp_dir}/repository_docker.sock", exported="hive_repository_docker_socket"),
    _V("aws_access_key_id", scope="stage", environment="AWS_ACCESS_KEY_ID", secret=True),
    _V("aws_secret_access_key", scope="stage", environment="AWS_SECRET_ACCESS_KEY", secret=True),
    _V("azure_client_id", scope="stage", environment="AZURE_CLIENT_ID"),
    _V("azure_secret", scope="stage", environment="AZURE_SECRET", secret=True),
    _V("azure_subscription_id", scope="stage", environment="AZURE_SUBSCRIPTION_ID"),
    _V("azure_tenant", scope="stage", environment="AZURE_TENANT"),
    _V("foward_zabbix", "bool", "stage", default=False),
    _V("foward_zabbix_port", "int", "stage", 10052),
    _V("port_forwarding", scope="stage"),
    _V("drbd_device_map", "dict", "stage"),
    _V("drbd_node_map", "dict", "stage"),
    _V("published_port_map", "dict", "stage"),
    _V("zabbix_backup_cleanup_days_before", "int", default=3, exported="hive_zabbix_backup_cleanup_days_before"),
    _V("registry_backup_cleanup_days_before", "int", default=3, exported="hive_registry_backup_cleanup_days_before"),
    _V("http_proxy", "proxy", "stage", exported="hive_http_proxy"),
    _V("http_proxy_port", scope="stage", default="3128", exported="hive_http_proxy_port"),
    _V("vagrant_proxy", scope="stage", exported="hive_vagrant_proxy"),
    _V("registry_mirror", scope="stage", exported="hive_registry_mirror"),
    _V("pip_index_url", scope="stage", exported="hive_pip_index_url"),
    _V("pip_trusted_host", scope="stage", exported="hive_pip_trusted_host"),
    _V("tls_logging", "bool", "stage", default=False, exported="hive_tls_logging"),
)

BY_NAME = {variable.name: variable for variable in VARIABLES}

ALIASES = {"forward_zabbix": "foward_zabbix", "forward_zabbix_port": "foward_zabbix_port"}
"""Correct spellings of names that hive-builder stores misspelt (spec cli.md 2)."""
