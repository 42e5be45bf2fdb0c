"""Role reboot: the barrier at which servers restart, before what needs the new kernel or mode (spec setup-hosts.md 4.17)."""

from __future__ import annotations

from dataclasses import replace

from hive_nornir.operations.reboot import restart_and_wait
from hive_nornir.tasks.role import Steps, Target, role
from hive_nornir.tasks.servers.base.restart import restart_reasons
from hive_nornir.tasks.servers.base.variables import RestartVariables
from hive_nornir.tasks.servers.extension import HOOK_WISHES
from hive_nornir.tasks.servers.rolling import DRAINED, restart_member

__all__ = ["reboot"]

# In a plan the first of a run's two barriers speaks for both, since nothing restarted in between.
_PLANNED = "hive_restart_planned"


@role()
def reboot(host: Target, v: RestartVariables) -> Steps:
    """Restart the server if something waits for it, and go on when it is whole again.

    Reasons are another kernel, another mode of SELinux, a grown disk, what a hook of the site asked for, and what the distribution asks for
    itself. Servers of no cluster restart side by side. Members of a swarm and servers with DRBD resources restart one after the other:
    the others must suffice, the node is drained, and the next one's turn comes when this one is ready and active again.
    """
    reasons = restart_reasons(host, v)
    # 1 is the answer that both families' probes have for yes; 127 is a program that is not there.
    wishes = (
        f'( {host.os.reboot_probe} ) >/dev/null 2>&1; [ $? != 1 ] || echo "the distribution asks for it"\n'
        f"cat {HOOK_WISHES} 2>/dev/null\n[ ! -e {DRAINED} ] || echo @drained"
    )
    look = replace(reasons, probe=f"{reasons.probe}\n{wishes}\n:")
    outcomes = yield [look]
    seen = outcomes[look].observed
    found = [line for line in seen.text.splitlines() if line] if seen else []
    due = [line for line in found if line != "@drained"]
    if not found or (host.check and host.task.host.data.get(_PLANNED)):
        return
    host.task.host.data[_PLANNED] = host.check
    # What the facts say may be older than what earlier roles of this run did, such as joining the swarm.
    host.forget_facts()
    if host.facts.swarm == "active" or any(device.name.startswith("drbd") for device in host.facts.block_devices):
        yield from restart_member(host, due)
    else:
        yield from restart_and_wait(host, due, barrier=True)
