"""The daemon's loop: it looks, converges, tells, and waits for the next reason to look (SWX-1, SWX-7, SWX-8, SWX-11)."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Collection
from math import inf
from pathlib import Path

from hive_vip import desired, node_labels, packet_filter, status
from hive_vip.addresses import Addresses
from hive_vip.desired import Wanted
from hive_vip.errors import EngineSilentError, OutsideError, SwarmSilentError
from hive_vip.host import Host
from hive_vip.labels import IPAddress
from hive_vip.ledger import Ledger
from hive_vip.retries import Retries
from hive_vip.settings import Settings
from hive_vip.silence import Silence
from hive_vip.snapshot import Swarm
from hive_vip.swarm import Engine

__all__ = ["Daemon"]

# Between an event and the pass: an event seldom comes alone.
SETTLE = 0.2
# Between passes while a container starts, which nobody tells of, and while something fails.
SOON, AFTER_FAILURE = 1.0, 5.0
# A swarm that has lost its leader tells nobody, and has to be asked.
HEARTBEAT = 3.0

_log = logging.getLogger(__name__)


class Daemon:
    """Keeps this host as the swarm wants it, until it is told to end.

    :param status_file: where it tells what it does.
    """

    def __init__(self, settings: Settings, engine: Engine, host: Host, ledger: Ledger, status_file: Path) -> None:
        self._settings = settings
        self._engine = engine
        self._host = host
        self._ledger = ledger
        self._status_file = status_file
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._hand_over = False
        self._silence = Silence(settings, time.monotonic)
        self._event_since: float | None = None
        self._said: Collection[str] = ()
        self._addresses = Addresses(host, ledger, Retries(time.monotonic), self.wake)

    def wake(self) -> None:
        """There is a reason to look."""
        if self._event_since is None:
            self._event_since = time.monotonic()
        self._wake.set()

    def end(self, *, hand_over: bool) -> None:
        """End after the present pass; the first reason counts.

        :param hand_over: leave everything as it is, for a successor.
        """
        if not self._ended.is_set():
            self._hand_over = hand_over
            self._ended.set()
            self._wake.set()

    def run(self) -> None:
        """Work until `end` is called, or a signal: SIGTERM takes everything back, SIGHUP hands over (SWX-11)."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.end(hand_over=False))
        signal.signal(signal.SIGHUP, lambda *_: self.end(hand_over=True))
        threading.Thread(target=self._watch, daemon=True, name="events").start()
        while not self._ended.is_set():
            self._wake.clear()
            self._rest(self._safe_turn())
            self._ended.wait(SETTLE)
        if self._hand_over:
            _log.info("handed over: everything stays as it is")
        else:
            self.release()

    def turn(self) -> float:
        """One pass.

        :returns: after how many seconds the next one is due, if nothing happens.
        """
        since, self._event_since = self._event_since, None
        if since is not None and time.monotonic() - since > self._settings.max_delay:
            _log.warning("an event had to wait %.1f s", time.monotonic() - since)
        try:
            swarm = self._engine.look()
        except (EngineSilentError, SwarmSilentError) as error:
            return self._without(error)
        wanted = desired.wanted(swarm, self._settings.reserved)
        failed = self._converge(wanted, swarm)
        self._silence.end()
        starting = any(claim.needs_container and not claim.runs for claim in wanted.claims)
        pause = SOON if starting else AFTER_FAILURE if failed else self._settings.refresh
        return min(pause, self._settings.refresh, self._addresses.next())

    def release(self) -> None:
        """Take back everything; node labels as far as somebody answers."""
        try:
            swarm = self._engine.look()
        except (EngineSilentError, SwarmSilentError) as error:
            _log.warning("node labels stay: %s", error)
            self._converge(Wanted(), None)
        else:
            self._converge(Wanted(), swarm)
        _log.info("ended: everything is taken back")

    def _rest(self, seconds: float) -> None:
        """Wait for a reason to look. With something to lose, that nobody speaks for the swarm any more is one."""
        end = time.monotonic() + seconds
        while not self._wake.wait(min(HEARTBEAT, max(0.0, end - time.monotonic()))) and time.monotonic() < end:
            if self._ledger.entries and not self._silence:
                try:
                    self._engine.speaks()
                except OutsideError:
                    return

    def _safe_turn(self) -> float:
        try:
            return self.turn()
        except Exception as error:  # noqa: BLE001 - whatever it is, what the node no longer stands for must go
            _log.exception("a pass failed")
            return self._without(error)

    def _without(self, error: Exception) -> float:
        """Nobody tells what is wanted: after a while that means that nothing is (SWX-7, SWX-8)."""
        left, grace = self._silence.left(error), self._silence.grace(error)
        if left > 0:
            self._say([f"{error}; everything stays as it is{f' for {grace:.0f} s' if grace < inf else ''}"])
        else:
            self._converge(Wanted(), None, str(error))
        return min(left, SOON) if left > 0 else AFTER_FAILURE

    def _converge(self, wanted: Wanted, swarm: Swarm | None, trouble: str = "") -> bool:
        """Make the difference, and tell what came of it.

        :param swarm: None when nobody answers, and node labels cannot be changed.
        :param trouble: why not all is known.
        :returns: whether something failed that may succeed soon.
        """
        here = wanted.here
        errors: dict[IPAddress, str] = {}
        failures: dict[IPAddress, str] = {}
        label_errors: dict[str, str] = {}
        try:
            errors = self._addresses.converge(here)
            failures = packet_filter.converge(self._host, self._ledger, here)
            if swarm is not None:
                label_errors = node_labels.converge(self._engine, self._ledger, wanted.marks, swarm, self._settings.reserved)
        except OutsideError as error:
            trouble = str(error)
        errors = {**failures, **errors}
        state = status.describe(wanted, swarm or Swarm("unreachable"), self._ledger, errors, label_errors, trouble)
        status.write(self._status_file, state, self._settings.refresh)
        said = [f"{hook['label']} of {hook['service']}: {hook['error']}" for hook in state["hooks"] if hook["error"]]
        self._say([*said, *wanted.notes, *([trouble] if trouble else [])])
        return bool(failures or trouble)

    def _say(self, messages: Collection[str]) -> None:
        """Log what was not said last time."""
        for message in messages:
            if message not in self._said:
                _log.warning("%s", message)
        self._said = messages

    def _watch(self) -> None:
        """Have a pass made whenever the engine tells of something, comes or goes."""
        while not self._ended.is_set():
            listening = False
            try:
                for _ in self._engine.events():
                    listening = True
                    self.wake()
            except OutsideError as error:
                _log.debug("%s", error)
            if listening:
                self.wake()
            self._ended.wait(SOON)
