"""Changes that could cut the operator off undo themselves unless a fresh login proves the way in (spec setup-hosts.md 6.1)."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hive_nornir.connections.transport import Transport
from hive_nornir.errors import ConnectionFailed, DeadlineExceeded, OperationFailed
from hive_nornir.operations.core import Guard, quote

__all__ = ["ArmedGuard", "GuardGate"]

_GUARDS = "/var/lib/hive-nornir/guards"


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
    """One guarded change on one host, from arming the timer to disarming it."""

    def __init__(self, guard: Guard, transport: Transport) -> None:
        self.guard = guard
        self.transport = transport
        self.name = f"hive-nornir-guard-{secrets.token_hex(4)}"
        self.folder = f"{_GUARDS}/{self.name}"

    @property
    def arm(self) -> str:
        """Shell: saves the present state and starts the timer that puts it back."""
        restore = (
            f'#!/bin/sh\nG={self.folder}\n[ -d "$G" ] || exit 0\nLC_ALL=C; export LC_ALL\neval "$(cat "$G/prelude")"\n'
            f"{self.guard.restore}\nmv $G $G.undone\n"
        )
        return (
            f"G={self.folder}; mkdir -p -m 700 {_GUARDS}; mkdir -m 700 $G\n"
            'printf "%s\\n" "$HIVE_PRELUDE" >$G/prelude\n'
            f"printf %s {quote(restore)} >$G/restore\n"
            f"{self.guard.save}\n"
            f"systemd-run --quiet --unit={self.name} --on-active={self.guard.seconds} --timer-property=AccuracySec=1s /bin/sh $G/restore"
        )

    def prove_and_disarm(self) -> None:
        """Log in afresh; only then is the change kept.

        :raises OperationFailed: nobody gets in any more; the host has put the old state back, which was proven too.
        """
        try:
            self.transport.proof_of_entry(self.guard.port)
        except (ConnectionFailed, DeadlineExceeded) as error:
            self.wait_for_restore()
            raise OperationFailed(
                f"{self.guard.reason}: with the change nobody gets in any more, so the host undid it and lets us in again",
                stderr=str(error),
            ) from error
        done = self.transport.run(f"systemctl stop {self.name}.timer; [ -d {self.folder} ] && rm -rf {self.folder}", deadline=20)
        if done.exit_code != 0:
            raise OperationFailed(
                f"{self.guard.reason}: proving the way in took longer than {self.guard.seconds} s, so the host undid the change"
            )

    def undo_now(self) -> None:
        """Put the old state back at once, because a step of the change failed."""
        self.transport.run(f"systemctl stop {self.name}.timer; /bin/sh {self.folder}/restore; rm -rf {self.folder}.undone", deadline=60)

    def wait_for_restore(self) -> None:
        """Wait until the host's timer has put the old state back and we get in again.

        :raises OperationFailed: it did not happen in time: the one case in which somebody has to go to the console.
        """
        give_up = time.monotonic() + self.guard.seconds + 60
        while time.monotonic() < give_up:
            try:
                self.transport.reopen(deadline=10)
                if self.transport.run(f"[ -d {self.folder}.undone ]", deadline=10).exit_code == 0:
                    self.transport.proof_of_entry()
                    self.transport.run(f"rm -rf {self.folder}.undone", deadline=10)
                    return
            except (ConnectionFailed, DeadlineExceeded):
                pass  # still locked out: the timer has not come yet
            time.sleep(1)
        raise OperationFailed(
            f"{self.guard.reason}: locked out, and the host did not undo the change within {self.guard.seconds + 60} s",
            f"on its console run: sh {self.folder}/restore",
        )
