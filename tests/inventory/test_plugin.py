"""A stage's servers as Nornir hosts."""

import subprocess
import sys
import time
from importlib.metadata import entry_points

import pytest
import yaml
from nornir import InitNornir
from nornir.core.task import Result

from hive_nornir.inventory.context import SiteContext
from hive_nornir.inventory.plugin import HiveInventory, nornir_for
from hive_nornir.inventory.proxy import ProxyForward
from hive_nornir.inventory.site_inventory import SiteInventory
from hive_nornir.inventory.ssh_files import SshHost, write_ssh_config
from hive_nornir.inventory.template_values import RenderError


def make_site(root, hosts=3, **stage):
    addresses = [f"10.{number // 250}.{number % 250}.7" for number in range(hosts)]
    private = {"provider": "prepared", "cidr": "10.0.0.0/8", "ip_address_list": addresses, **stage}
    (root / "inventory/group_vars").mkdir(parents=True)
    (root / "inventory/hive.yml").write_text(yaml.safe_dump({"plugin": "hive_inventory", "name": "x", "stages": {"private": private}}))
    (root / "inventory/group_vars/servers.yml").write_text(
        "motd: 'I am {{ inventory_hostname }} of {{ groups.servers | length }}'\nbroken: '{{ nope }}'\nhive_sshd_port: 2200\n"
    )
    return root


@pytest.fixture
def root(tmp_path):
    return make_site(tmp_path)


def test_plain_nornir_finds_the_plugin_by_its_name(root):
    [name] = [point.name for point in entry_points(group="nornir.plugins.inventory") if point.load() is HiveInventory]
    nornir = InitNornir(inventory={"plugin": name, "options": {"root": str(root)}}, runner={"plugin": "serial"}, logging={"enabled": False})
    assert list(nornir.inventory.hosts) == ["p-hive0.x", "p-hive1.x", "p-hive2.x"]

    def whoami(task):
        task.host["note"] = "kept"
        return Result(host=task.host, result=f"{task.host['hive_private_ip']} {task.host['motd']}")

    results = nornir.run(task=whoami)
    assert results["p-hive1.x"].result == "10.0.1.7 I am p-hive1.x of 3"
    assert nornir.inventory.hosts["p-hive1.x"]["note"] == "kept"
    assert nornir.inventory.hosts["p-hive1.x"].get("missing", "default") == "default"


def test_hosts_know_how_to_be_reached(root):
    host = HiveInventory(str(root)).load().hosts["p-hive0.x"]
    assert (host.hostname, host.port, host.username) == ("10.0.0.7", 2200, "admin")
    for name in ("paramiko", "hive"):
        options = host.get_connection_parameters(name)
        assert (options.hostname, options.port, options.username) == ("10.0.0.7", 2200, "admin")
        assert options.extras == {
            "alias": "p-hive0.x",
            "known_hosts": root / ".hive/private/known_hosts",
            "key_files": (root / ".hive/private/id_rsa",),
        }


def test_a_host_behind_another_is_reached_through_it(root):
    (root / "inventory/host_vars").mkdir()
    (root / "inventory/host_vars/p-hive1.x.yml").write_text("hive_ssh_jump: gate.example:2222\n")
    hosts = HiveInventory(str(root)).load().hosts
    assert hosts["p-hive1.x"].get_connection_parameters("paramiko").extras["jump"] == "gate.example:2222"
    assert "jump" not in hosts["p-hive0.x"].get_connection_parameters("paramiko").extras


def test_the_port_to_the_proxy_is_opened_by_one_connection(root):
    SiteContext.resolve(root, None, {}).persistents.set("http_proxy", "proxy.example:8080")
    host = HiveInventory(str(root)).load().hosts["p-hive1.x"]
    assert host.get_connection_parameters("hive").extras["forward"] == ProxyForward(3128, "proxy.example:8080", "10.0.1.7")
    assert "forward" not in host.get_connection_parameters("paramiko").extras


