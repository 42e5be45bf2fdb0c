"""A hive that is lost for good is replaced by a new server of the same name and address (spec operations.md 7).

Nothing has to be remembered before or afterwards: build-infra makes the servers that are missing, the role swarm lets one that was set up
anew take the place of its former self, and build-volumes never formats where data is.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hive_nornir.errors import ConnectionFailed, DeadlineExceeded, HiveError, UsageError
from hive_nornir.tasks.site_object import ObjectsRun

if TYPE_CHECKING:
    from hive_nornir.runs.events import Observer
    from hive_nornir.runs.report import RunReport
    from hive_nornir.site import Site

__all__ = ["check_loss", "replace"]

_PHASES = ("build-infra", "setup-hosts", "build-volumes")
_ANSWER_SECONDS = 20.0
_SEEN_SECONDS = 60.0


def check_loss(site: Site, host: str) -> str:
    """Whether a hive is really gone, and the others can go on without it. Touches nothing.

    :param host: inventory name.
    :returns: what is known of it, in plain words.
    :raises UsageError: it is no hive of the stage, or it is there and answers.
    :raises HiveError: too few managers of the swarm are left, or nobody tells.
    """
    if host not in site.inventory.hives:
        raise UsageError(
            f"{host} is no hive of stage {site.context.stage}",
            "the repository server: build-infra, setup-hosts, then restore hive-registry and hive-zabbix from a copy of the backups",
        )
    [state] = [resource.state for resource in site.resources() if (resource.kind, resource.name) == ("server", host)] or ["unknown"]
    if state != "missing" and _answers(site, host):
        raise UsageError(
            f"{host} is there and answers", "replacing is for a server that is lost; `hive-nornir run setup-hosts` mends one that is not"
        )
    if state != "missing":
        raise HiveError(
            f"{host} does not answer, but its infrastructure says that it is {state}",
            "`hive-nornir run build-infra` starts one that is stopped; delete one that is lost for good by the infrastructure's own means",
        )
    managers = _managers(site, host)
    left = sum(reachable for name, reachable in managers.items() if name != host.partition(".")[0])
    needed = len(managers) // 2 + 1
    if left < needed:
        raise HiveError(
            f"of {len(managers)} managers of the swarm {left} are left, and {needed} are needed",
            "bring one of the others back first; else found the swarm anew from one that is left: docker swarm init --force-new-cluster",
        )
    return f"{host} is {state}; {left} of {len(managers)} managers are there"


def replace(site: Site, host: str, *, allow_reboot: bool = False, observers: Sequence[Observer] = ()) -> list[RunReport]:
    """Build a server in place of a lost one, set it up, and give it back its copies of volumes.

    :param host: inventory name, one that `check_loss` has let pass.
    :returns: the reports of the phases that were begun; the first that fails is the last.
    :raises HiveError: the phases ended well, and yet the others do not see it in the swarm.
    """
    from hive_nornir.site import PHASES

    reports = []
    for phase in (phase for phase in _PHASES if phase in PHASES):
        reports.append(site.run(phase, allow_reboot=allow_reboot and phase == "setup-hosts", observers=observers))
        if not reports[-1].ok:
            return reports
    give_up = time.monotonic() + _SEEN_SECONDS
    while not _managers(site, host).get(host.partition(".")[0]):
        if time.monotonic() > give_up:
            raise HiveError(f"{host} is set up, and the other managers of the swarm do not reach it", "see `docker node ls` on one of them")
        time.sleep(1)
    site.close()
    return reports


def _answers(site: Site, host: str) -> bool:
    connection: Any = site.nornir.inventory.hosts[host].get_connection("hive", site.nornir.config)
    try:
        connection.reopen(_ANSWER_SECONDS)
    except (ConnectionFailed, DeadlineExceeded):
        return False
    return True


def _managers(site: Site, lost: str) -> dict[str, bool]:
    """Name of each manager in the swarm -> whether the others reach it, as one of them tells."""
    run = ObjectsRun(site.inventory, site.nornir, check=True, progress=lambda _name, _text: None)
    nodes = run.connection(run.manager(without=lost), "docker").nodes.list(filters={"role": "manager"})
    return {node.attrs["Description"]["Hostname"]: node.attrs.get("ManagerStatus", {}).get("Reachability") == "reachable" for node in nodes}
