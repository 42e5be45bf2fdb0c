"""The addresses of this host that are ours: each pass makes them what they have to be."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Protocol

from hive_vip import placing
from hive_vip.desired import Claim
from hive_vip.errors import CommandFailedError
from hive_vip.introduction import Introduction, Speaker
from hive_vip.labels import IPAddress
from hive_vip.ledger import Entry, Ledger
from hive_vip.links import Link
from hive_vip.retries import Retries

__all__ = ["AddressHost", "Addresses"]

_log = logging.getLogger(__name__)


class AddressHost(Speaker, Protocol):
    """What this needs of the host."""

    def links(self) -> list[Link]:
        """The interfaces with their addresses."""

    def add(self, entry: Entry) -> None:
        """Put an address on its interface."""

    def remove(self, entry: Entry) -> None:
        """Take it away."""


class Addresses:
    """Keeps addresses, and what goes on about them between passes.

    :param wake: has another pass made soon.
    """

    def __init__(self, host: AddressHost, ledger: Ledger, retries: Retries, wake: Callable[[], None]) -> None:
        self._host = host
        self._ledger = ledger
        self._retries = retries
        self._wake = wake
        self._introductions: dict[IPAddress, Introduction] = {}
        self._verdicts: SimpleQueue[tuple[Introduction, str]] = SimpleQueue()

    def converge(self, here: Mapping[IPAddress, Claim]) -> dict[IPAddress, str]:
        """Make the addresses of this host what they have to be.

        :param here: what this node has to answer for.
        :returns: why some are not.
        """
        self._retries.keep([claim.vip for claim in here.values()])
        self._hear_verdicts(here)
        held = self._retries.held()
        found = placing.decide(here, self._host.links(), self._ledger.entries, held)
        errors = {**{vip.address: reason for vip, reason in held.items()}, **found.errors}
        for step in found.steps:
            claim = here.get(step.entry.address)
            _log.log(logging.DEBUG if step.action in ("own", "forget") else logging.INFO, "%s", step)
            try:
                self._do(step, claim)
            except CommandFailedError as error:
                errors[step.entry.address] = str(error)
                if claim and step.action == "add":
                    self._retries.failed(claim.vip, str(error))
        return errors

    def next(self) -> float:
        """Seconds until something that failed is to be tried again."""
        return self._retries.next()

    def _hear_verdicts(self, here: Mapping[IPAddress, Claim]) -> None:
        """What introductions have found out since."""
        while True:
            try:
                introduction, reason = self._verdicts.get_nowait()
            except Empty:
                return
            address = introduction.entry.address
            if self._introductions.get(address) is not introduction or address not in here or address not in self._ledger.entries:
                continue
            if reason:
                self._retries.failed(here[address].vip, reason)
            else:
                self._retries.succeeded(here[address].vip)
                self._note(replace(self._ledger.entries[address], router=str(introduction.router)))

    def _do(self, step: placing.Step, claim: Claim | None) -> None:
        entry = step.entry
        if claim is None or step.action in ("remove", "forget"):
            if entry.address in self._introductions:
                self._introductions.pop(entry.address).stop()
            if step.action == "remove":
                self._host.remove(entry)
            self._cross_out(entry)
            return
        self._note(entry)  # before it is there: what is not noted would stay for ever
        if step.action == "add":
            try:
                self._host.add(entry)
            except CommandFailedError:
                self._cross_out(entry)
                raise
            if claim.vip.router is None:
                self._retries.succeeded(claim.vip)
        if step.action == "own":
            self._introductions.pop(entry.address, None)
        else:
            self._introduce(entry, claim.vip.router)

    def _introduce(self, entry: Entry, router: IPAddress | None) -> None:
        present = self._introductions.get(entry.address)
        if present and present.router == router:
            return  # it is at it
        if present:
            present.stop()
        introduction = Introduction(self._host, entry, router, lambda reason: self._tell(introduction, reason))
        self._introductions[entry.address] = introduction
        introduction.start()

    def _tell(self, introduction: Introduction, reason: str) -> None:
        if introduction.router is not None:
            self._verdicts.put((introduction, reason))
            self._wake()

    def _note(self, entry: Entry) -> None:
        self._ledger.entries[entry.address] = entry
        self._ledger.save()

    def _cross_out(self, entry: Entry) -> None:
        del self._ledger.entries[entry.address]
        self._ledger.save()
