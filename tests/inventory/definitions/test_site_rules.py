import pytest

from tests.inventory.support import HIVE, load, only, problems

TWO = "  a:\n    image: x\n{a}\n  b:\n    image: x\n{b}\n"
VOLUME = "    volumes: [{{source: v, target: /v, type: volume, {how}}}]"
DRBD = "drbd: {{size: {size}, fstype: xfs{more}}}"


def two(a: str = "", b: str = "") -> str:
    return TWO.format(a=f"    {a}", b=f"    {b}")


def volumes(a: str, b: str) -> str:
    return two(*(f"volumes: [{{source: v, target: /v, type: volume, {how}}}]" for how in (a, b)))


def drbd(size: str = "1G", more: str = "") -> str:
    return f"drbd: {{size: {size}, fstype: xfs{more}}}"


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (drbd(), drbd("2G"), "described differently"),
        (drbd(), "driver: local", "kind volume here and drbd elsewhere"),
        ("driver: local", "nfs: {}", "kind nfs here and volume elsewhere"),
        ("driver: local", "driver: other", "described differently"),
        (drbd(more=", device_id: 3"), drbd(more=", device_id: 4"), "device_id 4 here and 3 elsewhere"),
    ],
)
def test_two_descriptions_of_a_volume_must_agree(tmp_path, first, second, words):
    found = only(tmp_path, volumes(first, second))
    assert words in found.message
    assert found.line == 8
    assert f"{tmp_path}/inventory/services.yml:5" in found.hint


def test_a_volume_is_in_the_stages_of_all_its_descriptions(tmp_path):
    site = load(tmp_path, volumes(drbd(more=", available_on: [production]"), drbd(more=", available_on: [private], device_id: 9")))
    assert (site.volumes["v"].stages, site.volumes["v"].device_id) == (("private", "production"), 9)


def test_a_device_id_belongs_to_one_volume(tmp_path):
    one = "volumes: [{{source: {0}, target: /v, type: volume, drbd: {{size: 1G, fstype: xfs, device_id: 3}}}}]"
    found = only(tmp_path, two(one.format("v"), one.format("w")))
    assert (found.line, "the volume 'v' has device_id 3 too" in found.message) == (8, True)


@pytest.mark.parametrize(
    ("first", "second", "fine"),
    [
        ("ports: ['80:80']", "ports: ['80:81']", False),
        ("ports: ['80:80']", "ports: ['80:80/udp']", True),
        ("ports: ['80:80']", "{ports: ['80:80']}", False),
        ("ports: [{target_port: 80, published_port: 80, mode: host}]", "ports: [{target_port: 80, published_port: 80, mode: host}]", False),
    ],
)
def test_a_port_is_published_once(tmp_path, first, second, fine):
    text = two(first, second.strip("{}"))
    if fine:
        load(tmp_path, text)
    else:
        found = only(tmp_path, text)
        assert (found.line, "80/tcp is taken by service a in stage private" in found.message) == (8, True)


def test_a_port_may_be_published_in_two_stages_by_two_services(tmp_path):
    load(tmp_path, two("ports: ['80:80']\n    available_on: [private]", "ports: ['80:80']\n    available_on: [staging]"))


HOST = "ports: [{{target_port: 80, published_port: 80, mode: host}}]\n    placement: {{constraints: ['{0}']}}"


@pytest.mark.parametrize(
    ("first", "second", "apart"),
    [
        ("node.labels.a == x", "node.labels.a == y", True),
        ("node.labels.a==x", "node.labels.a != x", True),
        ("node.labels.a == x", "node.labels.a == x", False),
        ("node.labels.a == x", "node.labels.b == y", False),
        ("node.labels.a != x", "node.labels.a != y", False),
    ],
)
def test_host_mode_ports_may_meet_on_nodes_apart(tmp_path, first, second, apart):
    text = two(HOST.format(first), HOST.format(second))
    if apart:
        load(tmp_path, text)
    else:
        assert "is taken by service a" in only(tmp_path, text).message


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hive-x", "reserved"),
        ("web_1", "no service name"),
        ("-web", "no service name"),
        ("web.test", "no service name"),
        ("123", "must be text"),
        ("services", "a group has that name"),
        ("private", "a group has that name"),
    ],
)
def test_names_that_a_service_cannot_have(tmp_path, name, words):
    found = only(tmp_path, f"  {name}: {{image: x}}\n")
    assert words in found.message
    assert found.line == 3


def test_a_network_cannot_have_the_name_of_a_service(tmp_path):
    found = only(tmp_path, "  web: {image: x}\nnetworks:\n  web:\n")
    assert "a service has that name" in found.message
    assert found.line == 5


def test_a_service_is_defined_once(tmp_path):
    found = only(tmp_path, "  web: {image: x}\n", more="plugin: hive_services\nservices:\n  web: {image: y}\n")
    assert "defined twice" in found.message
    assert "more.yml:3" in found.hint  # files are read in the order of their names


def test_networks_of_several_files_come_together(tmp_path):
    extra = "plugin: hive_services\navailable_on: [staging]\nservices: {{}}\nnetworks:\n  front: {0}\n"
    site = load(tmp_path, a=extra.format(""), b=extra.format("{driver_opts: {x: y}}").replace("staging", "private"))
    assert {name: net.stages for name, net in site.networks.items()} == dict.fromkeys(
        ("front", "hive_default_network"), ("private", "staging")
    )
    assert site.networks["front"].options == {"driver_opts": {"x": "y"}}
    found = only(tmp_path, c=extra.format("{driver: other}"))
    assert "described differently" in found.message


def test_a_service_joins_only_networks_of_its_stages(tmp_path):
    found = only(
        tmp_path,
        front="plugin: hive_services\navailable_on: [staging]\nservices: {}\nnetworks: {front: }\n",
        services="  w:\n    image: x\n    networks: [front]\n",
    )
    assert "'front' does not exist in stage private" in found.message
    assert (found.line, found.hint) == (5, "it is for staging")


@pytest.mark.parametrize("options", ["{drivr: x}", "{ipam: {configs: []}}", "[]"])
def test_unknown_options_of_a_network_are_errors(tmp_path, options):
    assert only(tmp_path, f"  w: {{image: x}}\nnetworks:\n  front: {options}\n").line == 5


AZURE = """plugin: hive_inventory
name: {}
stages:
  production: {{provider: azure, cidr: 10.0.0.0/24, region: r, instance_type: t, repository_instance_type: t}}
"""


def test_nfs_on_azure_needs_a_size_and_a_name_that_can_be_a_storage_account(tmp_path):
    nfs = "  w:\n    image: x\n    volumes:\n    - {source: v, target: /v, type: volume, nfs: {%s}}\n"
    assert load(tmp_path, nfs % "size: 100G", AZURE.format("shop1")).volumes["v"].kind == "nfs"
    found = problems(tmp_path, nfs % "", AZURE.format("shop.example"))
    assert [(p.file.name, p.line) for p in found] == [("hive.yml", 2), ("services.yml", 6)]
    load(tmp_path, nfs % "available_on: [staging]", AZURE.format("shop.example"))


def test_a_host_that_may_only_seem_unknown_is_not_reported(tmp_path):
    service = "  w:\n    image: x\n    volumes: [{source: v, target: /v, drbd: {size: 1G, fstype: xfs, diskless: [p-hive0.test]}}]\n"
    assert "cidr" in only(tmp_path, service, HIVE.replace("192.168.56.0/24", "x")).message
