"""What the daemon is told by its environment and its configuration (spec swarm-extension.md 1.2, SWX-7, SWX-8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """The daemon's settings.

    :param refresh: seconds between two looks when nothing happens (HIVE_STREAM_REFRESH_INTERVAL, or as hive-builder spells it).
    :param max_delay: seconds an event may wait before that is worth a warning (HIVE_STREAM_MAX_DELAY).
    :param grace: seconds that the engine may be silent before what it stood for is given up (HIVE_VIP_GRACE_PERIOD). The swarm puts a
        lost node's tasks elsewhere after fifteen.
    :param quorum_grace: the same for a swarm without leader, of which another part may have one (HIVE_VIP_WITHOUT_QUORUM, seconds or keep).
        Without the leader's host, the others take up to 25 seconds to have a new one.
    :param reserved: node labels that setup-hosts manages (`group_labels` of the configuration).
    """

    log_level: str = "INFO"
    refresh: float = 30.0
    max_delay: float = 5.0
    grace: float = 10.0
    quorum_grace: float = 30.0
    reserved: frozenset[str] = frozenset()
    engine: str = "unix:///run/docker.sock"
    certificates: Path = Path("/etc/hive/vip")

    @classmethod
    def read(cls, environment: Mapping[str, str], configuration: Mapping[str, Any]) -> Settings:
        """Read the environment, which operators set, and the configuration, which setup-hosts writes.

        :raises ValueError: naming the variable and what it may be.
        """
        level = environment.get("HIVE_LOG_LEVEL", cls.log_level).upper()
        if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ValueError(f"HIVE_LOG_LEVEL is {level!r}: DEBUG, INFO, WARNING or ERROR is")
        kept = environment.get("HIVE_VIP_WITHOUT_QUORUM") == "keep"
        return cls(
            log_level=level,
            refresh=_seconds(environment, cls.refresh, "HIVE_STREAM_REFRESH_INTERVAL", "HIVE_STREAM_REFLESH_INTERVAL"),
            max_delay=_seconds(environment, cls.max_delay, "HIVE_STREAM_MAX_DELAY"),
            grace=_seconds(environment, cls.grace, "HIVE_VIP_GRACE_PERIOD"),
            quorum_grace=inf if kept else _seconds(environment, cls.quorum_grace, "HIVE_VIP_WITHOUT_QUORUM"),
            reserved=frozenset(map(str, configuration.get("group_labels", ()))),
        )


def _seconds(environment: Mapping[str, str], default: float, *names: str) -> float:
    """The first of these variables that is set."""
    name = next((name for name in names if environment.get(name)), "")
    if not name:
        return default
    try:
        seconds = float(environment[name])
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:  # also not a number
        raise ValueError(f"{name} is {environment[name]!r}: a number of seconds is expected")
    return seconds
