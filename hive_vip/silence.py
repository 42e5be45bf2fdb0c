"""How long it counts as a short absence that nobody tells what is wanted (SWX-7, SWX-8)."""

from __future__ import annotations

from collections.abc import Callable

from hive_vip.errors import SwarmSilentError
from hive_vip.settings import Settings

__all__ = ["Silence"]


class Silence:
    """Begins with the first look that finds nobody, and ends with the first that finds somebody.

    :param clock: monotonic seconds.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._since: float | None = None

    def __bool__(self) -> bool:
        return self._since is not None

    def end(self) -> None:
        """Somebody told."""
        self._since = None

    def left(self, error: Exception) -> float:
        """Seconds for which everything stays as it is; none or less when what this node stood for has to be given up.

        :param error: what the look found.
        """
        if self._since is None:
            self._since = self._clock()
        return self._since + self.grace(error) - self._clock()

    def grace(self, error: Exception) -> float:
        """Seconds that such a silence may last. A swarm whose leader is lost needs time to elect another one."""
        return self._settings.quorum_grace if isinstance(error, SwarmSilentError) else self._settings.grace
