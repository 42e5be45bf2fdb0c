"""An operation is probe, decide, apply: what every idempotent step of a role is made of.

*Probe* is a shell fragment that prints the observed state and changes nothing. *Decide* is pure Python from the observed
to a change, or to nothing. *Apply* is a shell fragment that makes the change. `engine` sends the probes of a role in one
round trip and the changes in one more.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Change", "Decide", "Guard", "Observed", "Operation", "Outcome", "Status", "quote"]

quote = shlex.quote


@dataclass(frozen=True)
class Observed:
    """What a probe printed.

    :param text: its standard output; bytes that are not UTF-8 are kept by surrogateescape.
    :param exit_code: of the fragment.
    :param triggered: one of the operations in `triggered_by` changed in this run (in a plan: would change), or in an earlier run that
        was interrupted before this operation ran.
    """

    text: str
    exit_code: int = 0
    triggered: bool = False


@dataclass(frozen=True)
class Change:
    """What has to be done.

    :param summary: in plain words, for example `content`, `mode 644 -> 600`, `install chrony`.
    :param apply: shell fragment, run under `set -e`; the functions of prelude.sh are there.
    :param diff: unified diff, or lines `- before` / `+ after`; never with secrets.
    :param unknown: for a step that tells only afterwards whether it changed anything: `known after it has run`; else "".
    :param effective: with `unknown`: whether it did, from what the probe prints afterwards.
    """

    summary: str
    apply: str
    diff: str = ""
    unknown: str = ""
    effective: Callable[[Observed], bool] | None = None


Decide = Callable[[Observed], "Change | None"]


@dataclass(frozen=True)
class Guard:
    """How a change that could cut the operator off undoes itself (spec setup-hosts.md 6.1).

    Consecutive operations with the same guard are applied together: the host saves, arms a timer, applies; a fresh login must succeed
    before the timer is disarmed. Otherwise the timer puts everything back.

    :param reason: what is being changed, in plain words.
    :param save: shell fragment that saves the present state into the folder `$G`; `hv_keep PATH…` does it for files.
    :param restore: shell fragment that puts it back from `$G`; `hv_putback` does it for files. If the host restarts before the change was
        confirmed, it runs as the host starts, `$hv_boot` is set, and systemctl waits for nothing: what reads the files comes later.
    :param port: SSH port on which the fresh login is tried; None is the present one.
    :param seconds: how long the timer waits.
    """

    reason: str
    save: str
    restore: str
    port: int | None = None
    seconds: int = 180


@dataclass(eq=False)
class Operation:
    """One idempotent step.

    :param name: unique in its role, in plain words: `file /etc/hosts`, `package chrony`.
    :param probe: shell fragment that prints the state and changes nothing.
    :param decide: from what the probe printed to a change or None. Pure. Raises OperationFailed for a state that must not be touched.
    :param disturbs: what this change may alter for later operations (`packages are installed`), "" if nothing: the engine then probes the
        rest again, and a plan calls them known only after it.
    :param rewrites: the file whose text this changes; a later operation on the same file is decided after it, from the new text.
    :param triggered_by: operations whose change is a reason for this one (a service and its configuration files).
    :param guard: for changes that could cut the operator off.
    :param deadline: seconds that applying may take.
    :param verify: probe again after applying and fail if a change is still due; only steps that cannot be read back are exempt.
    :param relogin: what it changes counts from the next login, so the engine logs in anew before it goes on (spec setup-hosts.md H-6).
    :param notice: its name is something that the operator has to know; the run ends with it, unless there was something to do.
    """

    name: str
    probe: str
    decide: Decide
    disturbs: str = ""
    rewrites: str = ""
    triggered_by: tuple[Operation, ...] = ()
    guard: Guard | None = None
    deadline: float = 120.0
    verify: bool = True
    relogin: bool = False
    notice: bool = False


Status = Literal["unchanged", "changed", "would-change", "unknown", "failed", "not-run"]


@dataclass
class Outcome:
    """What became of an operation.

    :param summary: the change, or why it is unknown or was not run.
    :param observed: the state at the end (in a plan: as it is), None when it was never probed.
    :param error: for `failed`.
    :param stderr: what the host said.
    """

    operation: Operation
    status: Status
    summary: str = ""
    diff: str = ""
    seconds: float = 0.0
    observed: Observed | None = None
    error: Exception | None = None
    stderr: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def settled(self) -> bool:
        """Whether the host is now as wanted."""
        return self.status in ("unchanged", "changed")


def names_must_differ(operations: Iterable[Operation]) -> None:
    """Two writers with one key are a mistake in the role (spec setup-hosts.md M-1).

    :raises ValueError: naming them.
    """
    seen: set[str] = set()
    for operation in operations:
        if operation.name in seen:
            raise ValueError(f"two operations are called {operation.name!r}")
        seen.add(operation.name)
