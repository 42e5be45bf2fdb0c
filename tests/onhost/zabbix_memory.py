"""A Zabbix that is kept in memory."""

# ruff: noqa: A002, N803 - the API's own names

from __future__ import annotations

import itertools
import json


class Memory:
    """The part of Zabbix' API that is used. `called` are the methods that change something."""

    def __init__(self) -> None:
        self.passwords = {"Admin": "zabbix"}
        self.tokens: dict[str, str] = {}
        self.groups = {"2": "Linux servers", "4": "Zabbix servers"}
        self.templates = {
            "10": {"host": "Linux by Zabbix agent", "macros": [{"hostmacroid": "1", "macro": "{$FS}", "value": "old"}], "group": ""}
        }
        self.hosts: dict[str, dict] = {"50": {"host": "Zabbix server", **self.empty()}}
        self.called: list[str] = []
        self.numbers = itertools.count(100)

    @staticmethod
    def empty() -> dict:
        return {"interfaces": [], "hostgroups": [], "parentTemplates": [], "tags": []}

    def number(self) -> str:
        return str(next(self.numbers))

    def api(self, url: str) -> Session:
        return Session(self)


class Session:
    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def login(self, user: str, password: str) -> bool:
        return self.memory.passwords[user] == password

    def use_token(self, token: str) -> bool:
        return token in self.memory.tokens.values()

    def logout(self) -> None:
        pass

    def __call__(self, method: str, *arguments, **given):
        if not method.endswith((".get", "importcompare")):
            self.memory.called.append(method)
        return getattr(self, method.replace(".", "_").rstrip("_"))(*arguments, **given)

    def user_get(self, output, filter):
        return [{"userid": "1"}]

    def user_update(self, userid, passwd, current_passwd):
        assert current_passwd == self.memory.passwords["Admin"]
        self.memory.passwords["Admin"] = passwd

    def token_get(self, output, filter):
        return [{"tokenid": number} for number in self.memory.tokens]

    def token_delete(self, numbers):
        for number in numbers:
            del self.memory.tokens[number]

    def token_create(self, name, userid):
        number = self.memory.number()
        self.memory.tokens[number] = ""
        return {"tokenids": [number]}

    def token_generate(self, numbers):
        self.memory.tokens[numbers[0]] = "t0ken"
        return [{"token": "t0ken"}]

    def hostgroup_get(self, output, filter=None):
        return [{"groupid": k, "name": v} for k, v in self.memory.groups.items() if not filter or v in filter["name"]]

    def hostgroup_create(self, name):
        self.memory.groups[self.memory.number()] = name

    def templategroup_get(self, output, filter):
        return [{"groupid": "9"}] if any(each["group"] for each in self.memory.templates.values()) else []

    def configuration_importcompare(self, format, source, rules):
        present = {each["host"] for each in self.memory.templates.values()}
        new = [each for each in json.loads(source)["zabbix_export"]["templates"] if each["template"] not in present]
        return {"templates": {"added": [{"after": each} for each in new]}} if new else []

    def configuration_import(self, format, source, rules):
        assert rules["items"]["deleteMissing"]
        for each in json.loads(source)["zabbix_export"]["templates"]:
            self.memory.templates[self.memory.number()] = {"host": each["template"], "macros": [], "group": "9"}

    def template_get(self, output, filter=None, groupids=None, selectMacros=None):
        named = filter["host"] if filter else None
        named = [named] if isinstance(named, str) else named
        return [
            {"templateid": number, **each}
            for number, each in self.memory.templates.items()
            if (named is None or each["host"] in named) and (groupids is None or each["group"] in groupids)
        ]

    def template_delete(self, numbers):
        for number in numbers:
            del self.memory.templates[number]

    def usermacro_update(self, hostmacroid, value):
        [macro] = [each for template in self.memory.templates.values() for each in template["macros"] if each["hostmacroid"] == hostmacroid]
        macro["value"] = value

    def usermacro_create(self, hostid, macro, value):
        self.memory.templates[hostid]["macros"].append({"hostmacroid": self.memory.number(), "macro": macro, "value": value})

    def host_get(self, output, filter=None, **_selected):
        return [{"hostid": k, **v} for k, v in self.memory.hosts.items() if not filter or v["host"] in filter["host"]]

    def host_delete(self, numbers):
        for number in numbers:
            del self.memory.hosts[number]

    def host_create(self, host, interfaces, groups, templates, tags):
        number = self.memory.number()
        self.memory.hosts[number] = {"host": host, **self.memory.empty()}
        self.hostinterface_create(hostid=number, **interfaces[0])
        self.host_update(number, groups=groups, templates=templates, tags=tags)

    def host_update(self, hostid, groups=None, templates=None, templates_clear=(), tags=None):
        host = self.memory.hosts[hostid]
        if groups:
            host["hostgroups"] = [{**each, "name": self.memory.groups[each["groupid"]]} for each in groups]
        if templates is not None:
            assert not {each["templateid"] for each in templates} & {each["templateid"] for each in templates_clear}
            host["parentTemplates"] = [{**each, "host": self.memory.templates[each["templateid"]]["host"]} for each in templates]
        if tags:
            host["tags"] = [{**each, "automatic": "0"} for each in tags]

    def hostinterface_create(self, hostid, type, main, dns, useip, ip, port):
        new = {"interfaceid": self.memory.number(), "type": str(type), "main": str(main), "useip": str(useip), "ip": ip, "port": port}
        self.memory.hosts[hostid]["interfaces"].append(new)

    def hostinterface_update(self, interfaceid, useip, ip, port):
        [it] = [each for host in self.memory.hosts.values() for each in host["interfaces"] if each["interfaceid"] == interfaceid]
        it.update(ip=ip, port=port, useip=str(useip))
