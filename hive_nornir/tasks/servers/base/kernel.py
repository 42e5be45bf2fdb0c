"""BASE-6, BASE-7, BASE-17: the kernel's packages, and the cgroup hierarchy that containers need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_nornir.errors import OperationFailed
from hive_nornir.operations import files, packages, services
from hive_nornir.operations.core import Change, Observed, Operation, quote
from hive_nornir.tasks.servers.base.limits import is_container, skipped

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target
    from hive_nornir.tasks.servers.base.variables import BaseVariables, RestartVariables

__all__ = ["cgroup", "kernel", "kernel_pending"]

CGROUP_UNIT = "hive-cgroup.service"
CGROUP_SCRIPT = "/usr/local/sbin/hive-cgroup"
# The source is named, so that mount(8) takes these options instead of adding them to those that it finds (there, "remount").
_SCRIPT = r"""#!/bin/sh
# Containers that run systemd need a cgroup2 without nsdelegate. Written by hive-nornir.
set -e
options=$(findmnt -no OPTIONS /sys/fs/cgroup)
case ",$options," in *,nsdelegate,*) ;; *) exit 0 ;; esac
options=$(printf %s "$options" | tr , '\n' | grep -vx nsdelegate | paste -sd , -)
mount -t cgroup2 -o "remount,$options" cgroup2 /sys/fs/cgroup
case ",$(findmnt -no OPTIONS /sys/fs/cgroup)," in *,nsdelegate,*) echo "nsdelegate is still on" >&2; exit 1 ;; esac
"""
_UNIT = f"""[Unit]
Description=cgroup2 without nsdelegate, for containers that run systemd
DefaultDependencies=no
After=local-fs.target
Before=docker.service containerd.service basic.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={CGROUP_SCRIPT}

[Install]
WantedBy=sysinit.target
"""


def kernel(host: Target, v: BaseVariables) -> list[Operation]:
    """The kernel's packages: complete on container hosts (BASE-7), left alone by routine upgrades everywhere (BASE-6).

    The modules that Docker cannot start without are in a package of their own on EL 10.
    """
    data = host.os.kernel
    operations = [packages.held(host.os.manager, data.hold)]
    if "hives" not in host.groups:
        return operations
    if is_container(host.facts):
        return [*operations, skipped("kernel packages", "a container has no kernel of its own")]
    # Installed before what is held is looked at, so that a kernel that comes now is held too.
    installed = packages.present(host.os.manager, data.packages_for(v.hive_kernel_version or host.facts.kernel))
    return [installed, *operations, *([_next_kernel(v.hive_kernel_version)] if v.hive_kernel_version else [])]


def _next_kernel(wanted: str) -> Operation:
    """L-10: the wanted kernel is the one that the next start brings, and has what Docker needs; otherwise nobody is to restart for it."""
    release = quote(wanted)
    probe = (
        f"uname -r; modprobe -nq -S {release} xt_addrtype && echo complete || echo\n"
        'if command -v grubby >/dev/null; then echo grubby; hv_k=$(grubby --default-kernel); echo "${hv_k##*/vmlinuz-}"\n'
        "else echo; ls /boot | sed -n 's/^vmlinuz-//p' | sort -V | tail -n 1; fi"
    )

    def decide(seen: Observed) -> Change | None:
        running, complete, tool, following = (seen.text.split("\n") + [""] * 4)[:4]
        if not complete:
            raise OperationFailed(
                f"the kernel {wanted} has no module xt_addrtype, without which Docker does not start",
                "install all of its packages of modules",
            )
        if following == wanted or (not tool and running == wanted):
            return None
        if tool:
            return Change(f"{following} -> {wanted}", f"grubby --set-default=/boot/vmlinuz-{release}", f"- {following}\n+ {wanted}")
        raise OperationFailed(
            f"the next start brings the kernel {following}, not {wanted}", "remove the newer ones, or set hive_kernel_version to the newest"
        )

    return Operation("kernel of the next start", probe, decide)


def kernel_pending(host: Target, v: RestartVariables) -> str:
    """Shell that prints why a container host has to restart, if another kernel is wanted than the one that runs."""
    if not v.hive_kernel_version or "hives" not in host.groups or is_container(host.facts):
        return ""
    wanted = quote(v.hive_kernel_version)
    return f'[ "$(uname -r)" = {wanted} ] || echo "kernel $(uname -r) -> "{wanted}'


def cgroup(host: Target) -> list[Operation]:
    """BASE-17: an early unit of our own takes nsdelegate off, before Docker starts; no line in fstab (L-11)."""
    if "hives" not in host.groups or host.facts.cgroup != "v2":
        return []
    if is_container(host.facts):
        return [skipped("cgroup2 without nsdelegate", "the mount belongs to the machine that the container runs on")]
    script = files.content(CGROUP_SCRIPT, _SCRIPT, mode=0o755)
    unit = services.unit_file(f"/etc/systemd/system/{CGROUP_UNIT}", _UNIT)
    return [script, *unit, services.running(CGROUP_UNIT, restart_on=[script, *unit])]
