"""Our labels of this node: each pass makes them what they have to be."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Protocol

from hive_vip import marks
from hive_vip.ledger import Ledger
from hive_vip.snapshot import Swarm

__all__ = ["Marker", "converge"]

_log = logging.getLogger(__name__)


class Marker(Protocol):
    """What this needs of the engine."""

    def mark(self, node_id: str, steps: Collection[marks.Step]) -> None:
        """Set and unset labels of this node."""


def converge(engine: Marker, ledger: Ledger, wanted: Collection[str], swarm: Swarm, reserved: Collection[str]) -> dict[str, str]:
    """Make our labels of this node what they have to be.

    :param reserved: labels that setup-hosts manages.
    :returns: why some are not.
    :raises EngineSilentError: nobody answers.
    :raises SwarmSilentError: it was not possible; whether it was done all the same, the next look will tell.
    """
    found = marks.decide(wanted, swarm.node_labels, ledger.marks, swarm.node_id, reserved)
    if not found.steps:
        return dict(found.errors)
    for step in found.steps:
        _log.info("%s", step)
    _note(ledger, [step for step in found.steps if step.action == "forget"])
    changes = [step for step in found.steps if step.action != "forget"]
    # Before they are there: what is not noted would stay for ever.
    ledger.marks.update({step.name: swarm.node_id for step in changes})
    ledger.save_marks()
    if not changes:
        return dict(found.errors)
    engine.mark(swarm.node_id, changes)
    _note(ledger, [step for step in changes if step.action == "unset"])
    return dict(found.errors)


def _note(ledger: Ledger, gone: Collection[marks.Step]) -> None:
    """These are not ours any more."""
    for step in gone:
        ledger.marks.pop(step.name, None)
    ledger.save_marks()
