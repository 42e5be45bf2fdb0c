"""DRBD-8: SELinux lets the kernel's helpers read what they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_nornir.operations.commands import command
from hive_nornir.operations.core import Operation

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target

__all__ = ["policy"]

_POLICY = """module hive_drbd 1.0;
require {
    type drbd_t;
    type drbd_var_run_t;
    type kernel_t;
    type proc_t;
    class file { getattr open read };
    class dir { getattr open read search };
}
allow drbd_t proc_t:file { getattr open read };
allow kernel_t drbd_var_run_t:dir { getattr open read search };
allow kernel_t drbd_var_run_t:file { getattr open read };
"""


def policy(host: Target) -> list[Operation]:
    """A policy module of our own, where SELinux is on and the distribution has a policy to add to."""
    if not host.os.selinux.config or host.facts.selinux not in ("enforcing", "permissive"):
        return []
    build = (
        "hv_d=$(mktemp -d); trap 'rm -rf \"$hv_d\"' EXIT\n"
        f"cat >\"$hv_d/hive_drbd.te\" <<'E'\n{_POLICY}E\n"
        'checkmodule -M -m -o "$hv_d/hive_drbd.mod" "$hv_d/hive_drbd.te"\n'
        'semodule_package -o "$hv_d/hive_drbd.pp" -m "$hv_d/hive_drbd.mod"\nsemodule -i "$hv_d/hive_drbd.pp"'
    )
    return [command("SELinux policy hive_drbd", build, unless="semodule -l | grep -qw hive_drbd")]
