"""A site's inventory as one stage sees it (spec inventory.md 2, 3, 6 and 8)."""

import json
import threading

import pytest
import yaml

from hive_nornir.errors import DefinitionErrors, HiveError, UsageError
from hive_nornir.inventory.context import SiteContext
from hive_nornir.inventory.plugin import HiveInventory
from hive_nornir.inventory.site_inventory import SiteInventory
from hive_nornir.inventory.template_values import NotYetCreated, RenderError

HIVE = {
    "plugin": "hive_inventory",
    "name": "x",
    "stages": {
        "private": {"provider": "prepared", "cidr": "192.168.0.0/24", "number_of_hosts": 3},
        "staging": {"provider": "aws", "cidr": "10.0.0.0/24", "region": "eu-1", "instance_type": "a", "repository_instance_type": "b"},
    },
}
HIVE["stages"]["staging"]["subnets"] = [{"cidr": "10.0.0.0/25", "name": "s", "available_zone": "eu-1a"}]
SERVICES = {
    "plugin": "hive_services",
    "services": {
        "web": {
            "image": "{{ hive_registry }}/web",
            "ports": ["80", "443:443"],
            "environment": {"DB": "{{ db_password }}", "STAGE": "{{ hive_stage }}/{{ hive_provider }}"},
            "volumes": [{"source": "data", "target": "/d", "type": "volume", "drbd": {"size": "1G", "fstype": "xfs"}}],
        },
        "only": {"image": "nginx", "available_on": ["staging"]},
    },
}
SECRET = {"db_password": "{{ lookup('password', hive_context_dir + '/db_password length=12') }}"}


def dump(file, content):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(content, sort_keys=False))


@pytest.fixture
def root(tmp_path):
    dump(tmp_path / "inventory/hive.yml", HIVE)
    dump(tmp_path / "inventory/services.yml", SERVICES)
    dump(tmp_path / "inventory/group_vars/services.yml", SECRET)
    return tmp_path


def load(root, stage=None, **kwargs):
    return SiteInventory.load(SiteContext.resolve(root, stage, {}), **kwargs)


