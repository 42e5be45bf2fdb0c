"""Looks at a replicated volume on several hives at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from hive_nornir.errors import ConnectionFailed, DeadlineExceeded
from hive_nornir.tasks.volumes.drbd.model import Observation, Resource
from hive_nornir.tasks.volumes.drbd.observe import observed, probe
from hive_nornir.tasks.volumes.hives import short

if TYPE_CHECKING:
    from hive_nornir.tasks.site_object import SiteObject

__all__ = ["look"]

_SECONDS = 60


def look(thing: SiteObject, wanted: Resource, servers: Sequence[str]) -> dict[str, Observation]:
    """What each of the servers has of the volume, by its short name; one that does not answer has that as its problem."""

    def one(server: str) -> Observation:
        try:
            done = thing.shell(server).run(probe(wanted), deadline=_SECONDS)
        except (ConnectionFailed, DeadlineExceeded) as error:
            return Observation(short(server), problems=(str(error),), answers=False)
        return observed(wanted, short(server), done.stdout.decode("utf-8", "replace"))

    with ThreadPoolExecutor(max_workers=max(1, len(servers))) as pool:
        return {short(server): seen for server, seen in zip(servers, pool.map(one, servers), strict=True)}
