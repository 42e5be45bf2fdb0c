"""Roles of images and services: where they are found, who they are for, in which order images are built."""

from __future__ import annotations

from pathlib import Path

import pytest

from hive_nornir import Site
from hive_nornir.errors import DefinitionErrors
from hive_nornir.plays.build_images import levels
from hive_nornir.plays.container_roles import BUILTIN, ContainerRoles
from hive_nornir.plays.own_roles import own_roles, used_in_containers
from hive_nornir.tasks.images.inputs import Inputs
from hive_nornir.tasks.images.settings import ImageSettings

ROLE = '''
from hive_nornir.tasks.role import Variables, role

class V(Variables):
    hive_declared: int = 1

@role()
def {name}(host, v: V):
    """Do it."""
    return [host.variables["title"]]
'''
HIVE = """\
plugin: hive_inventory
name: x.example
stages:
  private: {provider: prepared, cidr: 10.0.0.0/24, separate_repository: false, ip_address_list: [10.0.0.4]}
"""
SERVICES = """\
plugin: hive_services
services:
  web:
    image:
      from: "{{ hive_registry }}/image_base"
      roles: [web-pages, python-aptk]
    initialize_roles: [load_data]
  base:
    image: {from: debian, roles: [web_pages]}
  other:
    image: nginx
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "inventory").mkdir()
    (tmp_path / "roles").mkdir()
    (tmp_path / "inventory" / "hive.yml").write_text(HIVE)
    (tmp_path / "inventory" / "services.yml").write_text(SERVICES)
    for name in ("web_pages", "load_data", "on_servers"):
        (tmp_path / "roles" / f"{name}.py").write_text(ROLE.format(name=name))
    return Site.open(tmp_path, "private")


def test_a_role_that_an_image_or_service_names_works_in_no_server(site: Site) -> None:
    assert used_in_containers(site.context.root) == {"web_pages", "load_data", "python_aptk"}
    assert [role.name for role in own_roles(site.context.root)] == ["on-servers"]


def test_the_sites_role_stands_for_a_built_in_one(site: Site) -> None:
    roles = ContainerRoles(site.context.root)
    assert roles.find("python-aptk") is BUILTIN["python-aptk"]
    (site.context.root / "roles" / "python_aptk.py").write_text(ROLE.format(name="python_aptk"))
    assert roles.find("python_aptk") is not BUILTIN["python-aptk"]
    assert list(roles.problems(site)) == []


def test_an_unknown_role_is_told_with_its_place_and_the_nearest_one(site: Site) -> None:
    (site.context.root / "inventory" / "services.yml").write_text(SERVICES.replace("python-aptk", "pythn-aptk"))
    [problem] = ContainerRoles(site.context.root).problems(site)
    assert (problem.file, problem.line) == (site.context.root / "inventory" / "services.yml", 6)
    assert "there is no role 'pythn-aptk'" in problem.message
    assert "did you mean 'python-aptk'?" in problem.hint


def test_a_role_of_ansible_is_told_as_such(site: Site) -> None:
    (site.context.root / "roles" / "old" / "tasks").mkdir(parents=True)
    with pytest.raises(DefinitionErrors, match="is a role of Ansible"):
        ContainerRoles(site.context.root).find("old")


def test_an_image_comes_after_the_one_that_it_starts_from(site: Site) -> None:
    assert levels(site.inventory, ["image_web", "image_base"]) == [("image_base",), ("image_web",)]
    assert levels(site.inventory, ["image_web"]) == [("image_web",)]
    text = SERVICES.replace("from: debian", 'from: "{{ hive_registry }}/image_web:latest"')
    (site.context.root / "inventory" / "services.yml").write_text(text)
    site.reload()
    with pytest.raises(DefinitionErrors, match="start from each other"):
        levels(site.inventory, ["image_web", "image_base"])


def inputs(site: Site, base: str = "sha256:1", **variables: object) -> Inputs:
    given = {"hive_from": "debian", "title": "a", "unread": "b", **variables}
    role = ContainerRoles(site.context.root).find("web-pages")
    return Inputs.of(site.inventory, given, ImageSettings.of("image_web", given), base, [role], site.context.root)


def test_each_input_of_an_image_counts_and_nothing_else_does(site: Site) -> None:
    before = inputs(site)
    assert Inputs.from_labels(before.labels) == before
    assert inputs(site, unread="c").differences(before) == []
    assert inputs(site, base="sha256:2").differences(before) == ["base image changed"]
    assert inputs(site, hive_command="x").differences(before) == ["definition changed"]
    assert inputs(site, title="c").differences(before) == ["variables of its roles changed"]
    assert inputs(site, hive_declared=2).differences(before) == ["variables of its roles changed"]
    (site.context.root / "roles" / "web_pages").mkdir()
    (site.context.root / "roles" / "web_pages" / "template.txt").write_text("x")
    assert inputs(site).differences(before) == ["role files changed"]
