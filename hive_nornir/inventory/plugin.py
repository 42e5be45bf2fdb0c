"""The Nornir inventory plugin `HiveInventory`: a stage's servers as Nornir hosts.

`host.data` is not a dict but a map that renders a variable when it is read and takes what tasks put into it. A dict would have to
render all variables of all servers at load: slow, and one undefined variable that nobody reads would fail every run. So
`host["hive_private_ip"]`, `host.get(…)`, `host.data["x"] = 1` work as ever; listing all values (`host.items()`) renders all
and fails on the first that cannot be rendered. Groups carry no data: a host's variables are resolved by Ansible's precedence already.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hive_nornir.inventory.proxy import ProxyForward

if TYPE_CHECKING:
    from nornir.core import Nornir
    from nornir.core.inventory import Groups, Host, Inventory

    from hive_nornir.inventory.site_inventory import SiteInventory
    from hive_nornir.inventory.ssh_files import SshHost
    from hive_nornir.inventory.variables import VariableScope

__all__ = ["HiveInventory", "HostData", "nornir_for", "nornir_inventory"]


class HiveInventory:
    """Inventory plugin; in Nornir's configuration: `inventory: {plugin: HiveInventory, options: {root: site, stage: private}}`.

    :param root: the site's folder; HIVE_ROOT_DIR or the current folder without it.
    :param stage: private, staging or production; HIVE_STAGE, the stored one or private without it.
    """

    def __init__(self, root: str | None = None, stage: str | None = None) -> None:
        self.root = root
        self.stage = stage

    def load(self) -> Inventory:
        """Read the definitions (called by Nornir); writes nothing.

        :raises DefinitionErrors: with everything that is wrong in them.
        """
        import os

        from hive_nornir.inventory.context import SiteContext
        from hive_nornir.inventory.site_inventory import SiteInventory

        context = SiteContext.resolve(Path(self.root) if self.root else None, self.stage, os.environ)
        return nornir_inventory(SiteInventory.load(context))


class HostData(MutableMapping[str, Any]):
    """A host's variables, rendered when read, below what tasks have put in."""

    def __init__(self, scope: VariableScope) -> None:
        self._scope = scope
        self._own: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        return self._own[name] if name in self._own else self._scope[name]

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._scope

    def __setitem__(self, name: str, value: Any) -> None:
        self._own[name] = value

    def __delitem__(self, name: str) -> None:
        """Take out what a task has put in; a variable of the inventory comes to light again."""
        del self._own[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._scope, *self._own]))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __bool__(self) -> bool:
        """True, always: Nornir replaces data that is false by a new dict."""
        return True


def nornir_inventory(site: SiteInventory) -> Inventory:
    """The stage's servers and groups as Nornir's; `defaults.data["hive_site"]` is the site's inventory, for roles."""
    from nornir.core.inventory import Defaults, Group, Groups, Hosts, Inventory

    from hive_nornir.inventory.ssh_files import read_ssh_config

    defaults = Defaults(data={"hive_site": site})
    members = {group: set(names) for group, names in site.groups.items() if group != "all"}
    groups = Groups({name: Group(name=name, defaults=defaults) for name in members})
    known = read_ssh_config(site.context.ssh_config)
    hosts = Hosts()
    for name in site.servers:
        own = [group for group, names in members.items() if name in names]
        hosts[name] = _host(site, name, known.get(name), groups, own)
        hosts[name].defaults = defaults
    return Inventory(hosts=hosts, groups=groups, defaults=defaults)


def _host(site: SiteInventory, name: str, known: SshHost | None, groups: Groups, own: list[str]) -> Host:
    from nornir.core.inventory import ConnectionOptions, Host, ParentGroups

    scope = site.scope(name)
    key = known.identity_file if known and known.identity_file else Path(str(scope["hive_safe_private_key_path"]))
    extras: dict[str, Any] = {"alias": name, "known_hosts": site.context.known_hosts, "key_files": (key,)}
    if jump := scope.get("hive_ssh_jump"):
        extras["jump"] = str(jump)
    options = {connection: ConnectionOptions(extras=dict(extras)) for connection in ("paramiko", "hive", "docker")}
    if forward := ProxyForward.of(scope):
        # Of one connection only, since there is one port: that of the runs.
        options["hive"].extras = {**extras, "forward": forward}
    return Host(
        name=name,
        hostname=known.hostname if known else scope.get("hive_private_ip"),
        port=known.port if known else int(scope["hive_safe_sshd_port"]),
        username=(known.user if known else "") or str(scope["hive_safe_admin"]),
        platform="linux",
        groups=ParentGroups(groups[group] for group in own),
        data=cast("dict[str, Any]", HostData(scope)),
        connection_options=options,
    )


def nornir_for(site: SiteInventory) -> Nornir:
    """A Nornir object for a site that is loaded already, with our runner; `forks`, where it is set, is how many hosts it takes at a time.

    Nornir logs every failure with its traceback. That goes where the program sends its logs, and nowhere if it sends them nowhere.
    """
    import logging

    from nornir.core import Nornir
    from nornir.core.configuration import Config
    from nornir.core.plugins.connections import ConnectionPluginRegister

    from hive_nornir.runs.runner import HiveRunner

    if not logging.getLogger("nornir").handlers:
        logging.getLogger("nornir").addHandler(logging.NullHandler())
    ConnectionPluginRegister.auto_register()
    forks, origin = site.context.persistents.get("forks")
    # The default is hive-builder's for processes of some 100 MB; a thread that waits for the network costs next to nothing.
    runner = HiveRunner() if origin == "default" else HiveRunner(workers=max(1, forks))
    return Nornir(inventory=nornir_inventory(site), config=Config(), runner=runner)
