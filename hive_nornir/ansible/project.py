"""What `ansible-playbook` reads for a role on one host: a private folder with inventory and playbook, and its environment."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from hive_nornir.errors import HiveError

if TYPE_CHECKING:
    from hive_nornir.inventory.site_inventory import SiteInventory

__all__ = ["Place", "environment", "inventory_of", "ssh_arguments", "write_project"]

PLAYBOOK, INVENTORY = "play.yml", "inventory.yml"
_PLUGINS = Path(__file__).parent
_TEMPLATE = ("{{", "{%", "{#")
# Ansible's own; the inventory has values of the same meaning.
_MAGIC = ("groups", "group_names", "hostvars", "inventory_hostname", "inventory_hostname_short", "inventory_dir", "inventory_file")


@dataclass(frozen=True)
class Place:
    """Where a role is run.

    :param name: the inventory's name of the server, image or service.
    :param server: the server, that of the container if there is one.
    :param container: its id; "" on a server.
    :param sudo: the server's user is not root.
    :param environment: variables that tasks have.
    """

    name: str
    server: str
    container: str = ""
    sudo: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)


def ssh_arguments(site: SiteInventory, folder: Path) -> list[str]:
    """What OpenSSH is given: the stage's configuration, and connections that tasks share."""
    return [
        *("-F", str(site.context.context_dir / "ssh_config")),
        *("-o", "BatchMode=yes", "-o", "ClearAllForwardings=yes"),
        *("-o", "ControlMaster=auto", "-o", "ControlPersist=30", "-o", f"ControlPath={folder}/ssh-%C"),
    ]


def write_project(site: SiteInventory, place: Place, role: str, folder: Path, *, other_objects: bool) -> None:
    """Write inventory and playbook, both 0600.

    :param folder: private, 0700.
    :param other_objects: whether the role looks at variables of others, `hostvars`.
    """
    inventory = inventory_of(site, place, ssh_arguments(site, folder), other_objects=other_objects)
    play: dict[str, Any] = {
        "name": role,
        "hosts": place.name,
        # As hive-builder has it: in containers nothing but the role itself asks for facts.
        "gather_facts": not place.container,
        "become": not place.container and place.sudo,
        "roles": [{"role": role}],
    }
    if place.environment:
        play["environment"] = {key: _plain(value) for key, value in place.environment.items()}
    for name, content in ((INVENTORY, inventory), (PLAYBOOK, [play])):
        file = folder / name
        file.touch(mode=0o600)
        file.write_text(yaml.dump(content, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1000), encoding="utf-8")


def inventory_of(site: SiteInventory, place: Place, ssh: list[str], *, other_objects: bool) -> dict[str, Any]:
    """The stage's inventory in the form of Ansible's YAML plugin, variables rendered."""
    groups = site.groups
    names = dict.fromkeys([place.name, *(name for members in groups.values() for name in members)])
    hosts = {name: _variables(site, name) if other_objects or name == place.name else {} for name in names}
    servers = {name: {"ansible_connection": "ssh", "ansible_ssh_args": shlex.join(ssh), "ansible_host": name} for name in site.servers}
    for name, variables in servers.items():
        hosts.setdefault(name, {}).update(variables)
    if place.container:
        hosts[place.name].update(
            ansible_connection="hive_container",
            hive_container_server=place.server,
            hive_container_id=place.container,
            hive_container_ssh=ssh,
            hive_container_sudo=place.sudo,
        )
    children = {group: {"hosts": dict.fromkeys(members)} for group, members in groups.items() if group not in ("all", "ungrouped")}
    return {"all": {"hosts": hosts, "children": children}}


def environment(site: SiteInventory, folder: Path) -> dict[str, str]:
    """The environment of `ansible-playbook`: settings of ours and none of the operator's, since a site must not depend on who runs it."""
    root = site.context.root
    collections = (root / "collections", Path.home() / ".ansible" / "collections", "/usr/share/ansible/collections")
    settings = {
        "CONFIG": folder / "ansible.cfg",  # which is not there, so no other one is looked for
        "HOME": folder / "home",
        "LOCAL_TEMP": folder / "tmp",
        "REMOTE_TEMP": "/tmp",  # noqa: S108 - of its own folder in it nothing stays, of the default ~/.ansible one would
        "ROLES_PATH": root / "roles",
        "LIBRARY": f"{root}/lib:{root}/library",
        "FILTER_PLUGINS": root / "plugins" / "filter",
        "COLLECTIONS_PATH": ":".join(map(str, collections)),
        "CALLBACK_PLUGINS": _PLUGINS / "callback_plugins",
        "CONNECTION_PLUGINS": _PLUGINS / "connection_plugins",
        "STDOUT_CALLBACK": "hive_events",
        "PIPELINING": "True",
        "PYTHON_INTERPRETER": "auto_silent",
        "RETRY_FILES_ENABLED": "False",
        "DEPRECATION_WARNINGS": "False",
        "TRANSFORM_INVALID_GROUP_CHARS": "ignore",
        "NOCOLOR": "1",
        "NOCOWS": "1",
        "TIMEOUT": "20",
    }
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    locale = {"LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
    return {**inherited, **locale, **{f"ANSIBLE_{key}": str(value) for key, value in settings.items()}}


def _variables(site: SiteInventory, name: str) -> dict[str, Any]:
    scope = site.scope(name)
    found: dict[str, Any] = {}
    for key in scope:
        if key in _MAGIC:
            continue
        try:
            found[key] = _plain(scope[key])
        except (HiveError, KeyError):  # Ansible, too, tells only of what a task reads
            continue
    return found


class _Unsafe(str):
    """A text that holds a template's signs and is none: it was rendered already."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


_Dumper.add_representer(_Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text)))


def _plain(value: Any) -> Any:
    """A value in YAML's own types."""
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if value is None or type(value) in (bool, int, float):
        return value
    if isinstance(value, (bytes, bytearray)):
        value = bytes(value).decode("utf-8", "replace")
    text = str(value)
    return _Unsafe(text) if any(sign in text for sign in _TEMPLATE) else text
