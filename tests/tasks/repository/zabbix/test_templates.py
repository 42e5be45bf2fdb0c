"""The templates: whole, with keys that exist, and the same in every run."""

import json
import re
import uuid

import pytest

from hive_nornir.tasks.repository.zabbix import host_templates, repository_templates
from hive_nornir.tasks.repository.zabbix.export import document
from hive_nornir.tasks.servers.zabbix_agent import user_parameters

HIVES = ["one.example", "two.example"]


def everything():
    templates = [
        repository_templates.repository_server(HIVES),
        repository_templates.swarm_services(HIVES),
        host_templates.hive_server(),
        host_templates.selinux(),
        host_templates.systemd(),
    ]
    return document(templates, repository_templates.swarm_triggers(HIVES))["zabbix_export"]


def parts(tree, name):
    """Everything that is called so, at any depth."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from value if key == name else ()
            yield from parts(value, name)
    elif isinstance(tree, list):
        for each in tree:
            yield from parts(each, name)


def keys(template):
    return {each["key"] for name in ("items", "item_prototypes") for each in parts(template, name)}


def test_the_names_are_those_that_sites_know():
    assert [each["template"] for each in everything()["templates"]] == [
        "Hive Repository Server",
        "Docker Swarm Services",
        "Hive Server",
        "Hive Server SELinux",
        "SystemD service monitoring template",
    ]


def test_every_part_has_a_uuid_of_version_4_that_no_other_has_and_that_stays():
    found = re.findall(r'"uuid": "(\w+)"', json.dumps(everything()))
    assert len(found) == len(set(found))
    assert all(uuid.UUID(each).version == 4 and uuid.UUID(each).variant == uuid.RFC_4122 for each in found)
    assert found == re.findall(r'"uuid": "(\w+)"', json.dumps(everything()))


def test_every_trigger_and_graph_speaks_of_items_that_there_are():
    export = everything()
    there = {(template["template"], key) for template in export["templates"] for key in keys(template)}
    named = {name for name, _ in there}
    triggers = [*parts(export, "triggers"), *parts(export, "trigger_prototypes")]
    assert len(triggers) > 20
    for trigger in triggers:
        used = [each for name in named for each in re.findall(rf"/({name})/((?:[^,()\[\]]|\[.*?\](?=[,)]))+)", trigger["expression"])]
        assert used, trigger["expression"]
        assert set(used) <= there, trigger["expression"]
    for graph in parts(export, "graph_prototypes"):
        assert {(line["item"]["host"], line["item"]["key"]) for line in graph["graph_items"]} <= there


def test_a_trigger_of_two_items_stands_beside_them_and_not_in_one_of_them():
    for name in ("items", "item_prototypes"):
        for item in parts(everything(), name):
            for trigger in [*item.get("triggers", []), *item.get("trigger_prototypes", [])]:
                assert set(re.findall(r"docker\.swarm\.[\w.]+", trigger["expression"])) <= {item["key"].partition("[")[0]}


@pytest.mark.parametrize("hive", HIVES)
def test_every_hive_has_items_of_its_own(hive):
    repository, swarm, *_ = everything()["templates"]
    discovered = {each["key"] for each in parts(repository, "discovery_rules")} | {each["key"] for each in parts(swarm, "discovery_rules")}
    kinds = ("docker-service", "docker-standalone-service", "docker-innerservice", "docker-volume")
    assert {*(f"user.discovery.{kind}.{hive}" for kind in kinds), f"docker.swarm.service.discovery.{hive}"} <= discovered
    assert f"docker-service-uptime.{hive}[{{#SERVICE_NAME}}]" in keys(repository)
    assert f"docker.swarm.service.memory.percent.{hive}[{{#SERVICE_NAME}}]" in keys(swarm)


def test_defaults_are_left_out_since_zabbix_compares_texts():
    text = json.dumps(everything())
    assert '"delay": "1m"' not in text
    assert '"sortorder": "0"' not in text
    assert '"value_type": "UNSIGNED"' not in text


def test_a_logged_error_is_forgotten_after_8_hours_though_nothing_is_logged():
    [log] = [each for each in parts(everything(), "items") if each.get("value_type") == "LOG"]
    assert log["type"] == "ZABBIX_ACTIVE"
    assert (log["history"], log["logtimefmt"]) == ("30d", "yyyy/MM/dd hh:mm:ss")
    assert log["triggers"][0]["expression"].startswith("nodata(")
    folder, _, pattern = re.search(r'logrt\["(.*)"\]', log["key"])[1].rpartition("/")
    assert folder == "/var/log"
    assert all(re.match(pattern, name) for name in ("service-error.log", "service-error.log-20261124", "service-error.log.1"))
    assert not re.match(pattern, "service-error.log-20261124.gz")


def test_the_agents_of_the_servers_answer_every_key_that_is_asked_for():
    servers = {hive: ["p-hive0." + hive] for hive in HIVES}
    texts = [
        user_parameters.server(["/x"]),
        user_parameters.services(servers, "/var/lib/zabbix"),
        user_parameters.volumes(servers, "/var/lib/zabbix"),
        user_parameters.drbd(),
        user_parameters.systemd(),
        user_parameters.audit(),
    ]
    answered = set(re.findall(r"^UserParameter=([^,\[]+)", "".join(texts), re.MULTILINE))
    own = {"logrt", "vfs.file.contents", "vfs.file.time"}  # what every agent of Zabbix answers
    export = everything()
    asked = [
        each for name in ("items", "item_prototypes", "discovery_rules") for each in parts(export, name) if each.get("type") != "DEPENDENT"
    ]
    assert {each["key"].partition("[")[0] for each in asked} <= answered | own


def test_what_depends_on_another_item_has_it_in_its_own_template():
    for template in everything()["templates"]:
        there = {each["key"] for each in template.get("items", [])}
        sources = {
            each["master_item"]["key"] for name in ("items", "item_prototypes") for each in parts(template, name) if "master_item" in each
        }
        assert sources <= there


def test_probes_that_ask_the_swarm_get_the_time_that_a_gone_hive_costs():
    for name in ("items", "item_prototypes", "discovery_rules"):
        for each in parts(everything(), name):
            if re.match(r"docker|user\.discovery\.docker", each["key"]) and each.get("type") != "DEPENDENT":
                assert each["timeout"] == "30s", each["key"]
