"""What a server cannot do, said instead of tried."""

from __future__ import annotations

from hive_nornir.operations.core import Operation
from hive_nornir.operations.facts import Facts

__all__ = ["is_container", "skipped"]

# systemd-detect-virt(1), "Container".
_CONTAINERS = frozenset(
    ("openvz", "lxc", "lxc-libvirt", "systemd-nspawn", "docker", "podman", "rkt", "wsl", "proot", "pouch", "container-other", "oci")
)


def is_container(facts: Facts) -> bool:
    """Whether the server shares its kernel with others, so that kernel, SELinux and cgroup mounts are not its own."""
    return facts.virtualization in _CONTAINERS


def skipped(what: str, why: str, *, notice: bool = False) -> Operation:
    """An operation that only tells, in the record, that something is left out and why.

    :param notice: tell the operator too, since the site asks for it.
    """
    return Operation(f"{what}: skipped, {why}", ":", lambda _seen: None, notice=notice)
