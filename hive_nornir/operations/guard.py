"""Changes that could cut the operator off undo themselves unless a fresh login proves the way in (spec setup-hosts.md 6.1)."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hive_nornir.connections.transport import Transport
from hive_nornir.errors import ConnectionFailed, ConnectionLost, DeadlineExceeded, OperationFailed
from hive_nornir.operations._guard_shell import GuardShell
from hive_nornir.operations.core import Guard

__all__ = ["ArmedGuard", "GuardGate"]

_AFTER_TIMER = 45.0  # seconds in which a host whose timer has struck must let us in


class GuardGate:
    """Lets one host at a time through a guarded change and nobody after a failed one: the first host is the canary.

    :param what: what they do one after the other, in plain words.
    """

    def __init__(self, what: str = "a guarded change") -> None:
        self.what = what
        self._lock = threading.Lock()
        self._failed_on = ""

    @contextmanager
    def turn(self, host: str) -> Iterator[None]:
        """Wait for the turn.

        :raises OperationFailed: the same kind of change failed on another host of this run; nothing was tried here.
        """
        with self._lock:
            if self._failed_on:
                raise OperationFailed(f"not tried, since {self.what} failed on {self._failed_on}")
            try:
                yield
            except BaseException:
                self._failed_on = host
                raise


class ArmedGuard:
    """One guarded change on one host, from arming the timer to disarming it.

    Whoever moves the host's mark `armed` away decides: we to `kept`, the host to `undoing`, and when it is done the folder's name ends in
    `.undone`. So the host and we never both win, and a connection that breaks in between leaves nothing open. A host that restarts undoes
    the change as it starts.
    """

    def __init__(self, guard: Guard, transport: Transport) -> None:
        self.guard = guard
        self.transport = transport
        self.shell = GuardShell(f"hive-nornir-guard-{secrets.token_hex(4)}")
        self._give_up = time.monotonic() + guard.seconds + _AFTER_TIMER

    @property
    def arm(self) -> str:
        """Shell: saves the present state and starts the timer that puts it back. If it fails, nothing is to be put back."""
        return self.shell.arm(self.guard)

    def prove_and_disarm(self) -> None:
        """Log in afresh; only then is the change kept.

        :raises OperationFailed: nobody gets in any more; the old state was put back, which was proven too.
        """
        try:
            self.transport.proof_of_entry(self.guard.port)
        except (ConnectionFailed, DeadlineExceeded) as error:
            self.undo()
            raise OperationFailed(
                f"{self.guard.reason}: with the change nobody gets in any more, so it was undone, and the host lets us in again",
                stderr=str(error),
            ) from error
        if not self._disarmed():
            raise OperationFailed(
                f"{self.guard.reason}: proving the way in took longer than {self.guard.seconds} s, or the host restarted meanwhile;"
                " it undid the change"
            )

    def undo(self, *, connected: bool = True) -> None:
        """Put the old state back at once, or if we cannot get in, wait until the host's timer has done so; then log in afresh.

        :param connected: whether the connection is open still.
        :raises OperationFailed: it did not happen in time: the one case in which somebody has to go to the console.
        """
        problem = "" if connected else "the connection broke"
        while (left := self._give_up - time.monotonic()) > 0:
            try:
                if problem:
                    self.transport.reopen(deadline=min(10.0, left))
                if self._undone(patience=min(30.0, left)):
                    self.transport.proof_of_entry()
                    self.transport.run(self.shell.clear(), deadline=20)
                    return
                problem = "putting the old state back takes its time"
            except (ConnectionFailed, DeadlineExceeded) as error:  # locked out until the timer comes
                problem = str(error)
            time.sleep(0.5)
        raise OperationFailed(
            f"{self.guard.reason}: locked out, and the host did not undo the change within {self.guard.seconds} s",
            f"restart it, or on its console run: mv {self.shell.folder}/undoing {self.shell.folder}/armed; sh {self.shell.folder}/restore",
            stderr=problem,
        )

    def _disarmed(self) -> bool:
        """Claim the change as kept; False if the host was quicker."""
        try:
            return self.transport.run(self.shell.disarm(), deadline=20).exit_code == 0
        except ConnectionLost:  # whether it came to that is asked again
            self.transport.reopen(deadline=20)
            return self.transport.run(self.shell.disarm(), deadline=20).exit_code == 0

    def _undone(self, patience: float) -> bool:
        """Have the host put the old state back now, and whether it has within `patience` seconds."""
        seconds = max(1, round(patience))
        return self.transport.run(self.shell.undo(seconds), deadline=seconds + 5).exit_code == 0
