"""Changes that could cut the operator off undo themselves unless a fresh login proves the way in (spec setup-hosts.md 6.1)."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hive_nornir.connections.transport import Transport
from hive_nornir.errors import ConnectionFailed, ConnectionLost, DeadlineExceeded, OperationFailed
from hive_nornir.operations.core import Guard, quote

__all__ = ["ArmedGuard", "GuardGate"]

_GUARDS = "/var/lib/hive-nornir/guards"
_AFTER_TIMER = 45.0  # seconds in which a host whose timer has struck must let us in


class GuardGate:
    """Lets one host at a time through a guarded change and nobody after a failed one: the first host is the canary."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed_on = ""

    @contextmanager
    def turn(self, host: str) -> Iterator[None]:
        """Wait for the turn.

        :raises OperationFailed: the same kind of change failed on another host of this run; nothing was tried here.
        """
        with self._lock:
            if self._failed_on:
                raise OperationFailed(f"not tried, since a guarded change failed on {self._failed_on}")
            try:
                yield
            except BaseException:
                self._failed_on = host
                raise


class ArmedGuard:
    """One guarded change on one host, from arming the timer to disarming it.

    The host keeps a folder with what the change replaces, the program that puts it back, and the mark `armed`. Whoever moves that mark away
    decides: we to `kept`, the program to `undoing`, and when it is done the folder's name ends in `.undone`. So the host's timer and we
    never both win, and a connection that breaks in between leaves nothing open.
    """

    def __init__(self, guard: Guard, transport: Transport) -> None:
        self.guard = guard
        self.transport = transport
        self.name = f"hive-nornir-guard-{secrets.token_hex(4)}"
        self.folder = f"{_GUARDS}/{self.name}"
        self._give_up = time.monotonic() + guard.seconds + _AFTER_TIMER

    @property
    def arm(self) -> str:
        """Shell: saves the present state and starts the timer that puts it back. If it fails, nothing is to be put back."""
        restore = (
            f"G={self.folder}; mv $G/armed $G/undoing 2>/dev/null || exit 0\n"
            f'LC_ALL=C; export LC_ALL; eval "$(cat $G/prelude)"\n{self.guard.restore}\nmv $G $G.undone\n'
        )
        return (
            # Of a controller that died: whoever ran it may have wondered for a day.
            f"mkdir -p -m 700 {_GUARDS}; find {_GUARDS} -mindepth 1 -maxdepth 1 -name '*.undone' -mmin +1440 -exec rm -rf {{}} +\n"
            f"G={self.folder}; mkdir -m 700 $G\n"
            'printf "%s\\n" "$HIVE_PRELUDE" >$G/prelude\n'
            f"printf %s {quote(restore)} >$G/restore\n"
            f"{self.guard.save}\n"
            f": >$G/armed\n"
            f"systemd-run --quiet --unit={self.name} --on-active={self.guard.seconds} --timer-property=AccuracySec=1s /bin/sh $G/restore"
            " || { rm $G/armed; exit 1; }"
        )

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
                f"{self.guard.reason}: proving the way in took longer than {self.guard.seconds} s, so the host undid the change"
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
                    self.transport.run(f"rm -rf {self.folder} {self.folder}.undone", deadline=20)
                    return
                problem = "putting the old state back takes its time"
            except (ConnectionFailed, DeadlineExceeded) as error:  # locked out until the timer comes
                problem = str(error)
            time.sleep(0.5)
        raise OperationFailed(
            f"{self.guard.reason}: locked out, and the host did not undo the change within {self.guard.seconds} s",
            f"on its console run: mv {self.folder}/undoing {self.folder}/armed; sh {self.folder}/restore",
            stderr=problem,
        )

    def _disarmed(self) -> bool:
        """Claim the change as kept; False if the host was quicker."""
        script = (
            f"G={self.folder}; [ -d $G ] || {{ [ ! -d $G.undone ]; exit; }}\n"
            "[ -e $G/kept ] || mv $G/armed $G/kept 2>/dev/null || exit 1\n"
            f"systemctl stop {self.name}.timer; rm -rf $G"
        )
        try:
            return self.transport.run(script, deadline=20).exit_code == 0
        except ConnectionLost:  # whether it came to that is asked again
            self.transport.reopen(deadline=20)
            return self.transport.run(script, deadline=20).exit_code == 0

    def _undone(self, patience: float) -> bool:
        """Have the host put the old state back now, and whether it has within `patience` seconds.

        The timer's own service does it, since one that we ran might be killed with our connection in the middle of its work.
        """
        seconds = max(1, round(patience))
        script = (
            f"G={self.folder}; [ -e $G/armed ] || [ -e $G/undoing ] || [ -d $G.undone ] || {{ rm -rf $G; exit 0; }}\n"
            f"[ ! -e $G/armed ] || systemctl start {self.name}.service\n"
            f"i=0; while [ ! -d $G.undone ] && [ $i -lt {seconds * 5} ]; do sleep 0.2; i=$((i+1)); done\n"
            f"systemctl stop {self.name}.timer; [ -d $G.undone ]"
        )
        return self.transport.run(script, deadline=seconds + 5).exit_code == 0