def test_what_the_ssh_config_says_counts(root):
    context = SiteContext.resolve(root, None, {})
    context.prepare()
    key = root / "vagrant_key"
    write_ssh_config(context.ssh_config, [SshHost("p-hive1.x", "203.0.113.9", "ec2-user", 22, key)], context.known_hosts)
    hosts = HiveInventory(str(root)).load().hosts
    assert (hosts["p-hive1.x"].hostname, hosts["p-hive1.x"].port, hosts["p-hive1.x"].username) == ("203.0.113.9", 22, "ec2-user")
    assert hosts["p-hive1.x"].get_connection_parameters("hive").extras["key_files"] == (key,)
    assert hosts["p-hive0.x"].hostname == "10.0.0.7"


def test_groups_can_be_filtered_by(root):
    inventory = HiveInventory(str(root), "private").load()
    hives = inventory.filter(filter_func=lambda host: host.has_parent_group("hives"))
    assert list(hives.hosts) == ["p-hive0.x", "p-hive1.x"]
    assert [host.name for host in inventory.children_of_group("repository")] == ["p-hive2.x"]
    assert [host.name for host in inventory.children_of_group("first_hive")] == ["p-hive0.x"]
    assert len(inventory.children_of_group("private")) == len(inventory.children_of_group("servers")) == 3


def test_only_the_variable_that_is_read_is_rendered(root):
    host = HiveInventory(str(root)).load().hosts["p-hive0.x"]
    assert host["motd"] == "I am p-hive0.x of 3"
    assert "broken" in host.data
    with pytest.raises(RenderError, match=r"server p-hive0\.x: broken: variable 'nope' is undefined"):
        host["broken"]
    with pytest.raises(KeyError):
        host["no_such_variable"]


def test_data_takes_and_forgets_what_tasks_put_in(root):
    data = HiveInventory(str(root)).load().hosts["p-hive0.x"].data
    data["motd"] = "mine"
    data["facts"] = {"os": "Debian"}
    assert (data["motd"], data.get("facts")) == ("mine", {"os": "Debian"})
    assert {"motd", "facts", "hive_private_ip"} <= set(data)
    del data["motd"]
    assert data["motd"] == "I am p-hive0.x of 3"
    assert data.setdefault("hive_seconds", {}) is data["hive_seconds"]


def test_a_nornir_object_for_a_loaded_site_carries_the_site(root):
    site = SiteInventory.load(SiteContext.resolve(root, None, {}))
    nornir = nornir_for(site)
    assert nornir.inventory.defaults.data["hive_site"] is site
    assert not (root / "nornir.log").exists()
    assert nornir.run(task=lambda task: Result(host=task.host, result=task.host.name))["p-hive2.x"].result == "p-hive2.x"


def test_as_many_hosts_at_a_time_as_the_variable_forks_says(root):
    context = SiteContext.resolve(root, None, {})
    assert nornir_for(SiteInventory.load(context)).runner.workers == 50
    context.persistents.set("forks", "2")
    assert nornir_for(SiteInventory.load(SiteContext.resolve(root, None, {}))).runner.workers == 2


def test_two_hundred_hosts_load_in_under_a_second(tmp_path):
    root = make_site(tmp_path, 200)
    HiveInventory(str(root)).load()  # imports
    times = []
    for _ in range(3):
        start = time.perf_counter()
        inventory = HiveInventory(str(root)).load()
        times.append(time.perf_counter() - start)
    assert len(inventory.hosts) == 200
    assert inventory.hosts["p-hive199.x"].hostname == "10.0.199.7"
    assert min(times) < 2, "the promise is 1 s on an idle machine"


def test_importing_the_plugin_imports_nothing_heavy():
    heavy = ("yaml", "jinja2", "nornir", "pydantic", "paramiko", "netaddr")
    code = f"import sys, hive_nornir.inventory.plugin; print(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == []
