"""What the definitions amount to: the objects of a site, their groups and their raw variables.

`definitions` reads the files, `compute` fills these, `variables` renders them, `plugin` hands them to Nornir.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["STAGES", "ComputedInventory", "InventoryObject", "Kind", "Stage"]

Stage = Literal["private", "staging", "production"]
STAGES: tuple[Stage, ...] = ("private", "staging", "production")
Kind = Literal["server", "mother", "service", "image", "volume", "network"]


@dataclass(frozen=True)
class InventoryObject:
    """A server, the mother, or a service, image, volume or network of the site.

    :param groups: every group that it is a member of, direct or through a child group, without `all`.
    :param stages: the stages in which it exists.
    :param variables: as the definitions give them, templates not rendered (spec inventory.md 2.1, 3.1, 5).
    :param stage_variables: stage -> variables that differ from stage to stage (a service's published ports, a DRBD
        volume's device id: both are assigned a stage at a time). They win over `variables`; see `variables_in`.
    """

    name: str
    kind: Kind
    groups: tuple[str, ...]
    stages: tuple[Stage, ...]
    variables: dict[str, Any] = field(default_factory=dict)
    stage_variables: dict[Stage, dict[str, Any]] = field(default_factory=dict)

    def variables_in(self, stage: Stage) -> dict[str, Any]:
        """The object's variables as they are in one stage."""
        return {**self.variables, **self.stage_variables.get(stage, {})}


@dataclass(frozen=True)
class ComputedInventory:
    """Everything that the definitions say, for all stages.

    :param objects: by name.
    :param groups: group -> direct members (objects) in order.
    :param children: group -> child groups (`servers` -> hives, repository).
    :param group_variables: group -> variables that belong to the group (stage groups: hive_provider …), not rendered.
    """

    hive_name: str
    objects: dict[str, InventoryObject]
    groups: dict[str, list[str]]
    children: dict[str, list[str]]
    group_variables: dict[str, dict[str, Any]]
