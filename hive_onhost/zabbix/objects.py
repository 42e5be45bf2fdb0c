"""Groups, templates, macros and hosts of Zabbix: what is not as the model says, and how it is mended (spec ZBX-5 to ZBX-8)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from hive_onhost.zabbix.api import Api, Refused
from hive_onhost.zabbix.hosts import hosts
from hive_onhost.zabbix.model import Difference, Model

__all__ = ["PHASES", "groups", "macros", "templates", "unwanted_hosts"]

_EXISTING = {"createMissing": True, "updateExisting": True}
_ALL = {**_EXISTING, "deleteMissing": True}
_RULES = {
    "template_groups": _EXISTING,
    "templates": _EXISTING,
    "templateLinkage": {"createMissing": True, "deleteMissing": True},
    **dict.fromkeys(("items", "triggers", "graphs", "discoveryRules", "valueMaps"), _ALL),
}


def groups(api: Api, model: Model) -> list[Difference]:
    """Host groups that are missing."""
    present = {each["name"] for each in api("hostgroup.get", output=["name"])}

    def create(name: str) -> Callable[[], object]:
        return lambda: api("hostgroup.create", name=name)

    return [Difference(f"host group {name}: new", create(name)) for name in model.groups if name not in present]


def templates(api: Api, model: Model) -> list[Difference]:
    """Templates that differ, by Zabbix' own comparison, and those of ours that are no longer wanted."""
    source = json.dumps(model.export)
    given = {"format": "json", "source": source, "rules": _RULES}
    compared = api("configuration.importcompare", **given)
    found = []
    if compared:
        found.append(Difference("; ".join(_compared(compared)), lambda: api("configuration.import_", **given)))
    group = api("templategroup.get", output=["groupid"], filter={"name": model.template_group})
    ours = api("template.get", output=["host"], groupids=[each["groupid"] for each in group]) if group else []
    old = {each["host"]: each["templateid"] for each in ours if each["host"] not in model.templates}
    if old:
        names = ", ".join(sorted(old))
        found.append(Difference(f"template {names}: no longer wanted", lambda: api("template.delete", list(old.values()))))
    return found


def macros(api: Api, model: Model) -> list[Difference]:
    """Macros of Zabbix' own templates that have another value (ZBX-6).

    :raises Refused: there is no such template.
    """
    found = []
    for wanted in model.macros:
        named = api(
            "template.get", output=["templateid"], filter={"host": wanted["template"]}, selectMacros=["hostmacroid", "macro", "value"]
        )
        if not named:
            raise Refused(f"there is no template {wanted['template']!r}, which hive_zabbix_template names")
        present = {each["macro"]: each for each in named[0]["macros"]}.get(wanted["macro"])
        if present is None or present["value"] != wanted["value"]:
            text = f"macro {wanted['macro']} of {wanted['template']}: {wanted['value']}"
            found.append(Difference(text, _set_macro(api, named[0]["templateid"], present, wanted)))
    return found


def unwanted_hosts(api: Api, model: Model) -> list[Difference]:
    """Hosts that come with a new Zabbix (ZBX-5)."""
    there = api("host.get", output=["host"], filter={"host": model.unwanted})

    def delete(host: str) -> Callable[[], object]:
        return lambda: api("host.delete", [host])

    return [Difference(f"host {each['host']}: remove", delete(each["hostid"])) for each in there]


PHASES: Sequence[Callable[[Api, Model], list[Difference]]] = (unwanted_hosts, groups, templates, macros, hosts)


def _set_macro(api: Api, template: str, present: dict[str, Any] | None, wanted: dict[str, str]) -> Callable[[], object]:
    if present is None:
        return lambda: api("usermacro.create", hostid=template, macro=wanted["macro"], value=wanted["value"])
    return lambda: api("usermacro.update", hostmacroid=present["hostmacroid"], value=wanted["value"])


def _compared(compared: dict[str, Any]) -> list[str]:
    """Zabbix' comparison in plain words: `template Hive Server: changed`."""
    words = {"added": "new", "updated": "changed", "removed": "removed"}
    kinds = {"templates": "template", "template_groups": "template group", "triggers": "trigger"}
    return [
        f"{kinds.get(kind, kind)} {(each.get('after') or each.get('before'))['name']}: {words[verb]}"
        for kind, verbs in compared.items()
        for verb, parts in verbs.items()
        for each in parts
    ]
