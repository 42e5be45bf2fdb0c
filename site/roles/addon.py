"""The example site's own step on its servers: what a login is greeted with. It stands in for the built-in role addon."""

from __future__ import annotations

from hive_nornir.operations import files
from hive_nornir.operations.core import Operation
from hive_nornir.tasks.role import Target, Variables, role


class AddonVariables(Variables):
    """The variables of the inventory that the role reads, with their types and defaults."""

    example_greeting: str = "Changes by hand are undone by the next run."


@role()
def addon(host: Target, v: AddonVariables) -> list[Operation]:
    """Greet whoever logs in with the server's name and what it is."""
    kind = "repository server" if host.name == host.site.repository else "container host"
    return [files.content("/etc/motd", f"{host.short_name}, a {kind} of {host.site.hive_name}. {v.example_greeting}\n")]
