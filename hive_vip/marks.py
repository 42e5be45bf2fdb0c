"""Node labels that say which services run here (spec 2.4, SWX-16). Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Marking", "Step", "after", "decide"]

_VALUE = "true"


@dataclass(frozen=True)
class Step:
    """One thing to be done about a label: set it on the node, unset it, or forget that it was ours."""

    action: Literal["set", "unset", "forget"]
    name: str

    def __str__(self) -> str:
        return f"{self.action} node label {self.name}"


@dataclass(frozen=True)
class Marking:
    """What has to be done, and what cannot be.

    :param errors: by label.
    """

    steps: Sequence[Step]
    errors: Mapping[str, str]


def decide(
    wanted: Collection[str], node_labels: Mapping[str, str], ours: Mapping[str, str], node_id: str, reserved: Collection[str]
) -> Marking:
    """Compare the labels that have to be with those of the node.

    :param ours: labels that we set, each with the id of the node that this one was then.
    :param reserved: labels that setup-hosts manages.
    """
    steps: list[Step] = []
    errors = {}
    mine = set()
    for name, node in ours.items():
        if node == node_id and name not in reserved and (name in wanted or node_labels.get(name) == _VALUE):
            mine.add(name)
        else:  # of a node that was, or somebody else's by now
            steps.append(Step("forget", name))
    for name in sorted(wanted):
        if name not in mine and name in node_labels:
            errors[name] = f"the node has a label {name} already, and it was not this daemon that set it"
        elif node_labels.get(name) != _VALUE:
            steps.append(Step("set", name))
    steps += [Step("unset", name) for name in sorted(mine - set(wanted))]
    return Marking(tuple(steps), errors)


def after(labels: Mapping[str, str], steps: Collection[Step]) -> dict[str, str]:
    """The node's labels when the steps are done."""
    names = {step.name for step in steps if step.action == "unset"}
    return {**{name: value for name, value in labels.items() if name not in names}, **{s.name: _VALUE for s in steps if s.action == "set"}}
