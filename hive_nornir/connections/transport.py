"""The contract between operations and whatever runs their scripts: a host over SSH, or a container."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["Completed", "Traffic", "Transport"]


@dataclass(frozen=True)
class Completed:
    """A script that ended.

    :param exit_code: 0 to 255; 124 when the host itself stopped it at its deadline (timeout(1)).
    """

    exit_code: int
    stdout: bytes
    stderr: bytes


@dataclass
class Traffic:
    """What a transport has sent and waited for since it was made.

    :param round_trips: how often it sent something and then waited for the answer, the TCP handshake included.
    :param sent: bytes on the wire, encryption included.
    :param received: likewise.
    """

    round_trips: int = 0
    sent: int = 0
    received: int = 0


class Transport(Protocol):
    """Runs POSIX shell scripts as root; used by one thread at a time."""

    traffic: Traffic

    def run(self, script: str, *, deadline: float, stdin: bytes | None = None) -> Completed:
        """Run a script with /bin/sh and wait for its end.

        :param script: POSIX shell; never seen in the host's process list.
        :param deadline: seconds after which the host kills it; the caller waits a little longer and then gives the host up.
        :param stdin: what it reads; None is /dev/null.
        :raises ConnectionLost: the connection broke; what the script did is unknown here.
        :raises DeadlineExceeded: the host neither answered nor closed the connection.
        """

    def proof_of_entry(self, port: int | None = None) -> None:
        """Log in anew, as an operator would, and become root, beside the open connection.

        :param port: another port than the one in use.
        :raises ConnectionFailed: the host does not let us in.
        """

    def reopen(self, deadline: float) -> None:
        """Drop the connection and connect again, trying for `deadline` seconds.

        :raises ConnectionFailed: the host did not come back in time.
        """

    def close(self) -> None:
        """Drop the connection for good; a script that still runs on the host goes on to its end.

        May be called from any thread: a `run` that waits in another one ends at once, with a HiveError that nobody takes for a broken
        connection, so nothing is tried again.
        """
