"""The one error of the commands: a message for whoever called, and the exit code."""

from __future__ import annotations

__all__ = ["ENGINE", "NOT_FOUND", "USAGE", "Failure"]

# Like docker's own run: 125 for the engine's failures, 127 for what is not there (swarm-extension.md UTL-4). Everything else is the
# remote command's.
USAGE, ENGINE, NOT_FOUND = 1, 125, 127


class Failure(Exception):
    """A command cannot do what it was asked for.

    :param code: its exit code.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code
