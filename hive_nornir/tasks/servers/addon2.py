"""Role addon2: the site's own steps when everything else is up (spec setup-hosts.md 4.27)."""

from __future__ import annotations

from hive_nornir.tasks.role import Steps, Target, Variables, role
from hive_nornir.tasks.servers.extension import extension

__all__ = ["Addon2Variables", "addon2"]


class Addon2Variables(Variables):
    """Addon2 reads none of its own; the site's steps get all of them."""


@role()
def addon2(host: Target, v: Addon2Variables) -> Steps:  # noqa: ARG001 - every role has both
    """Do what the site has put in its own folder for the end, with the cluster up; without anything there, nothing (AD2-1).

    As the role addon does, with `roles/addon2.py` and `roles/addon2.d/*.sh`. A restart that they ask for waits for the role reboot, which
    takes one server after the other.
    """
    yield from extension(host, "addon2")
