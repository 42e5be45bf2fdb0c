"""The parts of a template in the form that Zabbix 7.0 imports and exports; what has Zabbix' own default is left out."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any, Literal

__all__ = ["GROUP", "VERSION", "at", "dependent", "document", "graph", "item", "rule", "template", "trigger"]

VERSION = "7.0"
GROUP = "Templates/Hive"

Part = dict[str, Any]
Severity = Literal["WARNING", "HIGH"]


def item(template: str, name: str, key: str, delay: str, **more: Any) -> Part:
    """An item, or the prototype of one.

    :param template: its template's name.
    :param delay: how often it is asked for.
    :param more: `value_type`, `units`, `history`, `trends`, `description`, `triggers`, …
    """
    prototypes = {"trigger_prototypes": more.pop("triggers")} if "{#" in key and "triggers" in more else {}
    # Zabbix exports no value that is its default, and compares texts.
    asked = {} if delay == "1m" else {"delay": delay}
    return {"uuid": _id(template, "item", key), "name": name, "key": key, **asked, **more, **prototypes}


def dependent(template: str, name: str, key: str, source: str, path: str, **more: Any) -> Part:
    """An item, or the prototype of one, whose value is a part of another's.

    :param source: the key of the item that is asked for.
    :param path: JSONPath of the value.
    """
    taken = [{"type": "JSONPATH", "parameters": [path]}]
    return item(template, name, key, "1m", type="DEPENDENT", master_item={"key": source}, preprocessing=taken, **more)


def trigger(template: str, name: str, expression: str, severity: Severity, *, manual_close: bool = False) -> Part:
    """A trigger of an item or a prototype.

    :param expression: of functions of items, which `at` writes.
    """
    found = {"uuid": _id(template, "trigger", name, expression), "expression": expression, "name": name, "priority": severity}
    return {**found, **({"manual_close": "YES"} if manual_close else {})}


def graph(template: str, name: str, keys: Sequence[str]) -> Part:
    """A graph of several items' prototypes."""
    colors = ("1A7C11", "F63100", "2774A4")
    lines = [
        {**({"sortorder": str(number)} if number else {}), "color": color, "item": {"host": template, "key": key}}
        for number, (key, color) in enumerate(zip(keys, colors, strict=False))
    ]
    return {"uuid": _id(template, "graph", name), "name": name, "graph_items": lines}


def rule(template: str, name: str, key: str, delay: str, prototypes: Sequence[Part], **more: Any) -> Part:
    """A discovery: for everything that the item `key` finds there are items.

    :param more: `lifetime`, `graph_prototypes`, `trigger_prototypes`.
    """
    return {"uuid": _id(template, "rule", key), "name": name, "key": key, "delay": delay, **more, "item_prototypes": list(prototypes)}


def template(name: str, description: str, items: Sequence[Part] = (), rules: Sequence[Part] = ()) -> Part:
    """A template."""
    parts = {"items": list(items), "discovery_rules": list(rules)}
    head = {"uuid": _id(name, "template"), "template": name, "name": name, "description": description, "groups": [{"name": GROUP}]}
    return {**head, **{key: value for key, value in parts.items() if value}, "tags": [{"tag": "class", "value": "hive"}]}


def document(templates: Sequence[Part], triggers: Sequence[Part] = ()) -> Part:
    """What is imported.

    :param triggers: those of more than one item, which stand beside the templates.
    """
    groups = [{"uuid": _id("", "template group", GROUP), "name": GROUP}]
    beside = {"triggers": list(triggers)} if triggers else {}
    return {"zabbix_export": {"version": VERSION, "template_groups": groups, "templates": list(templates), **beside}}


def at(template_name: str, key: str, *, function: str = "last", period: str = "") -> str:
    """A function of an item in an expression: `last(/Hive Server/ausearch)`."""
    return f"{function}(/{template_name}/{key}{f',{period}' if period else ''})"


def _id(*parts: str) -> str:
    """The same for the same part in every site, so that a template is recognised: a UUID of version 4, as Zabbix wants them."""
    digest = hashlib.sha256("\0".join(("hive-nornir", *parts)).encode()).digest()[:16]
    return uuid.UUID(bytes=digest, version=4).hex
