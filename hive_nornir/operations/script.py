"""The script of one exchange with a host: changes to apply, then states to probe; and what it printed, taken apart.

Every step of the changes is journalled on the host in /run/hive-nornir/ID (begun, exit code, output), so that after a lost connection
each is known as done or not done. The changes go on to their end even when the connection is gone.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from hive_nornir.operations.core import Change, Observed, Operation

__all__ = ["NO_JOURNAL", "Applied", "ExchangeScript", "Step", "Transcript", "pending_mark"]

# The recovery script's exit code when the host knows nothing of the exchange: it restarted.
NO_JOURNAL = 9

_JOURNALS = "/run/hive-nornir"
_PENDING = "/var/lib/hive-nornir/pending"


@dataclass(frozen=True)
class Step:
    """A change on its way to the host.

    :param marks: operations that must know of this change even if the run ends before their turn.
    """

    operation: Operation
    change: Change
    marks: tuple[Operation, ...] = ()


@dataclass(frozen=True)
class Applied:
    """What became of a step that was begun: its exit code, None if it did not end; what it said, if it failed."""

    exit_code: int | None
    stderr: str


@dataclass
class Transcript:
    """What an exchange printed.

    :param applied: by index of the step; steps that were never begun are absent.
    :param observed: by index of the probe.
    """

    applied: dict[int, Applied] = field(default_factory=dict)
    observed: dict[int, Observed] = field(default_factory=dict)


def pending_mark(operation: Operation) -> str:
    """The file on the host that says that one of the operation's triggers changed and it has not run since."""
    return f"{_PENDING}/{hashlib.sha256(operation.name.encode()).hexdigest()[:16]}"


class ExchangeScript:
    """Builds the script and reads its output; `nonce` separates our lines from what the host's programs print."""

    def __init__(self) -> None:
        self.nonce = secrets.token_hex(8)
        self.journal = f"{_JOURNALS}/{self.nonce}"
        self._frame = re.compile(rf"^\x1e{self.nonce} (\w+) (\d+) ?(.*)\n", re.MULTILINE)

    def text(self, steps: Sequence[Step], probes: Sequence[Operation], before: str = "") -> str:
        """The whole script.

        :param before: a fragment that must succeed before the first step, for example arming a guard.
        """
        parts = []
        if steps:
            parts.append(self._prologue(before))
            parts += [self._step(index, step) for index, step in enumerate(steps)]
            parts.append(self._report(len(steps)))
        parts += [self._probe(index, operation) for index, operation in enumerate(probes)]
        return "\n".join(parts)

    def recovery(self, steps: int) -> str:
        """A script for a new connection: waits for the old one's changes to end and prints their journal."""
        return (
            f"J={self.journal}; [ -e $J/pid ] || exit {NO_JOURNAL}\n"
            'while [ ! -e $J/done ] && kill -0 "$(cat $J/pid)" 2>/dev/null; do sleep 0.3; done\n'
            f"{self._report(steps)}"
        )

    def read(self, output: str) -> Transcript:
        """Take apart what the script printed."""
        transcript = Transcript()
        pieces = self._frame.split(output)
        for kind, index, word, body in zip(pieces[1::4], pieces[2::4], pieces[3::4], pieces[4::4], strict=True):
            if kind == "step":
                transcript.applied[int(index)] = Applied(int(word) if word else None, body.strip())
            elif kind == "probe":
                text, _, code = body[:-1].rpartition("\n")
                if code.isdigit():  # else the script was cut off in the middle of this probe
                    transcript.observed[int(index)] = Observed(text, int(code), triggered=word == "pending")
        return transcript

    def _prologue(self, before: str) -> str:
        # The journal outlives this script, since whoever lost the connection will ask for it; an hour is long enough.
        lines = [
            f"mkdir -p -m 700 {_JOURNALS}; find {_JOURNALS} -mindepth 1 -maxdepth 1 -mmin +60 -exec rm -rf {{}} +",
            f"J={self.journal}; mkdir -m 700 $J && echo $$ >$J/pid || exit 8",
        ]
        if before:
            lines.append(f"( set -e\n{before}\n) >$J/0.log 2>&1 </dev/null; hv_code=$?")
            lines.append("[ $hv_code = 0 ] || { : >$J/failed; : >$J/0.begun; echo $hv_code >$J/0.code; }")
        return "\n".join(lines)

    def _step(self, index: int, step: Step) -> str:
        marks = "".join(f"mkdir -p -m 700 {_PENDING}; : >{pending_mark(mark)}\n" for mark in step.marks)
        unmark = f"\nrm -f {pending_mark(step.operation)}" if step.operation.triggered_by else ""
        # The subshell must be the last command of no list: elsewhere `set -e` has no effect (POSIX, set).
        return (
            f"if [ ! -e $J/failed ]; then : >$J/{index}.begun\n"
            f"( set -e\n{marks}{step.change.apply}{unmark}\n) >$J/{index}.log 2>&1 </dev/null\n"
            f"hv_code=$?; echo $hv_code >$J/{index}.code; [ $hv_code = 0 ] || : >$J/failed; fi"
        )

    def _report(self, steps: int) -> str:
        return (
            f": >$J/done; hv_i=0; while [ $hv_i -lt {steps} ]; do if [ -e $J/$hv_i.begun ]; then\n"
            "hv_code=$(cat $J/$hv_i.code 2>/dev/null)\n"
            f'printf \'\\036{self.nonce} step %s %s\\n\' $hv_i "$hv_code"; [ "$hv_code" = 0 ] || tail -c 8192 $J/$hv_i.log; echo\n'
            "fi; hv_i=$((hv_i+1)); done"
        )

    def _probe(self, index: int, operation: Operation) -> str:
        word = f"$([ ! -e {pending_mark(operation)} ] || echo pending)" if operation.triggered_by else ""
        return f'printf "\\036{self.nonce} probe {index} {word}\\n"; ( {operation.probe}\n) </dev/null; printf "\\n%s\\n" $?'
