"""What failed is tried again, later each time (SWX-5)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from hive_vip.labels import Vip

__all__ = ["Retries"]

FIRST, MOST = 15.0, 300.0


@dataclass(frozen=True)
class _Failure:
    reason: str
    times: int
    not_before: float


class Retries:
    """Which virtual IPs failed, and when it is their time again. A changed label is a new virtual IP, and its time is now.

    :param clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: dict[Vip, _Failure] = {}

    def failed(self, vip: Vip, reason: str) -> None:
        """It failed: once more after 15 seconds, then twice as long each time, up to five minutes."""
        times = self._failures[vip].times + 1 if vip in self._failures else 0
        self._failures[vip] = _Failure(reason, times, self._clock() + min(FIRST * 2.0**times, MOST))

    def succeeded(self, vip: Vip) -> None:
        """It is well."""
        self._failures.pop(vip, None)

    def keep(self, vips: Collection[Vip]) -> None:
        """Forget those that nobody wants any more."""
        self._failures = {vip: failure for vip, failure in self._failures.items() if vip in vips}

    def held(self) -> dict[Vip, str]:
        """Those whose time has not come, with the reason."""
        now = self._clock()
        return {vip: failure.reason for vip, failure in self._failures.items() if failure.not_before > now}

    def next(self) -> float:
        """Seconds until the first one's time; infinite without any."""
        now = self._clock()
        return min((failure.not_before - now for failure in self._failures.values() if failure.not_before > now), default=float("inf"))
