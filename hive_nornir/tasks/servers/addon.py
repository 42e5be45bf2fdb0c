"""Role addon: the site's own steps on its servers (spec setup-hosts.md 4.8)."""

from __future__ import annotations

from hive_nornir.tasks.role import Steps, Target, Variables, role
from hive_nornir.tasks.servers.extension import extension

__all__ = ["AddonVariables", "addon"]


class AddonVariables(Variables):
    """Addon reads none of its own; the site's steps get all of them."""


@role()
def addon(host: Target, v: AddonVariables) -> Steps:  # noqa: ARG001 - every role has both
    """Do what the site has put in its own folder; without anything there, nothing (ADD-1).

    `roles/addon.py` is a Python module with a function `addon`, `roles/addon.d/*.sh` are shell hooks; both are shown with their checksum,
    and their changes are reported (ADD-2). An Ansible role `roles/addon` is run
    by ansible-core, the extra `[ansible]`; without it, it is left out, and that is said.
    """
    yield from extension(host, "addon")
