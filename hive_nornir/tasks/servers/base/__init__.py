"""Role base: the common baseline of the operating system (spec setup-hosts.md 4.3)."""

from __future__ import annotations

from hive_nornir.operations.reboot import restart_and_wait
from hive_nornir.tasks.role import Steps, Target, role
from hive_nornir.tasks.servers.base.disk import grow_var
from hive_nornir.tasks.servers.base.kernel import cgroup, kernel
from hive_nornir.tasks.servers.base.maintenance import maintained
from hive_nornir.tasks.servers.base.mirrors import mirrors
from hive_nornir.tasks.servers.base.proxy import environment, metadata_refresh, pip_configuration
from hive_nornir.tasks.servers.base.restart import restart_reasons
from hive_nornir.tasks.servers.base.selinux import selinux
from hive_nornir.tasks.servers.base.sshd import login, way_to_the_proxy
from hive_nornir.tasks.servers.base.system import identity, logging, network_wait, programs, statistics, unattended_upgrades
from hive_nornir.tasks.servers.base.trust import trusted_ca
from hive_nornir.tasks.servers.base.variables import BaseVariables

__all__ = ["BaseVariables", "base"]


@role()
def base(host: Target, v: BaseVariables) -> Steps:
    """Bring the operating system to the site's common baseline.

    In this order: packages come from the site's mirror and through its proxy; the site's CA is trusted; the server has the site's
    programs, name, time zone and language; SELinux is permissive; people log in with keys only; nothing is upgraded unattended, least of
    all the kernel. What needs a restart of the server asks for it, and restarts it only when that is allowed.
    """
    trusted, trust = trusted_ca(host)
    pending = restart_reasons(host, v)
    outcomes = yield [
        *maintained(host, v),
        environment(host, v),
        *metadata_refresh(host, v),
        *way_to_the_proxy(host, v),
        *mirrors(host, v),
        *trusted,  # before anything is fetched, but for the program that takes it over where that is missing (O-1)
        *pip_configuration(v),
        *grow_var(host, v),
        *kernel(host, v),
        programs(host, v),
        logging(),
        *statistics(host),
        *selinux(host, v),
        *identity(host, v),
        *login(host, v),
        *network_wait(host),
        *unattended_upgrades(host, v),
        *cgroup(host),
        pending,
    ]
    if trust:
        trust.note()
    seen = outcomes[pending].observed
    yield from restart_and_wait(host, seen.text.split("\n") if seen and seen.text else [])
