"""BASE-5, BASE-8, BASE-9, BASE-11, BASE-12, BASE-14, BASE-16: programs, name, time and language, and what runs by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_nornir.operations import files, packages, services, system
from hive_nornir.operations.core import Operation
from hive_nornir.tasks import rsyslog
from hive_nornir.tasks.servers.base.selinux import boot_mode, has_selinux

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target
    from hive_nornir.tasks.servers.base.variables import BaseVariables

__all__ = ["identity", "logging", "network_wait", "programs", "statistics", "unattended_upgrades"]

CLOUD_FOLDER = "/etc/cloud/cloud.cfg.d"


def programs(host: Target, v: BaseVariables) -> Operation:
    """BASE-8, and in the same command what other steps need: BASE-5 NFS, BASE-10 SELinux' tools, BASE-12 the language's data."""
    wanted = host.os.packages
    names = [*wanted.every_server]
    # The sandbox's file service is a folder that its servers share.
    if host.site.groups.get("nfs_volumes") and host.variables.get("hive_provider") != "sandbox":
        names += wanted.nfs_client
    if has_selinux(host) and boot_mode(host, v) != "disabled":
        names += wanted.selinux_tooling
    if v.hive_locale:
        names += host.os.locale.packages_for(v.hive_locale)
    return packages.present(host.os.manager, names)


def logging() -> Operation:
    """BASE-8: the syslog daemon runs; dnf and yum only install it, and not every image has it."""
    return services.running(rsyslog.UNIT)


def statistics(host: Target) -> list[Operation]:
    """BASE-9: sysstat collects; Debian's package has a switch of its own for that."""
    data = host.os.sysstat
    switch = [files.line(data.switch_file, 'ENABLED="true"', match=r"^ENABLED=", create=False)] if data.switch_file else []
    return [*switch, services.running(data.unit, restart_on=switch)]


def identity(host: Target, v: BaseVariables) -> list[Operation]:
    """BASE-11, BASE-12: the server's own name, which cloud-init keeps (R-7), its time zone and language."""
    operations: list[Operation] = []
    if not (v.hive_shared_repository and host.name == host.site.repository):
        operations.append(system.hostname(host.short_name))
    if host.facts.cloud_init:
        # A file of its own wins over cloud.cfg, whatever stands there (P-46).
        keep = files.content(f"{CLOUD_FOLDER}/99-hive-hostname.cfg", "preserve_hostname: true\n")
        operations.append(files.with_folder(keep, CLOUD_FOLDER))
    if v.hive_timezone:
        operations.append(system.timezone(v.hive_timezone))
    if v.hive_locale:
        operations.append(system.locale(v.hive_locale, family=host.os.family))
    return operations


def network_wait(host: Target) -> list[Operation]:
    """BASE-14: the start of the system does not fail because an interface appears late."""
    network = host.os.network
    if network.stack != "NetworkManager":
        return []
    text = "[Service]\nExecStart=\nExecStart=/usr/bin/nm-online -q -t 30\nSuccessExitStatus=1\n"
    return services.unit_file(f"/etc/systemd/system/{network.wait_online_unit}.d/hive.conf", text)


def unattended_upgrades(host: Target, v: BaseVariables) -> list[Operation]:
    """BASE-16: kernel, DRBD and Docker do not change behind our back."""
    return [] if v.hive_unattended_upgrades else [services.stopped(unit) for unit in host.os.unattended]
