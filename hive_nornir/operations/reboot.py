"""Restarting a host and waiting until it is back (spec setup-hosts.md 4.17, H-4, T-4)."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

from hive_nornir.connections.transport import Transport
from hive_nornir.errors import ConnectionFailed, DeadlineExceeded, HiveError
from hive_nornir.operations.core import Change, Observed, Operation, Outcome
from hive_nornir.operations.facts_text import boot_identity

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target

__all__ = ["restart_and_wait", "restart_operation", "wait_for_restart"]

LIMIT_SECONDS = 300.0
_BOOT = "cat /proc/sys/kernel/random/boot_id /proc/1/stat"


def restart_and_wait(
    target: Target, reasons: Sequence[str], *, barrier: bool = False
) -> Generator[list[Operation], dict[Operation, Outcome], None]:
    """Restart the host of a role if there is a reason.

    In a generator role: `yield from restart_and_wait(host, ["the new kernel does not run yet"])`. Afterwards the facts are gathered anew.
    When the role reboot is still to come in the run, that is left to it. Without permission (`options.allow_reboot`) nothing is done, and
    the run ends with the notice `reboot pending: REASONS` (T-4); in a plan the restart is shown as a change that would be made. What
    must not restart by itself has a notice with the reason too (H-4, H-5).

    :param reasons: in plain words; without any, nothing happens.
    :param barrier: the role reboot calls: it was chosen, which is permission, and a member of a cluster has its turn.
    :raises DeadlineExceeded: the host did not come back within 300 s.
    """
    if not reasons or (target.options.barrier and not barrier):
        return
    words, allowed = list(reasons), barrier or target.options.allow_reboot
    if allowed and (obstacle := _obstacle(target, alone=barrier)):
        words, allowed = [*words, obstacle], False
    operation = restart_operation(words, target.facts.boot_id, allowed=allowed)
    outcomes = yield [operation]
    if outcomes[operation].status != "changed":
        return
    wait_for_restart(target.transport, target.name, target.facts.boot_id)
    target.forget_facts()


def _obstacle(target: Target, *, alone: bool) -> str:
    """Why a host must not restart, in words that belong behind the reasons for it; "" if it may.

    :param alone: it has its turn. Members of a cluster restart one after the other, drained before and whole again afterwards (H-5, L-13).
    """
    if target.name == target.site.repository and target.variables.get("hive_shared_repository"):
        return "not done, since the shared repository is a container on the mother (restart that one)"
    if alone:
        return ""
    if target.facts.swarm == "active":
        return "not done, since it is a member of a swarm (run the role reboot, which takes one after the other)"
    if any(device.name.startswith("drbd") for device in target.facts.block_devices):
        return "not done, since its DRBD resources are up (run the role reboot, which takes one server after the other)"
    return ""


def restart_operation(reasons: Sequence[str], boot_id: str, *, allowed: bool) -> Operation:
    """The operation that lets a host restart in two seconds, so that there is time for its answer; `wait_for_restart` does the rest.

    :param boot_id: `Facts.boot_id` of the boot in which the reasons were found; a host that has restarted since is left alone.
    :param allowed: otherwise the operation changes nothing, and its name says that a restart is pending.
    """
    words = ", ".join(reasons)
    later = "systemd-run --quiet --on-active=2 --timer-property=AccuracySec=100ms systemctl reboot"

    def decide(seen: Observed) -> Change | None:
        return Change(words, later) if allowed and _boot(seen.text) == boot_id else None

    # Read back at once, the boot is still the old one.
    name = f"restart: {words}" if allowed else f"reboot pending: {words}"
    return Operation(name, _BOOT, decide, verify=False, notice=not allowed)


def wait_for_restart(transport: Transport, name: str, boot_id: str, limit: float = LIMIT_SECONDS) -> None:
    """Wait until a host that is about to restart has done so and lets us in.

    :param boot_id: of the boot that ends.
    :param limit: seconds.
    :raises DeadlineExceeded: it did not happen in time.
    """
    give_up = time.monotonic() + limit
    error: HiveError | None = None
    while (left := give_up - time.monotonic()) > 0:
        try:
            transport.reopen(deadline=min(left, 20))
            done = transport.run(_BOOT, deadline=10)
            if done.exit_code == 0 and _boot(done.stdout.decode("ascii", "replace")) != boot_id:
                return
            error = None
        except (ConnectionFailed, DeadlineExceeded) as failure:
            error = failure
        time.sleep(0.3)
    what = str(error) if error else "it still runs the old boot"
    raise DeadlineExceeded(f"{name} was restarted and is not back after {limit:.0f} s: {what}", "look at its console")


def _boot(printed: str) -> str:
    boot_id, _, stat = printed.partition("\n")
    return boot_identity(boot_id, stat)
