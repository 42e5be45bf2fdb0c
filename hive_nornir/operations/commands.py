"""Commands of the host's own programs, for what no other operation does."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

from hive_nornir.operations._states import absolute
from hive_nornir.operations.core import Change, Observed, Operation, quote

__all__ = ["command"]


def command(
    name: str,
    script: str,
    *,
    creates: str = "",
    unless: str = "",
    onlyif: str = "",
    changed_when: Callable[[str], bool] | None = None,
    secret: bool = False,
    deadline: float = 120,
    disturbs: str = "",
) -> Operation:
    """A shell script that is run when something tells that it has to be.

    Either `creates` or `unless` (or both) tells it beforehand, or `changed_when` afterwards; without any, a second run would run it again.

    :param name: of the operation, in plain words.
    :param script: POSIX shell, run under `set -e`.
    :param creates: path; when it exists, there is nothing to do.
    :param unless: shell that changes nothing; when its exit code is 0, there is nothing to do.
    :param onlyif: shell that changes nothing; when its exit code is not 0, there is nothing to do.
    :param changed_when: from what the script printed on standard output to whether it changed anything. It is run every time, and a plan
        cannot know.
    :param secret: what the script prints is withheld, also when it fails.
    :param deadline: seconds that it may take.
    :param disturbs: see `Operation`.
    :raises ValueError: nothing tells whether there is something to do, or both kinds do.
    """
    if bool(creates or unless) == bool(changed_when):
        raise ValueError(f"command {name!r} needs either creates or unless, or else changed_when")
    tests = [f"[ -e {quote(absolute(creates))} ] || [ -L {quote(creates)} ]"] if creates else []
    tests += [f"( {unless}\n) >/dev/null 2>&1"] if unless else []
    tests += [f"! ( {onlyif}\n) >/dev/null 2>&1"] if onlyif else []
    probe = "".join(f"if {test}; then echo done; exit; fi\n" for test in tests) + "echo due"
    run = f"(\n{script}\n)"
    if changed_when:
        # That it is there tells that the script has run; the engine sweeps the folder.
        output = f"/run/hive-nornir/{secrets.token_hex(8)}.out"
        probe = f"if [ -e {output} ]; then echo ran; cat {output}; exit; fi\n{probe}"
        run += f" >{output}"
    elif secret:
        run += " >/dev/null"
    change = Change("run", run + " 2>/dev/null" if secret else run)
    if changed_when:
        change = replace(change, unknown="known after it has run", effective=lambda after: changed_when(after.text.partition("\n")[2]))

    def decide(seen: Observed) -> Change | None:
        return change if seen.text.startswith("due") else None

    return Operation(name, probe, decide, disturbs=disturbs, deadline=deadline)
