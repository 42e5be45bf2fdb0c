"""The role zabbix: its containers, secrets, what it tells Zabbix of the site, and logins at other registries."""

import json
from types import SimpleNamespace

import pytest
import yaml
from docker.auth import INDEX_URL
from pydantic import ValidationError

from hive_nornir.errors import UsageError
from hive_nornir.tasks.repository.zabbix import ZabbixVariables, zabbix
from hive_nornir.tasks.repository.zabbix.access import login, readable_log
from hive_nornir.tasks.repository.zabbix.configured import configured
from hive_nornir.tasks.repository.zabbix.model import model
from hive_nornir.tasks.repository.zabbix.stack import _definition, network
from hive_nornir.tasks.repository.zabbix.variables import ExternalRegistry
from tests.tasks.servers.servers import ALMA, names, server
from tests.tasks.servers.targets import SERVERS, due, named, settled

HIVE, _, REPOSITORY = SERVERS


def variables(**values):
    return ZabbixVariables.model_validate({"hive_home_dir": "/home/admin", **values})


def host(context, distribution=("debian", "13"), **options):
    found = server(context, name=REPOSITORY, distribution=distribution, **options)
    found.site.secret = lambda name: f"secret of {name}"
    return found


def test_the_containers_have_the_addresses_of_the_plan_and_the_console_is_on_loopback():
    definition = _definition(variables(hive_internal_cidr="172.31.252.0/22"))
    services = definition["services"]
    assert {name: each["networks"]["default"]["ipv4_address"] for name, each in services.items()} == {
        "server": "172.31.255.130",
        "web": "172.31.255.131",
        "db": "172.31.255.132",
    }
    assert definition["networks"]["default"]["ipam"]["config"] == [{"subnet": "172.31.255.128/25", "gateway": "172.31.255.129"}]
    assert services["web"]["ports"] == ["127.0.0.1:10052:8080"]
    assert services["server"]["ports"] == ["10051:10051"]
    assert "ports" not in services["db"]


def test_without_a_range_the_network_is_the_one_that_sites_of_hive_builder_have():
    assert (network(None).subnet, network(None).bridge, network(None).server) == ("172.21.0.0/16", "172.21.0.1", "172.21.0.2")


def test_the_compose_file_holds_no_secret_and_the_files_of_secrets_are_closed(tmp_path):
    found = zabbix.function(host(tmp_path), variables())
    text = named(found, "file /home/admin/zabbix/docker-compose.yml")
    assert "secret of" not in due(text, "absent\n").apply
    assert "secret of" not in yaml.safe_dump(model(host(tmp_path), variables()))
    for name, owner in (("db_root_password", "root"), ("db_password", "1997"), ("admin_password", "root")):
        change = due(named(found, f"file /home/admin/zabbix/secrets/{name}"), "absent\n")
        assert f" 600 {owner}:root " in change.apply
        assert not change.diff


def test_tags_can_be_chosen():
    services = _definition(variables(hive_zabbix_server_tag="alpine-7.0-latest"))["services"]
    assert services["server"]["image"] == "zabbix/zabbix-server-mysql:alpine-7.0-latest"
    assert services["web"]["image"] == "zabbix/zabbix-web-nginx-mysql:alpine-7.0.22"


def test_servers_are_hosts_with_the_templates_of_what_they_are(tmp_path):
    hosts = {each["name"]: each for each in model(host(tmp_path), variables())["hosts"]}
    assert {name: each["address"] for name, each in hosts.items()} == SERVERS
    assert hosts[HIVE]["templates"] == ["Linux by Zabbix agent", "Hive Server", "SystemD service monitoring template"]
    assert hosts[HIVE]["groups"] == ["Linux servers", "Hives"]
    assert hosts[REPOSITORY]["templates"] == ["Linux by Zabbix agent", "Hive Repository Server", "Docker Swarm Services"]
    assert hosts[REPOSITORY]["groups"] == ["Linux servers", "Repository server"]


@pytest.mark.parametrize(("mode", "watched"), [("permissive", True), ("enforcing", True), ("disabled", False)])
def test_hives_with_selinux_are_watched_for_denials(tmp_path, mode, watched):
    target = host(tmp_path, distribution=ALMA, variables={"hive_safe_selinux": mode})
    hosts = {each["name"]: each for each in model(target, variables())["hosts"]}
    assert ("Hive Server SELinux" in hosts[HIVE]["templates"]) is watched


def test_file_systems_of_containers_are_not_watched_on_the_template_that_the_site_uses(tmp_path):
    [macro] = model(host(tmp_path), variables(hive_zabbix_template="Linux by Zabbix agent active"))["macros"]
    assert macro["template"] == "Linux by Zabbix agent active"
    assert all(f"|{each}" in macro["value"] for each in ("/sys", "/run", "/proc", ".+/shm$", "/var/lib/docker"))


def test_on_a_shared_repository_servers_are_where_others_know_them_to_be(tmp_path):
    v = variables(hive_shared_repository={"context_dir": str(tmp_path)}, hive_internal_cidr="172.31.252.0/22")
    with pytest.raises(UsageError, match="run the role get-public-ip first"):
        model(host(tmp_path), v)
    known = {"example.com": dict.fromkeys(list(SERVERS)[:2], "192.0.2.1"), "other.example": {"x": "192.0.2.9"}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(known))
    hosts = {each["name"]: each["address"] for each in model(host(tmp_path), v)["hosts"]}
    assert hosts == {**dict.fromkeys(list(SERVERS)[:2], "192.0.2.1"), REPOSITORY: "172.31.255.129"}


def test_an_empty_list_of_hives_is_refused():
    with pytest.raises(ValidationError, match="one hive at least"):
        variables(hive_zabbix_hive_names=[])


def looked():
    return configured({"url": "x"}, on=[])[-1]


def test_what_differs_is_shown_and_nothing_is_nothing():
    assert settled(looked(), '{"differs": []}')
    change = due(looked(), json.dumps({"differs": ["host a: new", "host b: new", "host c: new", "host d: new"]}))
    assert change.summary == "host a: new; host b: new; host c: new; and 1 more"
    assert change.diff == "+ host a: new\n+ host b: new\n+ host c: new\n+ host d: new"
    assert due(looked(), '{"differs": []}', triggered=True).summary == "what has changed in the inventory"


@pytest.mark.parametrize("said", ["", "sh: hive_onhost.pyz: not found\n", "hive-zabbix: Zabbix does not answer: refused\n"])
def test_a_zabbix_that_is_not_there_yet_is_to_be_filled(said):
    change = due(looked(), said)
    assert change.summary.startswith("all of it (")
    assert "apply /etc/hive/zabbix.json" in change.apply


def test_the_password_of_a_registry_is_in_no_argument():
    operation = login(ExternalRegistry(repository="quay.example", login_user="me", password="pass word"))
    assert operation.name == "login at quay.example"
    assert settled(operation, "in\n")
    change = due(operation, "")
    assert "pass word" not in change.summary + change.diff
    command = next(line for line in change.apply.splitlines() if "docker" in line)
    assert "login -u me --password-stdin quay.example" in command
    assert "pass word" not in command.rpartition("|")[2]
    assert INDEX_URL in login(ExternalRegistry(login_user="me", password="x")).name


def test_the_agent_reads_the_log_by_its_group_or_owns_it(tmp_path):
    debian = readable_log(host(tmp_path), "admin")
    assert names(debian) == ["group zabbix", "admin in group zabbix", "zabbix in group adm"]
    assert settled(debian[2], ""), "the agent is not installed yet"
    assert due(debian[2], "zabbix").apply == "usermod -aG adm zabbix"
    assert settled(debian[2], "zabbix adm")
    assert "groupadd -r zabbix" in due(debian[0], "").apply
    made, kept = readable_log(host(tmp_path, distribution=ALMA), "admin")[2:]
    assert kept.name == "rights of /var/log/messages"
    assert "install -m 640 -o root -g zabbix /dev/null /var/log/messages" in due(made, "due").apply


def test_the_servers_port_is_closed_to_whoever_is_no_server(tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(
        "hive_nornir.tasks.repository.zabbix.firewall", SimpleNamespace(published_set=lambda os, *rest: given.append(rest) or [])
    )
    zabbix.function(host(tmp_path), variables())
    assert given == [("zabbix", "tcp", [10051], list(SERVERS.values()))]
