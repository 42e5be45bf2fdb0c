"""Roles of images and services: where they are found, who they are for, in which order images are built."""

from __future__ import annotations

from pathlib import Path

import pytest

from hive_nornir import Site
from hive_nornir.ansible.roles import AnsibleRole
from hive_nornir.errors import DefinitionErrors
from hive_nornir.plays.build_images import levels
from hive_nornir.plays.container_roles import BUILTIN, ContainerRoles, ansible_notes
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


def of_ansible(site: Site, name: str, text: str = "- debug: {msg: hello}\n") -> None:
    tasks = site.context.root / "roles" / name / "tasks"
    tasks.mkdir(parents=True)
    (tasks / "main.yml").write_text(text)


WITHOUT_ANSIBLE = "hive_nornir.plays.container_roles.ansible_version"


def test_a_role_of_ansible_without_ansible_is_told_with_its_place_and_the_ways_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WITHOUT_ANSIBLE, str)
    of_ansible(site, "old-role")
    (site.context.root / "inventory" / "services.yml").write_text(SERVICES.replace("python-aptk", "old-role"))
    with pytest.raises(DefinitionErrors) as error:
        site.check()
    [problem] = error.value.problems
    assert (problem.file, problem.line) == (site.context.root / "inventory" / "services.yml", 6)
    assert (
        problem.message
        == "services.web.image.roles[1]: role 'old-role' is one of Ansible, roles/old-role/tasks, and ansible-core is not installed"
    )
    assert "`pip install 'hive-nornir[ansible]'`" in problem.hint
    assert "write roles/old_role.py, as `hive-nornir new role old-role` begins it" in problem.hint


def test_a_role_of_ansible_is_one_of_ours_with_ansible(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WITHOUT_ANSIBLE, lambda: "2.19.0")
    of_ansible(site, "old-role")
    of_ansible(site, "addon2")
    (site.context.root / "inventory" / "services.yml").write_text(SERVICES.replace("python-aptk", "old-role"))
    site.check()
    role = ContainerRoles(site.context.root).find("old-role")
    assert isinstance(role, AnsibleRole)
    assert role.name == "old-role"
    assert ansible_notes(site) == ["ansible-core 2.19.0 runs the roles addon2, old-role"]


def test_python_that_stands_for_a_role_of_ansible_comes_first(site: Site) -> None:
    of_ansible(site, "web-pages")
    assert not isinstance(ContainerRoles(site.context.root).find("web-pages"), AnsibleRole)


def test_the_sites_role_of_ansible_stands_for_a_built_in_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WITHOUT_ANSIBLE, lambda: "2.19.0")
    of_ansible(site, "hive-trust-ca")
    assert isinstance(ContainerRoles(site.context.root).find("hive-trust-ca"), AnsibleRole)


def test_an_addon_of_ansible_without_ansible_is_a_note(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WITHOUT_ANSIBLE, str)
    of_ansible(site, "addon")
    [note] = ansible_notes(site)
    assert note.startswith("the role addon of Ansible is left out, ansible-core is not installed: `pip install 'hive-nornir[ansible]'`")


def test_all_that_a_role_of_ansible_is_made_of_counts(site: Site) -> None:
    of_ansible(site, "old", "- import_role: {name: shared}\n- site_module: {title: '{{ title }}'}\n")
    of_ansible(site, "shared")
    of_ansible(site, "other")
    (site.context.root / "lib").mkdir()
    (site.context.root / "lib" / "site_module.py").write_text("# a module\n")

    def made_of() -> Inputs:
        given = {"hive_from": "debian", "title": site.inventory.hive_name, "unread": "b"}
        role = AnsibleRole(site.context.root / "roles" / "old")
        return Inputs.of(site.inventory, given, ImageSettings.of("image_web", given), "sha256:1", [role], site.context.root)

    before = made_of()
    (site.context.root / "roles" / "other" / "tasks" / "main.yml").write_text("[]\n")
    assert made_of() == before
    (site.context.root / "roles" / "shared" / "tasks" / "main.yml").write_text("[]\n")
    assert made_of().differences(before) == ["role files changed"]
    again = made_of()
    (site.context.root / "lib" / "site_module.py").write_text("# another\n")
    assert made_of().differences(again) == ["role files changed"]


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
