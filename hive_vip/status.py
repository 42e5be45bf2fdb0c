"""What the daemon tells about itself (SWX-15), in a file that every user of the host may read: monitoring is not root."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from hive_vip import files
from hive_vip.desired import Claim, Wanted
from hive_vip.labels import IPAddress
from hive_vip.ledger import Entry, Ledger
from hive_vip.links import Link
from hive_vip.snapshot import Swarm

__all__ = ["SingleInstance", "describe", "healthy", "read", "write"]

# The daemon tells anew in each pass. One that is three passes and this many seconds late hangs.
SLACK = 60.0


class SingleInstance:
    """Held by the daemon as long as it runs, and by no second one.

    :raises BlockingIOError: another one has it.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def release(self) -> None:
        """Let another one run."""
        os.close(self._file)

    @staticmethod
    def is_held(path: Path) -> bool:
        """Whether a daemon runs."""
        with suppress(FileNotFoundError):
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            finally:
                os.close(file)
        return False


def describe(
    wanted: Wanted, swarm: Swarm, ledger: Ledger, errors: Mapping[IPAddress, str], label_errors: Mapping[str, str], trouble: str
) -> dict[str, Any]:
    """The daemon's state after a pass.

    :param errors: why virtual IPs are not as they should be.
    :param label_errors: the same of node labels.
    :param trouble: why the pass was not made as it should, "" if it was.
    """
    hooks = [_virtual_ip(claim, ledger.entries.get(claim.vip.address), errors.get(claim.vip.address, "")) for claim in wanted.claims]
    hooks += [
        {"service": service, "label": "HIVE_MARK", "value": name, "here": True, "state": "missing" if error else "set", "error": error}
        for name, services in wanted.marks.items()
        for service in services
        for error in [label_errors.get(name, "")]
    ]
    hooks += [
        {
            "service": each.service,
            "label": each.label,
            "here": each.service in wanted.running_here,
            "state": "refused",
            "error": each.reason,
        }
        for each in wanted.refusals
    ]
    return {
        "swarm": swarm.role,
        "node": swarm.node_id,
        "hooks": hooks,
        "notes": list(wanted.notes),
        "error": trouble,
    }


def write(path: Path, state: Mapping[str, Any], refresh: float) -> None:
    """Tell it to whoever asks.

    :param refresh: seconds between two passes at the most.
    """
    now = time.time()
    files.write_json(path, {**state, "updated": now, "valid_until": now + 3 * refresh + SLACK}, 0o644)


def read(path: Path, lock: Path, links: Iterable[Link]) -> dict[str, Any]:
    """What the daemon told last, and whether it is so: that it runs, and that the addresses are bound.

    :raises ValueError: the file is damaged.
    """
    state: dict[str, Any] = files.read_json(path) or {"hooks": [], "error": "the daemon has told nothing yet"}
    state["running"] = SingleInstance.is_held(lock)
    bound = {(link.name, str(each.address)) for link in links for each in link.bound}
    for hook in state["hooks"]:
        if hook["state"] in ("bound", "checking") and (hook["interface"], hook["value"]) not in bound:
            hook.update(state="missing", error="the address is not there")
    return state


def healthy(state: Mapping[str, Any]) -> bool:
    """Whether the daemon runs, and every virtual IP and label that has to be here is."""
    current = state["running"] and time.time() < state.get("valid_until", 0.0)
    absent = (hook for hook in state["hooks"] if hook["here"] and hook["state"] in ("missing", "refused"))
    # A port or a router that is refused does not make its virtual IP so.
    return bool(current and not any(hook["label"].startswith(("HIVE_VIP", "HIVE_MARK")) for hook in absent))


def _virtual_ip(claim: Claim, entry: Entry | None, error: str) -> dict[str, Any]:
    vip = claim.vip
    hook = {"service": vip.service, "label": vip.label, "value": str(vip.address), "here": claim.here, "state": "elsewhere", "error": error}
    if claim.here and entry is None:
        hook["state"] = "missing"
    elif claim.here and entry is not None:
        hook["state"] = "bound" if entry.router is not None else "checking"
        hook["interface"] = entry.interface
        if not error and claim.runs and claim.needs_container and claim.container is None:
            hook["error"] = "the container has no address on docker_gwbridge: the service needs an overlay network"
    return hook
