"""What Ansible is given to read: values of the site as they are rendered, in files that nobody else reads."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml

from hive_nornir import Site
from hive_nornir.ansible.project import Place, environment, write_project

HIVE = """\
plugin: hive_inventory
name: x.example
stages:
  private: {provider: prepared, cidr: 10.0.0.0/24, number_of_hosts: 2, ip_address_list: [10.0.0.4, 10.0.0.5]}
"""
SERVICES = "plugin: hive_services\nservices:\n  web:\n    image: {from: debian, roles: [pages]}\n"
VARIABLES = """\
title: "{{ hive_name }}'s"
braces: "{% raw %}{{ kept }}{% endraw %}"
number: 7
nested: [{a: "{{ title }}"}]
broken: "{{ nobody.has.this }}"
left_out: "{{ omit }}"
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    variables = tmp_path / "site" / "inventory" / "group_vars"
    variables.mkdir(parents=True)
    (variables.parent / "hive.yml").write_text(HIVE)
    (variables.parent / "services.yml").write_text(SERVICES)
    (variables / "all.yml").write_text(VARIABLES)
    return Site.open(tmp_path / "site", "private")


class Loader(yaml.SafeLoader):
    """Knows what Ansible calls texts that are no templates."""


Loader.add_constructor("!unsafe", lambda loader, node: ("unsafe", loader.construct_scalar(node)))


def written(site: Site, place: Place, *, other_objects: bool = False):
    folder = site.context.root.parent / "private"
    folder.mkdir(mode=0o700)
    write_project(site.inventory, place, "pages", folder, other_objects=other_objects)
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    inventory, play = (yaml.load((folder / name).read_text(), Loader) for name in ("inventory.yml", "play.yml"))
    return inventory["all"], play[0]


SERVER = Place("p-hive0.x.example", "p-hive0.x.example")
CONTAINER = Place("image_web", "p-hive1.x.example", "4711", environment={"http_proxy": "http://a:1"})


def test_variables_are_rendered_and_are_no_templates_any_more(site):
    inventory, _ = written(site, SERVER)
    given = inventory["hosts"][SERVER.name]
    assert (given["title"], given["number"], given["nested"]) == ("x.example's", 7, [{"a": "x.example's"}])
    assert given["braces"] == ("unsafe", "{{ kept }}")
    assert given["hive_private_ip"] == "10.0.0.4"
    assert not {"broken", "left_out", "groups", "hostvars"} & given.keys()


def test_a_server_is_reached_by_the_stages_ssh_config(site):
    inventory, play = written(site, SERVER)
    given = inventory["hosts"][SERVER.name]
    assert (given["ansible_connection"], given["ansible_host"]) == ("ssh", SERVER.name)
    assert f"-F {site.context.context_dir}/ssh_config" in given["ansible_ssh_args"]
    assert (play["hosts"], play["become"], play["gather_facts"]) == (SERVER.name, True, True)


def test_a_container_is_reached_through_its_server(site):
    inventory, play = written(site, CONTAINER)
    given = inventory["hosts"]["image_web"]
    assert given["ansible_connection"] == "hive_container"
    assert (given["hive_container_server"], given["hive_container_id"], given["hive_container_sudo"]) == (CONTAINER.server, "4711", True)
    assert (play["become"], play["gather_facts"]) == (False, False)
    assert play["environment"] == {"http_proxy": "http://a:1"}


def test_groups_are_those_of_the_stage_and_other_hosts_have_variables_only_if_they_are_asked_for(site):
    inventory, _ = written(site, CONTAINER)
    assert list(inventory["children"]["hives"]["hosts"]) == site.inventory.hives
    assert list(inventory["children"]["private"]["hosts"]) == site.inventory.groups["private"]
    assert "hive_private_ip" not in inventory["hosts"][CONTAINER.server]
    assert inventory["hosts"][CONTAINER.server]["ansible_connection"] == "ssh"


def test_variables_of_other_objects_are_there_for_a_role_that_asks_for_them(site):
    inventory, _ = written(site, CONTAINER, other_objects=True)
    assert inventory["hosts"]["web"]["hive_image_name"] == "image_web"
    assert inventory["hosts"][CONTAINER.server]["hive_private_ip"] == "10.0.0.5"


def test_the_operators_own_settings_of_ansible_do_not_count(site, monkeypatch, tmp_path):
    monkeypatch.setenv("ANSIBLE_FORKS", "77")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/agent")
    found = environment(site.inventory, tmp_path)
    assert "ANSIBLE_FORKS" not in found
    assert found["SSH_AUTH_SOCK"] == "/agent"
    assert found["ANSIBLE_ROLES_PATH"] == str(site.context.root / "roles")
