"""Where `run all` begins: the variable start_phase of the stage (spec cli.md 5, setup-hosts.md T-3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_nornir.site import PHASES

if TYPE_CHECKING:
    from hive_nornir.inventory.persistents import Persistents
    from hive_nornir.plays.phase import PhaseOptions

__all__ = ["note_success", "remaining"]


def remaining(persistents: Persistents, start: str | None = None) -> tuple[str, ...]:
    """The phases from the one where `run all` begins.

    :param start: that one; None is the stored one.
    """
    return PHASES[PHASES.index(start or persistents.get("start_phase")[0]) :]


def note_success(persistents: Persistents, options: PhaseOptions) -> None:
    """A phase has ended well: `run all` begins behind it the next time, if it would have begun with it.

    A narrowed run proves nothing of the rest and moves nothing; a phase that is repeated moves nothing back. Behind the last phase
    `run all` begins anew, since a phase with nothing to do takes seconds. Servers that were destroyed have all phases before them.
    """
    phase = options.phase
    if options.destroy and phase == PHASES[0]:
        persistents.unset("start_phase")
    elif options.whole and persistents.get("start_phase")[0] == phase:
        if phase == PHASES[-1]:
            persistents.unset("start_phase")
        else:
            persistents.set("start_phase", PHASES[PHASES.index(phase) + 1])
