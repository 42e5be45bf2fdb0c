"""The hives that a volume is made on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from hive_nornir.errors import HiveError

if TYPE_CHECKING:
    from hive_nornir.tasks.site_object import SiteObject

__all__ = ["hives_of", "on_each", "short", "volume_name"]


def hives_of(thing: SiteObject) -> list[str]:
    """The stage's hives that `--limit-server` leaves."""
    return [name for name in thing.site.hives if thing.run.hosts is None or name in thing.run.hosts]


def short(server: str) -> str:
    """A server's own name: `p-hive0`."""
    return server.split(".", 1)[0]


def volume_name(thing: SiteObject) -> str:
    """What Docker calls the volume."""
    return str(thing.variables["hive_volume"]["name"])


def on_each(servers: Sequence[str], work: Callable[[str], object]) -> None:
    """Do the same on each of some servers, on all of them whatever happens on one.

    :raises Exception: it failed on one.
    :raises HiveError: it failed on several; with the reason of each.
    """
    import docker
    import requests

    failures: dict[str, Exception] = {}
    for server in servers:
        try:
            work(server)
        except (HiveError, docker.errors.DockerException, requests.RequestException) as error:
            failures[server] = error
    if len(failures) == 1:
        raise next(iter(failures.values()))
    if failures:
        raise HiveError("; ".join(f"{short(server)}: {error}" for server, error in failures.items()))
