"""The stage's hives as members of one swarm, and their order in a run: the first hive founds it, then the others join one by one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hive_nornir.errors import DeadlineExceeded, HiveError

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target

__all__ = ["Hives", "Order"]

# Founding takes some seconds, joining up to a minute when a former entry has to be removed.
FOUNDING_SECONDS = 180.0
TURN_SECONDS = 600.0


@dataclass(frozen=True)
class Hives:
    """Who is to be in the swarm.

    :param own: inventory name of the host itself.
    :param first: of the first hive.
    :param addresses: inventory name -> private address, in the order of the inventory.
    :param modes: inventory name -> `manager` or `worker`, as hive_swarm_mode says; the first hive is always a manager.
    """

    own: str
    first: str
    addresses: Mapping[str, str]
    modes: Mapping[str, str]

    @classmethod
    def of(cls, host: Target) -> Hives:
        """Those of the host's stage."""
        site = host.site
        [first] = site.groups["first_hive"]
        modes = {name: "manager" if name == first else str(site.scope(name).get("hive_swarm_mode", "manager")) for name in site.hives}
        return cls(host.name, first, {name: str(site.scope(name)["hive_private_ip"]) for name in site.hives}, modes)

    @property
    def others(self) -> tuple[str, ...]:
        """The other hives, in the order in which they are asked for the swarm."""
        return tuple(sorted((name for name in self.addresses if name != self.own), key=lambda name: name != self.first))

    @property
    def managers(self) -> tuple[str, ...]:
        """The other hives that are meant to be managers."""
        return tuple(name for name in self.others if self.modes[name] == "manager")


@dataclass
class Order:
    """What the hosts of a run wait for."""

    _founded: threading.Event = field(default_factory=threading.Event)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def founding(self) -> Iterator[None]:
        """The first hive's part; the others go on when it is over, whatever became of it."""
        try:
            yield
        finally:
            self._founded.set()

    @contextmanager
    def joining(self, host: Target, first: str) -> Iterator[None]:
        """Another hive's part: after the first hive's, if that takes part in the run, and one at a time (SWM-2).

        :raises DeadlineExceeded: the others take too long.
        """
        nornir = host.task.nornir
        if first in nornir.inventory.hosts and first not in nornir.data.failed_hosts:
            self._wait(host, FOUNDING_SECONDS, f"{first} founds the swarm", self._founded.wait)
        self._wait(host, TURN_SECONDS, "another hive joins", lambda seconds: self._turn.acquire(timeout=seconds))
        try:
            yield
        finally:
            self._turn.release()

    @staticmethod
    def _wait(host: Target, limit: float, what: str, wait: Callable[[float], bool]) -> None:
        give_up = time.monotonic() + limit
        while not wait(0.2):
            if host.options.stop.is_set():
                raise HiveError(f"interrupted while {host.name} waited until {what}")
            if time.monotonic() > give_up:
                raise DeadlineExceeded(f"{host.name} waited {limit:.0f} s until {what}", "run setup-hosts again")
