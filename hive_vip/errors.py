"""What can go wrong around the daemon, and does not end it."""

from __future__ import annotations

__all__ = ["CommandFailedError", "EngineSilentError", "OutsideError", "SwarmSilentError"]


class OutsideError(Exception):
    """Something outside of the daemon does not do its part."""


class CommandFailedError(OutsideError):
    """A program of the system did not do what it was told, in its own words."""


class EngineSilentError(OutsideError):
    """The engine of this host does not answer."""


class SwarmSilentError(OutsideError):
    """The engine answers, and nobody speaks for the swarm: there is no leader, or no manager is reached."""
