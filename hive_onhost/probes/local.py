"""Commands of this host."""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Sequence

from hive_onhost.failure import ENGINE, Failure

__all__ = ["output"]

_SECONDS = 20


def output(words: Sequence[str], *, codes: Collection[int] = (0,)) -> str:
    """What a command prints.

    :param codes: exit codes that are no failure.
    :raises Failure: it cannot be run, fails or does not end.
    """
    command = " ".join(words)
    try:
        done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(f"cannot run {command}: {error}", ENGINE) from error
    if done.returncode not in codes:
        raise Failure(f"{command} fails with {done.returncode}: {done.stderr.strip()}", ENGINE)
    return done.stdout
