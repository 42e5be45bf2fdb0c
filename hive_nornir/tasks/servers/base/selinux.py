"""BASE-10: the mode of SELinux, live and at boot."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hive_nornir.operations import files
from hive_nornir.operations.commands import command
from hive_nornir.operations.core import Operation
from hive_nornir.tasks.servers.base.limits import is_container, skipped

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target
    from hive_nornir.tasks.servers.base.variables import BaseVariables, RestartVariables

__all__ = ["boot_mode", "has_selinux", "selinux", "selinux_pending", "selinux_text", "wanted_mode"]

# Since EL 9 the configuration file alone leaves SELinux half on (os-matrix.md 6).
_BY_KERNEL_LINE = ("EL9", "EL10", "A23")


def has_selinux(host: Target) -> bool:
    """Whether the server has an SELinux of its own to set."""
    return bool(host.os.selinux.config) and not is_container(host.facts)


def wanted_mode(v: RestartVariables) -> str:
    """What the site wants; permissive unless it says so (R-6)."""
    return v.hive_selinux or "permissive"


def boot_mode(host: Target, v: RestartVariables) -> str:
    """What can be set now: from disabled to enforcing it goes by way of permissive, which labels the files (L-12)."""
    wanted = wanted_mode(v)
    return "permissive" if wanted == "enforcing" and _is_off(host) else wanted


def selinux(host: Target, v: BaseVariables) -> list[Operation]:
    """Policy targeted, and the mode, in the configuration and as far as possible in the running kernel."""
    if not host.os.selinux.config:
        if v.hive_selinux is None:
            return []
        return [skipped("SELinux", "this family has AppArmor, which stays as it is; hive_selinux has no effect", notice=True)]
    if is_container(host.facts):
        return [skipped("SELinux", "it belongs to the kernel, and a container has none of its own")]
    mode = boot_mode(host, v)
    path = host.os.selinux.config
    operations = [files.edit(f"SELinux mode in {path}", path, lambda text: selinux_text(text, mode), create=True)]
    if mode != "disabled" and not _is_off(host):
        live = {"enforcing": "Enforcing", "permissive": "Permissive"}[mode]
        operations.append(command(f"SELinux {mode}", f"setenforce {live}", unless=f'[ "$(getenforce)" = {live} ]'))
    if host.facts.column in _BY_KERNEL_LINE and (mode == "disabled" or _is_off(host)):
        operations.append(_kernel_line(mode))
    return operations


def _is_off(host: Target) -> bool:
    return host.facts.selinux in ("disabled", "")


def _kernel_line(mode: str) -> Operation:
    present = "grubby --info=ALL | grep -qw selinux=0"
    if mode == "disabled":
        return command("SELinux off on the kernel's command line", "grubby --update-kernel=ALL --args=selinux=0", unless=present)
    script = "grubby --update-kernel=ALL --remove-args=selinux=0"
    return command("SELinux not off on the kernel's command line", script, unless=f"! {present}")


def selinux_text(text: str, mode: str) -> str:
    """The configuration file with policy and mode; everything else as it is."""
    for name, value in (("SELINUX", mode), ("SELINUXTYPE", "targeted")):
        pattern = re.compile(rf"(?m)^{name}\s*=.*$")
        if pattern.search(text):
            text = pattern.sub(f"{name}={value}", text)
        else:
            text += f"{'' if not text or text.endswith(chr(10)) else chr(10)}{name}={value}\n"
    return text


def selinux_pending(host: Target, v: RestartVariables) -> str:
    """Shell that prints why the server has to restart, if SELinux comes on or goes off only at boot."""
    if not has_selinux(host):
        return ""
    if boot_mode(host, v) == "disabled":
        return '[ "$(getenforce)" = Disabled ] || echo "SELinux disabled at the next start"'
    return '[ "$(getenforce)" != Disabled ] || echo "SELinux on at the next start"'
