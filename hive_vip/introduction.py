"""A new address is made known to its network, and its router is tried, while the daemon goes on (spec 2.2, SWX-6)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from hive_vip.errors import CommandFailedError
from hive_vip.labels import IPAddress
from hive_vip.ledger import Entry

__all__ = ["Introduction", "Speaker"]

ANNOUNCEMENTS, BETWEEN_ANNOUNCEMENTS = 3, 1.0
TRIES, BETWEEN_TRIES = 5, 10.0

_log = logging.getLogger(__name__)


class Speaker(Protocol):
    """What an introduction needs of the host."""

    def announce(self, entry: Entry) -> None:
        """Tell the neighbours where the address is."""

    def ping(self, entry: Entry, router: IPAddress) -> None:
        """Have the router answer, or raise CommandFailedError."""


class Introduction:
    """Announces an address three times over two seconds; a router is pinged up to five times, each time after another announcement.

    :param done: called at the end, unless it was stopped before, with "" or why the router was not reached.
    """

    def __init__(self, host: Speaker, entry: Entry, router: IPAddress | None, done: Callable[[str], None]) -> None:
        self.entry = entry
        self.router = router
        self._host = host
        self._done = done
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin, and return at once."""
        for work in (self._announce_thrice, self._try_router):
            threading.Thread(target=work, daemon=True, name=f"introduction of {self.entry.address}").start()

    def stop(self) -> None:
        """No further word about the address."""
        self._stopped.set()

    def _announce_thrice(self) -> None:
        for _ in range(ANNOUNCEMENTS):
            self._announce()
            if self._stopped.wait(BETWEEN_ANNOUNCEMENTS):
                return

    def _try_router(self) -> None:
        reason = ""
        for number in range(TRIES if self.router else 0):
            if number and self._stopped.wait(BETWEEN_TRIES):
                return
            reason = self._ping()
            if not reason:
                break
        if not self._stopped.is_set():
            self._done(reason)

    def _ping(self) -> str:
        """Why the router does not answer, or ""."""
        assert self.router is not None  # noqa: S101 - for the type checker
        self._announce()
        try:
            self._host.ping(self.entry, self.router)
        except CommandFailedError as error:
            _log.info("%s does not answer from %s yet: %s", self.router, self.entry.address, error)
            return f"the router {self.router} does not answer: {error}"
        return ""

    def _announce(self) -> None:
        try:
            self._host.announce(self.entry)
        except (CommandFailedError, OSError) as error:
            _log.warning("%s cannot be announced: %s", self.entry, error)
