"""SSI-4: what the mother knows of how to reach a server follows the server's port."""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING

from hive_nornir.inventory.known_hosts import KnownHosts
from hive_nornir.inventory.ssh_files import set_port

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target

__all__ = ["follow_port"]

_one_writer = threading.Lock()


def follow_port(host: Target, port: int) -> None:
    """Note the new port in ssh_config and known_hosts, and use it for what is left of this run. Called after a login on it worked."""
    target = host.transport.target
    context = host.site.context
    with _one_writer:
        pins = KnownHosts(context.known_hosts)
        names = [host.name, str(host.site.scope(host.name)["hive_private_ip"])]
        for key in pins.keys(target.name, target.port) or pins.keys(target.name):
            pins.pin(names, key, port=port)
        set_port(context.ssh_config, host.name, port)
    host.transport.target = dataclasses.replace(target, port=port)
    host.task.host.port = port
    host.forget_facts()
