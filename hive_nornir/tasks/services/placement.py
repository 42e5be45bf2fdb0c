"""On which nodes a service may run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["is_up", "suitable"]

_CONSTRAINT = re.compile(r"\s*([\w.-]+)\s*(==|!=)\s*(.*?)\s*")


def is_up(node: Mapping[str, Any]) -> bool:
    """Whether a node of the swarm takes tasks."""
    return bool(node["Status"]["State"] == "ready" and node["Spec"]["Availability"] == "active")


def suitable(nodes: Iterable[Mapping[str, Any]], spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The nodes that take tasks and fulfil a service's constraints, by the scheduler's rules (swarmkit, manager/constraint)."""
    constraints = (spec["TaskTemplate"].get("Placement") or {}).get("Constraints") or []
    return [node for node in nodes if is_up(node) and all(_fulfils(node, constraint) for constraint in constraints)]


def _fulfils(node: Mapping[str, Any], constraint: str) -> bool:
    found = _CONSTRAINT.fullmatch(constraint)
    if found is None:
        return True
    key, operator, wanted = found.groups()
    value = _value(node, key)
    if value is None:
        return True  # not known here: the scheduler decides
    return (value.lower() == wanted.lower()) == (operator == "==")


def _value(node: Mapping[str, Any], key: str) -> str | None:
    description = node.get("Description") or {}
    lowered = key.lower()
    if lowered.startswith("node.labels."):
        return str((node["Spec"].get("Labels") or {}).get(key[len("node.labels.") :], ""))
    if lowered.startswith("engine.labels."):
        return str(((description.get("Engine") or {}).get("Labels") or {}).get(key[len("engine.labels.") :], ""))
    known = {
        "node.id": node.get("ID"),
        "node.hostname": description.get("Hostname"),
        "node.role": node["Spec"].get("Role"),
        "node.platform.os": (description.get("Platform") or {}).get("OS"),
    }
    found = known.get(lowered)
    return None if found is None else str(found)
