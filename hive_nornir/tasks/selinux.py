"""What SELinux has to be told before a program may listen on, or speak to, a port that is not its usual one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_nornir.operations.commands import command

if TYPE_CHECKING:
    from hive_nornir.operations.core import Operation
    from hive_nornir.tasks.role import Target

__all__ = ["port_label"]


def port_label(host: Target, label: str, protocol: str, port: int) -> list[Operation]:
    """The port has a label; nothing on a host without SELinux.

    :param label: the type that the program may use, `syslogd_port_t`.
    :param protocol: tcp or udp.
    """
    if host.facts.selinux not in ("enforcing", "permissive"):
        return []
    add = f"semanage port -a -t {label} -p {protocol} {port} || semanage port -m -t {label} -p {protocol} {port}"
    there = f"semanage port -l | grep -E '^{label} +{protocol} .*[ ,]{port}(,|$)'"
    return [command(f"SELinux label of port {port}", add, unless=there)]
