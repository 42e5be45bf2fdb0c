"""Servers for base and the roles after it: like `targets`, with more of a site and of what a server is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from hive_nornir.tasks.os import os_data
from hive_nornir.tasks.role import Target
from tests.tasks.servers.targets import target

DEBIAN, ALMA, RHEL, UBUNTU = ("debian", "12"), ("almalinux", "9.4"), ("rhel", "9.4"), ("ubuntu", "24.04")


def server(
    context: Path,
    *,
    facts: Mapping[str, Any] | None = None,
    groups: Sequence[str] = ("hives", "servers"),
    site_groups: Mapping[str, list[str]] | None = None,
    **options: Any,
) -> Target:
    """A server of the site of `targets`.

    :param facts: what differs from a virtual machine of that distribution.
    :param site_groups: groups of the site that have members, such as nfs_volumes.
    """
    found: Any = target(context, **options)
    found.groups = tuple(groups)
    found.site.groups = {"nfs_volumes": [], **(site_groups or {})}
    found.site.services = ["web", "db"]
    found.site.context.root = context
    found.facts = dataclasses.replace(found.facts, **{"virtualization": "kvm", "cgroup": "v2", **(facts or {})})
    found.os = os_data(found.facts)
    found.options = SimpleNamespace(allow_reboot=False, barrier=False)
    return cast("Target", found)


def names(operations: Sequence[Any]) -> list[str]:
    return [operation.name for operation in operations]
