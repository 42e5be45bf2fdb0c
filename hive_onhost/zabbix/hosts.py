"""The site's servers as hosts of Zabbix (spec setup-hosts.md ZBX-8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hive_onhost.zabbix.api import Api
from hive_onhost.zabbix.model import Difference, Model

__all__ = ["hosts"]

_AGENT = "1"
_PORT = "10050"


def hosts(api: Api, model: Model) -> list[Difference]:
    """Servers that are missing or differ, and those of ours that the inventory no longer has.

    What an operator adds to a host stays: further groups, templates, tags.
    """
    registry = _Registry(api, model)
    wanted = {each["name"]: each for each in model.hosts}
    present = {each["host"]: each for each in registry.present()}
    found = [registry.new(each) for name, each in wanted.items() if name not in present]
    found += [change for name, each in wanted.items() if name in present for change in registry.changed(each, present[name])]
    return found + [registry.gone(each) for name, each in present.items() if name not in wanted and registry.is_ours(each)]


class _Registry:
    """Hosts by name; groups and templates get their numbers when something is changed, since they may be new too."""

    def __init__(self, api: Api, model: Model) -> None:
        self._api = api
        self._tag = {"tag": "hive", "value": model.owner}
        # Those that we give and take; others are the operators'.
        self._managed = {*model.templates, *(name for each in model.hosts for name in each["templates"])}

    def present(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._api(
            "host.get",
            output=["hostid", "host"],
            selectInterfaces=["interfaceid", "ip", "port", "useip", "type", "main"],
            selectHostGroups=["groupid", "name"],
            selectParentTemplates=["templateid", "host"],
            selectTags=["tag", "value", "automatic"],
        )
        return found

    def is_ours(self, host: Mapping[str, Any]) -> bool:
        return self._tag in [{"tag": each["tag"], "value": each["value"]} for each in host["tags"]]

    def gone(self, host: Mapping[str, Any]) -> Difference:
        return Difference(f"host {host['host']}: not in the inventory any more", lambda: self._api("host.delete", [host["hostid"]]))

    def new(self, wanted: Mapping[str, Any]) -> Difference:
        def mend() -> None:
            self._api(
                "host.create",
                host=wanted["name"],
                interfaces=[{**_interface(wanted), "type": 1, "main": 1, "dns": ""}],
                groups=self._group_numbers(wanted["groups"]),
                templates=self._template_numbers(wanted["templates"]),
                tags=[self._tag],
            )

        return Difference(f"host {wanted['name']}: new, {wanted['address']}, {', '.join(wanted['templates'])}", mend)

    def changed(self, wanted: Mapping[str, Any], host: Mapping[str, Any]) -> list[Difference]:
        """What differs; each by itself, since one must not wait for the other."""
        name, number = wanted["name"], host["hostid"]
        found = self._address(wanted, host)
        groups = [each["name"] for each in host["hostgroups"]]
        if missing := [each for each in wanted["groups"] if each not in groups]:
            everything = [*groups, *missing]
            found.append(Difference(f"host {name}: group {', '.join(missing)}", self._update(number, groups=everything)))
        linked = {each["host"]: each["templateid"] for each in host["parentTemplates"]}
        due = [each for each in wanted["templates"] if each not in linked]
        undue = {each: linked[each] for each in linked if each in self._managed and each not in wanted["templates"]}
        if due or undue:
            words = [*(f"+ {each}" for each in due), *(f"- {each}" for each in undue)]
            kept = [each for each in linked if each not in undue]
            found.append(
                Difference(
                    f"host {name}: templates {', '.join(words)}", self._update(number, templates=[*kept, *due], clear=list(undue.values()))
                )
            )
        if not self.is_ours(host):
            tags = [{"tag": each["tag"], "value": each["value"]} for each in host["tags"] if each["automatic"] == "0"]
            found.append(Difference(f"host {name}: tag hive", lambda: self._api("host.update", hostid=number, tags=[*tags, self._tag])))
        return found

    def _address(self, wanted: Mapping[str, Any], host: Mapping[str, Any]) -> list[Difference]:
        due = _interface(wanted)
        agents = [each for each in host["interfaces"] if each["type"] == _AGENT and each["main"] == "1"]
        if agents and all(str(agents[0][key]) == str(value) for key, value in due.items()):
            return []
        text = f"host {wanted['name']}: address {agents[0]['ip'] if agents else 'none'} -> {wanted['address']}"
        if agents:
            number = agents[0]["interfaceid"]
            return [Difference(text, lambda: self._api("hostinterface.update", interfaceid=number, **due))]
        new = {"hostid": host["hostid"], "type": 1, "main": 1, "dns": "", **due}
        return [Difference(text, lambda: self._api("hostinterface.create", **new))]

    def _update(
        self, number: str, *, groups: list[str] | None = None, templates: list[str] | None = None, clear: list[str] | None = None
    ) -> Callable[[], object]:
        def mend() -> None:
            given: dict[str, Any] = {"groups": self._group_numbers(groups)} if groups else {}
            if templates is not None:
                given["templates"] = self._template_numbers(templates)
            if clear:
                given["templates_clear"] = [{"templateid": each} for each in clear]
            self._api("host.update", hostid=number, **given)

        return mend

    def _group_numbers(self, names: list[str]) -> list[dict[str, str]]:
        return [{"groupid": each["groupid"]} for each in self._api("hostgroup.get", output=["groupid"], filter={"name": names})]

    def _template_numbers(self, names: list[str]) -> list[dict[str, str]]:
        return [{"templateid": each["templateid"]} for each in self._api("template.get", output=["templateid"], filter={"host": names})]


def _interface(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {"useip": 1, "ip": wanted["address"], "port": _PORT}
