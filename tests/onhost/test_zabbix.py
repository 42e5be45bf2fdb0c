"""What hive-zabbix finds and mends, on a Zabbix that is kept in memory."""

from __future__ import annotations

import json
import sys
from types import ModuleType, SimpleNamespace

import pytest

from hive_onhost import zabbix
from hive_onhost.failure import Failure
from hive_onhost.zabbix import access, objects
from hive_onhost.zabbix.api import Api, Refused
from hive_onhost.zabbix.model import Model
from tests.onhost.zabbix_memory import Memory

EXPORT = {
    "zabbix_export": {"template_groups": [{"name": "Templates/Hive"}], "templates": [{"template": "Hive Server", "name": "Hive Server"}]}
}
MACRO = {"template": "Linux by Zabbix agent", "macro": "{$FS}", "value": "^/dev"}
HOST = {
    "name": "p-hive0.example",
    "address": "10.0.0.4",
    "groups": ["Linux servers", "Hives"],
    "templates": ["Linux by Zabbix agent", "Hive Server"],
}


@pytest.fixture
def site(monkeypatch, tmp_path):
    """A fresh Zabbix, and the model of a site."""
    memory = Memory()
    monkeypatch.setattr(access, "Api", memory.api)
    (tmp_path / "admin_password").write_text("generated\n")
    given = {
        "url": "http://127.0.0.1:10052/api_jsonrpc.php",
        "owner": "example",
        "secrets": str(tmp_path),
        "groups": ["Linux servers", "Hives"],
        "unwanted": ["Zabbix server"],
        "export": EXPORT,
        "macros": [MACRO],
        "hosts": [HOST],
    }
    return SimpleNamespace(memory=memory, given=given, folder=tmp_path, model=lambda **changes: Model({**given, **changes}))


def test_a_fresh_zabbix_is_told_what_it_lacks_and_looking_changes_nothing(site):
    assert zabbix.look(site.model()) == [
        "password of Admin: the factory's",
        "API token: none that is valid",
        "host Zabbix server: remove",
        "host group Hives: new",
        "template Hive Server: new",
        "macro {$FS} of Linux by Zabbix agent: ^/dev",
        "host p-hive0.example: new, 10.0.0.4, Linux by Zabbix agent, Hive Server",
    ]
    assert site.memory.called == []
    assert not (site.folder / "api_token").exists()


def test_what_was_applied_is_as_it_should_be_and_needs_nothing_more(site):
    zabbix.apply(site.model())
    assert zabbix.look(site.model()) == []
    assert site.memory.passwords == {"Admin": "generated"}
    token = site.folder / "api_token"
    assert (token.read_text(), token.stat().st_mode & 0o777) == ("t0ken\n", 0o600)
    site.memory.called.clear()
    zabbix.apply(site.model())
    assert site.memory.called == []


def test_a_token_that_was_revoked_is_made_anew(site):
    zabbix.apply(site.model())
    site.memory.tokens.clear()
    assert zabbix.look(site.model()) == ["API token: none that is valid"]
    zabbix.apply(site.model())
    assert zabbix.look(site.model()) == []


def test_a_password_that_nobody_knows_is_told(site):
    site.memory.passwords["Admin"] = "mine"
    with pytest.raises(Failure, match="neither zabbix_admin_password nor the factory's"):
        zabbix.look(site.model())


def test_a_moved_server_gets_its_new_address_and_other_templates_and_keeps_what_operators_gave_it(site):
    zabbix.apply(site.model())
    memory = site.memory
    memory.templates["77"] = {"host": "Operators' own", "macros": [], "group": ""}
    [host] = memory.hosts.values()
    host["parentTemplates"].append({"templateid": "77", "host": "Operators' own"})
    host["hostgroups"].append({"groupid": "4", "name": "Zabbix servers"})
    host["tags"].append({"tag": "rack", "value": "7", "automatic": "0"})

    moved = site.model(hosts=[{**HOST, "address": "10.0.0.9", "templates": ["Linux by Zabbix agent"]}])
    assert zabbix.look(moved) == ["host p-hive0.example: address 10.0.0.4 -> 10.0.0.9", "host p-hive0.example: templates - Hive Server"]
    zabbix.apply(moved)
    assert zabbix.look(moved) == []
    [host] = memory.hosts.values()
    assert [each["host"] for each in host["parentTemplates"]] == ["Linux by Zabbix agent", "Operators' own"]
    assert {each["name"] for each in host["hostgroups"]} == {"Linux servers", "Hives", "Zabbix servers"}
    assert {each["tag"] for each in host["tags"]} == {"hive", "rack"}


def test_a_server_that_left_the_inventory_goes_and_hosts_of_others_stay(site):
    zabbix.apply(site.model())
    site.memory.hosts["60"] = {"host": "printer", **site.memory.empty()}
    site.memory.hosts["61"] = {"host": "x.other", **site.memory.empty(), "tags": [{"tag": "hive", "value": "other", "automatic": "0"}]}
    assert zabbix.look(site.model(hosts=[])) == ["host p-hive0.example: not in the inventory any more"]
    zabbix.apply(site.model(hosts=[]))
    assert [each["host"] for each in site.memory.hosts.values()] == ["printer", "x.other"]


def test_a_host_that_an_operator_made_before_us_is_taken_over(site):
    zabbix.apply(site.model(hosts=[]))
    site.memory.hosts["60"] = {"host": "p-hive0.example", **site.memory.empty()}
    zabbix.apply(site.model())
    assert zabbix.look(site.model()) == []


def test_a_template_of_ours_that_is_no_longer_wanted_goes(site):
    zabbix.apply(site.model())
    site.memory.templates["88"] = {"host": "Hive Server Old", "macros": [], "group": "9"}
    assert zabbix.look(site.model()) == ["template Hive Server Old: no longer wanted"]
    zabbix.apply(site.model())
    assert zabbix.look(site.model()) == []


def test_a_template_that_zabbix_does_not_have_is_told_with_the_variable(site):
    with pytest.raises(Refused, match="'Linux of mine', which hive_zabbix_template names"):
        objects.macros(site.memory.api(""), site.model(macros=[{**MACRO, "template": "Linux of mine"}]))


def test_the_command_prints_what_differs_as_json(site, capsys):
    file = site.folder / "model.json"
    file.write_text(json.dumps(site.given))
    assert zabbix.main(["apply", str(file)]) == 0
    assert zabbix.main(["look", str(file)]) == 0
    assert json.loads(capsys.readouterr().out) == {"differs": []}


def test_what_was_sent_is_in_no_error(monkeypatch):
    class RequestError(Exception):
        message, data, body = "Invalid params.", "Incorrect current password.", {"passwd": "generated"}

    class Client:
        version = "7.0.22"

        def __init__(self, url, **options):
            self.user = SimpleNamespace(update=self.refuse)

        def refuse(self, **given):
            raise RequestError(f"with {given}")

    library = ModuleType("zabbix_utils")
    library.ZabbixAPI = Client
    library.exceptions = SimpleNamespace(APIRequestError=RequestError, ProcessingError=RequestError)
    monkeypatch.setitem(sys.modules, "zabbix_utils", library)
    with pytest.raises(Refused) as refused:
        Api("http://x")("user.update", passwd="generated")
    assert str(refused.value) == "user.update: Invalid params. Incorrect current password."
    assert refused.value.__cause__ is None
