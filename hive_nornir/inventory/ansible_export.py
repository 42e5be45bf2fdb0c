"""The inventory as Ansible's tools show it: variables as defined, templates not rendered, all stages."""

from __future__ import annotations

from typing import Any

from hive_nornir.inventory.variables import SiteVariables

__all__ = ["ansible_host", "ansible_list", "graph"]


def ansible_list(variables: SiteVariables) -> dict[str, Any]:
    """What a dynamic inventory prints for `--list`, in `ansible-inventory --list`'s form ("Developing dynamic inventory").

    :return: group -> {`hosts`, `children`}, and `_meta.hostvars` with the variables of every object.
    """
    computed = variables.computed
    found: dict[str, Any] = {"_meta": {"hostvars": {name: ansible_host(variables, name) for name in computed.objects}}}
    found["all"] = {"children": ["ungrouped", *_top(variables)]}
    for group in _groups(variables):
        content = {"hosts": list(computed.groups.get(group, [])), "children": list(computed.children.get(group, []))}
        # Ansible takes a group of which nothing is said for a host of that name.
        found[group] = {key: names for key, names in content.items() if names} or {"hosts": []}
    return found


def ansible_host(variables: SiteVariables, name: str) -> dict[str, Any]:
    """What a dynamic inventory prints for `--host`."""
    return {key: _json(value) for key, value in sorted(variables.defined(name).items())}


def graph(variables: SiteVariables) -> str:
    """What `ansible-inventory --graph` prints."""
    lines = ["@all:", "  |--@ungrouped:"]
    for group in _top(variables):
        lines += _branch(variables, group, 1)
    return "\n".join(lines)


def _branch(variables: SiteVariables, group: str, depth: int) -> list[str]:
    computed = variables.computed
    lines = [f"{'  |' * depth}--@{group}:"]
    for child in computed.children.get(group, []):
        lines += _branch(variables, child, depth + 1)
    return lines + [f"{'  |' * (depth + 1)}--{name}" for name in computed.groups.get(group, [])]


def _groups(variables: SiteVariables) -> list[str]:
    return [group for group in variables.group_names() if group != "all"]


def _top(variables: SiteVariables) -> list[str]:
    below = {child for children in variables.computed.children.values() for child in children}
    return [group for group in _groups(variables) if group not in below]


def _json(value: Any) -> Any:
    """YAML has more types than JSON: dates become texts, keys too."""
    if isinstance(value, dict):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, (list, set)):
        return [_json(item) for item in value]
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)