def everything(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def test_the_stage_narrows_everything(root):
    site = load(root)
    assert site.servers == ["p-hive0.x", "p-hive1.x", "p-hive2.x"]
    assert (site.hives, site.repository, site.mother) == (["p-hive0.x", "p-hive1.x"], "p-hive2.x", "p-mother.x")
    assert (site.services, site.volumes, site.networks) == (["web"], ["data"], ["hive_default_network"])
    assert site.groups["first_hive"] == ["p-hive0.x"]
    assert site.groups["hosts"] == [*site.servers, site.mother]
    assert site.groups["staging"] == ["web", "volume_data", "hive_default_network"]
    assert load(root, "staging").services == ["web", "only"]
    assert load(root, "staging").repository == "s-hive3.x"


def test_variables_of_servers_services_and_the_mother(root):
    site = load(root)
    server = site.scope("p-hive1.x")
    assert (server["hive_private_ip"], server["hive_safe_admin"], server["hive_registry"]) == ("192.168.0.5", "admin", "p-hive2.x:5000")
    assert server["hive_context_dir"] == str(root / ".hive/private")
    assert site.scope(site.mother)["hive_home_dir"] == str(root / ".hive/private")
    web = site.scope("web")
    assert web["hive_image"] == "p-hive2.x:5000/web"
    assert web["hive_environment"]["STAGE"] == "private/prepared"
    assert load(root, "staging").scope("web")["hive_environment"]["STAGE"] == "staging/aws"


def test_derived_variables_have_hive_builders_defaults(root):
    scope = load(root).scope("p-hive0.x")
    assert {name: value for name, value in scope.items() if name.startswith("hive_safe_")} == {
        "hive_safe_admin": "admin",
        "hive_safe_docker_login_user": "hive",
        "hive_safe_email": "hive@example.com",
        "hive_safe_need_libselinux": False,
        "hive_safe_private_key_path": f"{root}/.hive/private/id_rsa",
        "hive_safe_public_key_path": f"{root}/.hive/private/id_rsa.pub",
        "hive_safe_selinux": "permissive",
        "hive_safe_shared_repository_ports": [],
        "hive_safe_sshd_port": 22,
        "hive_safe_syslog_port": 10514,
    }


def test_what_the_command_sets_is_above_everything(root):
    dump(root / "inventory/host_vars/web.yml", {"hive_stage": "mine", "hive_tls_logging": "mine"})
    SiteContext.resolve(root, None, {}).persistents.set("tls_logging", "yes")
    scope = load(root, injected={"hive_phase": "build-infra"}).scope("web")
    assert (scope["hive_stage"], scope["hive_tls_logging"], scope["hive_phase"]) == ("private", True, "build-infra")
    assert load(root, injected={"hive_stage": "last word"}).scope("web")["hive_stage"] == "last word"


def test_loading_and_reading_write_nothing(root):
    before = everything(root)
    site = load(root)
    values = dict(site.scope("web"))
    site.ansible_list()
    site.graph()
    assert isinstance(values["hive_environment"]["DB"], NotYetCreated)
    assert values["hive_ports"][0]["published_port"] == 61001, "as it will be"
    assert everything(root) == before


def test_allocate_records_the_numbers_of_the_stage_and_makes_passwords(root):
    site = load(root)
    scope = site.scope("web")
    assert isinstance(scope["db_password"], NotYetCreated)
    site.allocate()
    password = scope["db_password"]
    assert not isinstance(password, NotYetCreated)
    assert (root / ".hive/private/db_password").read_text() == f"{password}\n"
    stored = yaml.safe_load((root / ".hive/persistents.yml").read_text())
    assert stored == {"drbd_device_map": {"private": {"data": 1}}, "published_port_map": {"private": {"web:80/tcp": 61001}}}
    assert load(root).scope("web")["hive_environment"]["DB"] == password


def test_numbers_that_are_recorded_never_change(root):
    context = SiteContext.resolve(root, None, {})
    context.persistents.set("drbd_device_map", '{"gone": 1, "data": 7}')
    context.persistents.set("published_port_map", '{"web80": 61234}')
    site = load(root)
    site.allocate()
    assert site.scope("volume_data")["hive_volume"]["drbd"]["device_id"] == 7
    assert site.scope("web")["hive_ports"][0]["published_port"] == 61234
    assert context.persistents.get("drbd_device_map")[0] == {"gone": 1, "data": 7}
    assert context.persistents.get("published_port_map")[0] == {"web:80/tcp": 61234}
    assert load(root, "staging").scope("web")["hive_ports"][0]["published_port"] == 61001, "stages count for themselves"


def test_a_command_that_lost_the_race_for_numbers_does_not_go_on(root):
    late = load(root)
    SiteContext.resolve(root, None, {}).persistents.set("drbd_device_map", '{"data": 9}')
    with pytest.raises(HiveError, match=r"another command has assigned.*run this one again"):
        late.allocate()
    assert isinstance(late.scope("web")["db_password"], NotYetCreated)


def test_two_commands_at_once_record_the_same_numbers(root):
    sites = [load(root) for _ in range(4)]
    threads = [threading.Thread(target=site.allocate) for site in sites]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert {str(site.scope("web")["db_password"]) for site in sites} == {(root / ".hive/private/db_password").read_text().strip()}
    assert yaml.safe_load((root / ".hive/persistents.yml").read_text())["drbd_device_map"] == {"private": {"data": 1}}


def test_first_hive_is_that_of_the_stage_and_must_exist(root):
    SiteContext.resolve(root, None, {}).persistents.set("first_hive", "1")
    assert load(root).groups["first_hive"] == ["p-hive1.x"]
    assert load(root, "staging").groups["first_hive"] == ["s-hive0.x"]
    SiteContext.resolve(root, None, {}).persistents.set("first_hive", "5")
    with pytest.raises(UsageError, match="first_hive is 5, but stage private has the hives 0 to 1"):
        load(root)


def test_a_stage_that_is_not_defined_is_an_error(root):
    with pytest.raises(UsageError, match=r"stage production is not defined.*private, staging"):
        load(root, "production")


def test_an_unknown_object_names_the_nearest(root):
    with pytest.raises(UsageError, match=r"the inventory has no 'p-hiv0\.x' \(did you mean 'p-hive0\.x'"):
        load(root).scope("p-hiv0.x")


def test_all_problems_are_reported_at_once(root):
    services = {**SERVICES, "services": {**SERVICES["services"], "bad": {"image": "x", "imagge": "y"}}}
    dump(root / "inventory/services.yml", services)
    (root / "inventory/group_vars/all.yml").write_text("a: 1\na: 2\n")
    (root / "inventory/group_vars/hivs.yml").write_text("a: 1\n")
    with pytest.raises(DefinitionErrors) as error:
        load(root)
    text = str(error.value)
    assert all(word in text for word in ("imagge", "given twice", "no group 'hivs'"))


def test_what_contradicts_the_recorded_numbers_is_reported_with_the_rest(root):
    dump(
        root / ".hive/persistents.yml",
        {"drbd_device_map": {"staging": {"data": 3}}, "published_port_map": {"private": {"web:80/tcp": 443}}},
    )
    services = yaml.safe_load((root / "inventory/services.yml").read_text())
    services["services"]["web"]["volumes"][0]["drbd"]["device_id"] = 4
    dump(root / "inventory/services.yml", services)
    (root / "inventory/group_vars/hivs.yml").write_text("a: 1\n")
    with pytest.raises(DefinitionErrors) as error:
        load(root)
    assert [words in str(error.value) for words in ("has device id 3", "443/tcp is assigned to web:80/tcp", "no group 'hivs'")] == [
        True
    ] * 3


def test_templates_know_the_folder_of_the_definitions_as_in_ansible(root):
    (root / "secrets.yml").write_text("key: abc\n")
    dump(
        root / "inventory/group_vars/all.yml", {"credentials": "{{ lookup('file', inventory_dir | dirname + '/secrets.yml') | from_yaml }}"}
    )
    assert load(root).scope("web")["credentials"] == {"key": "abc"}


def test_definitions_and_variables_are_read_where_inventory_path_says(root):
    (root / "inventory").rename(root / "elsewhere")
    with pytest.raises(DefinitionErrors, match=r"inventory: no file with plugin: hive_inventory"):
        load(root)
    SiteContext.resolve(root, None, {}).persistents.set("inventory_path", str(root / "elsewhere"))
    site = load(root)
    assert (site.servers[0], site.services) == ("p-hive0.x", ["web"])
    assert site.ansible_host("web")["db_password"] == SECRET["db_password"]
    assert list(HiveInventory(str(root)).load().hosts) == site.servers

    (root / "elsewhere/group_vars/all.yml").write_text("a: 1\na: 2\n")
    dump(root / "elsewhere/services.yml", {**SERVICES, "service": {}})
    with pytest.raises(DefinitionErrors) as error:
        load(root)
    assert {problem.file.relative_to(root / "elsewhere").as_posix() for problem in error.value.problems} == {
        "services.yml",
        "group_vars/all.yml",
    }


def test_hive_variables_that_nobody_reads_are_found(root):
    dump(
        root / "inventory/group_vars/all.yml", {"free": 1, "hive_timezon": "UTC", "hive_timezone": "UTC", "hive_used": 1, "hive_in_role": 1}
    )
    dump(root / "inventory/group_vars/hives.yml", {"free2": "{{ hive_used }}", "hive_declared": 1, "hive_private_ip": "10.9.9.9"})
    (root / "roles/mine/tasks").mkdir(parents=True)
    (root / "roles/mine/tasks/main.yml").write_text("- debug: var=hive_in_role\n")
    error = load(root).unknown_variables({"hive_declared"})
    [problem] = error.problems
    assert (problem.file.name, problem.line) == ("all.yml", 2)
    assert "hive_timezon" in problem.message
    assert problem.hint == "did you mean 'hive_timezone'?"
    assert load(root).unknown_variables({"hive_declared", "hive_timezon"}) is None


def test_a_variable_that_cannot_be_rendered_is_told_with_its_place(root):
    dump(
        root / "inventory/group_vars/all.yml", {"ok": 1, "broken": "{{ nope }}", "circle": "{{ circle }}", "hive_private_ip": "{{ nope }}"}
    )
    dump(root / "inventory/host_vars/p-hive1.x", {"broken": {"a": ["{{ nope }}"]}})
    site = load(root)
    for host, name, words in (
        ("p-hive0.x", "broken", "group_vars/all.yml:2: server p-hive0.x: broken: variable 'nope' is undefined"),
        ("p-hive1.x", "broken", "host_vars/p-hive1.x:1: server p-hive1.x: broken.a[0]: variable 'nope' is undefined"),
        ("p-hive0.x", "circle", "group_vars/all.yml:3: server p-hive0.x: circle: the variable needs itself: circle -> circle"),
    ):
        with pytest.raises(RenderError) as error:
            site.scope(host)[name]
        assert error.value.message == f"{root}/inventory/{words}"
    # hive-builder's own address comes before that of a group
    assert site.scope("p-hive0.x")["hive_private_ip"] == "192.168.0.4"
    assert site.variables.place(site.object("p-hive0.x"), "hive_private_ip") is None


def test_the_list_for_ansible_has_all_stages_and_templates_as_written(root):
    dump(root / "inventory/group_vars/staging.yml", {"day": __import__("datetime").date(2026, 1, 2)})
    site = load(root)
    found = json.loads(json.dumps(site.ansible_list()))
    hostvars = found.pop("_meta")["hostvars"]
    assert found["servers"] == {"children": ["hives", "repository"]}
    assert found["repository"] == {"hosts": ["p-hive2.x", "s-hive3.x"]}
    assert found["nfs_volumes"] == {"hosts": []}
    assert {"ungrouped", "hosts", "private", "services"} <= set(found["all"]["children"])
    assert "servers" not in found["all"]["children"]
    assert hostvars["web"]["hive_environment"]["DB"] == "{{ db_password }}"
    assert hostvars["web"]["db_password"] == SECRET["db_password"]
    assert hostvars["p-hive0.x"]["hive_private_ip"] == "192.168.0.4"
    assert hostvars["s-hive0.x"]["day"] == "2026-01-02"
    assert "hive_stage" not in hostvars["web"]
    assert site.ansible_host("web") == hostvars["web"]
    with pytest.raises(UsageError):
        site.ansible_host("wbe")


def test_the_graph_is_drawn_as_ansible_inventory_does(root):
    lines = load(root).graph().splitlines()
    assert lines[:2] == ["@all:", "  |--@ungrouped:"]
    start = lines.index("  |--@hosts:")
    assert lines[start + 1 : start + 7] == [
        "  |  |--@servers:",
        "  |  |  |--@hives:",
        "  |  |  |  |--p-hive0.x",
        "  |  |  |  |--p-hive1.x",
        "  |  |  |  |--s-hive0.x",
        "  |  |  |  |--s-hive1.x",
    ]


def test_a_sites_filter_plugins_work(root):
    (root / "plugins/filter").mkdir(parents=True)
    (root / "plugins/filter/mine.py").write_text("class FilterModule:\n    def filters(self):\n        return {'shout': str.upper}\n")
    dump(root / "inventory/group_vars/all.yml", {"loud": "{{ 'a' | shout }}"})
    assert load(root).scope("web")["loud"] == "A"
