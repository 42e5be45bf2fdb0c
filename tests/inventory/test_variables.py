"""Precedence, scopes and errors of variables (spec inventory.md 6, 7 and 8.5)."""

import threading

import pytest
import yaml

from hive_nornir.errors import DefinitionErrors
from hive_nornir.inventory.lookups import Lookups
from hive_nornir.inventory.model import ComputedInventory, InventoryObject
from hive_nornir.inventory.template_values import OMIT, RenderError, UndefinedVariableError
from hive_nornir.inventory.templating import Templar
from hive_nornir.inventory.variable_files import load_variable_files
from hive_nornir.inventory.variables import SiteVariables

CHILDREN = {"servers": ["hives", "repository"], "hosts": ["servers", "mother"]}


def computed(variables=None, group_variables=None):
    groups = ("hives", "servers", "hosts")
    objects = [
        InventoryObject(
            "p-hive0.x", "server", (*groups, "first_hive", "private"), ("private",), {"own": "definition", **(variables or {})}
        ),
        InventoryObject("s-hive0.x", "server", (*groups, "staging"), ("staging",)),
        InventoryObject(
            "p-hive1.x", "server", ("repository", "servers", "hosts", "private"), ("private",), {"hive_private_ip": "10.0.0.5"}
        ),
        InventoryObject(
            "web",
            "service",
            ("services", "private", "staging"),
            ("private", "staging"),
            {"hive_image": "nginx", "hive_environment": {"STAGE": "{{ hive_provider }}", "KEEP": "{{ gone | default(omit) }}"}},
            {"staging": {"hive_image": "nginx:staging"}},
        ),
    ]
    direct = {}
    for found in objects:
        for group in set(found.groups) - {"servers", "hosts"}:
            direct.setdefault(group, []).append(found.name)
    stages = {"private": {"hive_provider": "prepared"}, "staging": {"hive_provider": "aws"}}
    return ComputedInventory("x", {o.name: o for o in objects}, direct, CHILDREN, {**stages, **(group_variables or {})})


class SiteFiles:
    """Writes variables files and loads a stage's variables."""

    def __init__(self, root):
        self.root = root

    def write(self, name, content):
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return self

    def load(self, stage="private", injected=None, create=False, **kwargs):
        inventory = computed(**kwargs)
        files = load_variable_files(self.root, ["all", *inventory.groups, *CHILDREN], inventory.objects)
        if files.problems:
            raise DefinitionErrors(files.problems)
        given = {"hive_stage": stage, **(injected or {})}
        return SiteVariables(inventory, files, stage, given, Templar(Lookups(self.root, {}, create).globals()))


@pytest.fixture
def site(tmp_path):
    return SiteFiles(tmp_path)


def test_each_layer_beats_the_one_below(site):
    """Ansible: inventory group vars < group_vars/all < group_vars/* < inventory host vars < host_vars < extra vars."""
    layers = [
        ("definition of all", lambda: {"group_variables": {"all": {"v": "definition of all"}}}),
        ("definition of a group", lambda: {"group_variables": {"all": {"v": "x"}, "hives": {"v": "definition of a group"}}}),
        ("group_vars/all", lambda: site.write("group_vars/all.yml", {"v": "group_vars/all"})),
        ("group_vars/hosts", lambda: site.write("group_vars/hosts.yml", {"v": "group_vars/hosts"})),
        ("group_vars/servers", lambda: site.write("group_vars/servers.yml", {"v": "group_vars/servers"})),
        ("group_vars/hives", lambda: site.write("group_vars/hives.yml", {"v": "group_vars/hives"})),
        ("definition of the host", lambda: {"variables": {"v": "definition of the host"}}),
        ("host_vars", lambda: site.write("host_vars/p-hive0.x.yml", {"v": "host_vars"})),
        ("injected", lambda: {"injected": {"v": "injected"}}),
    ]
    kwargs = {}
    for value, add in layers:
        added = add()
        kwargs.update(added if isinstance(added, dict) else {})
        assert site.load(**kwargs).scope("p-hive0.x")["v"] == value


def test_peers_are_merged_in_alphabetical_order_and_depth_counts_before_it(site):
    """`hives` is deeper than `private`: a child group of a child group wins over one right below `all`, whatever its name."""
    site.write("group_vars/first_hive.yml", {"peer": "first_hive", "deep": "first_hive"})
    site.write("group_vars/private.yml", {"peer": "private", "deep": "private"})
    site.write("group_vars/hives.yml", {"deep": "hives"})
    scope = site.load().scope("p-hive0.x")
    assert (scope["peer"], scope["deep"]) == ("private", "hives")


def test_maps_are_replaced_not_merged(site):
    site.write("group_vars/all.yml", {"m": {"a": 1}}).write("group_vars/hives.yml", {"m": {"b": 2}})
    assert site.load().scope("p-hive0.x")["m"] == {"b": 2}


@pytest.mark.parametrize(("stage", "provider", "image"), [("private", "prepared", "nginx"), ("staging", "aws", "nginx:staging")])
def test_an_object_of_several_stages_gets_the_current_stages_variables_only(site, stage, provider, image):
    site.write("group_vars/private.yml", {"only": "private"}).write("group_vars/staging.yml", {"also": "staging"})
    scope = site.load(stage).scope("web")
    assert scope["hive_environment"] == {"STAGE": provider}
    assert scope["hive_image"] == image
    assert [name for name in ("only", "also") if name in scope] == [{"private": "only", "staging": "also"}[stage]]


def test_all_of_ansibles_places_for_files_are_read(site):
    site.write("group_vars/all", "plain: 1").write("group_vars/hives.json", '{"json": 2}').write("group_vars/private.yaml", "yaml: 3")
    site.write("group_vars/servers/b.yml", "order: b\nb: 4").write("group_vars/servers/a.yml", "order: a")
    site.write("group_vars/servers/sub/c.yml", "deep: 5").write("group_vars/servers/.hidden.yml", "x: 1").write(
        "group_vars/servers/old.yml~", "x: 1"
    )
    site.write("host_vars/p-hive0.x", "host: 6")
    scope = site.load().scope("p-hive0.x")
    assert {name: scope[name] for name in ("plain", "json", "yaml", "b", "order", "deep", "host")} == {
        "plain": 1,
        "json": 2,
        "yaml": 3,
        "b": 4,
        "order": "b",
        "deep": 5,
        "host": 6,
    }
    assert "x" not in scope


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("group_vars/hivs.yml", "a: 1", "there is no group 'hivs'.*did you mean 'hives'"),
        ("host_vars/p-hive9.x.yml", "a: 1", "there is no object 'p-hive9.x'.*did you mean"),
        ("group_vars/all.yml", "a: [", r"all\.yml:[12]: YAML syntax"),
        ("group_vars/all.yml", "- a", r"all\.yml:1: must be a map"),
        ("group_vars/all.yml", "$ANSIBLE_VAULT;1.1;AES256\n3031", "ansible-vault cannot be read"),
        ("group_vars/all.yml", "ok: 1\n5: x", r"all\.yml:2: 5 is not a name"),
        ("group_vars/all.yml", "a: 1\na: 2", r"all\.yml:2: the key 'a' is given twice"),
    ],
)
def test_a_wrong_file_is_an_error_with_its_name(site, name, content, message):
    with pytest.raises(DefinitionErrors, match=message):
        site.write(name, content).load()


def test_a_file_and_a_folder_for_one_group_are_an_error(site):
    with pytest.raises(DefinitionErrors, match=r"variables of all are in all too"):
        site.write("group_vars/all/a.yml", "a: 1").write("group_vars/all.yml", "a: 2").load()


def test_a_readme_beside_the_files_is_no_error(site):
    assert "own" in site.write("group_vars/README.md", "# Notes").load().scope("p-hive0.x")


def test_variables_are_rendered_in_the_scope_of_their_owner(site):
    site.write("group_vars/all.yml", {"me": "{{ inventory_hostname }}", "via": "{{ hostvars['web'].me }}", "mine": "{{ me }}"})
    scope = site.load().scope("p-hive0.x")
    assert (scope["me"], scope["via"], scope["mine"]) == ("p-hive0.x", "web", "p-hive0.x")


def test_magic_variables(site):
    site.write(
        "group_vars/all.yml",
        {
            "first": "{{ groups['hives'] | intersect(groups[hive_stage]) | first }}",
            "all_hives": "{{ groups.servers }}",
            "short": "{{ inventory_hostname_short }}",
            "mine": "{{ group_names }}",
            "ips": "{{ groups['repository'] | map('extract', hostvars, 'hive_private_ip') | list }}",
            "none": "{{ groups['no such'] | default([]) }}",
        },
    )
    scope = site.load().scope("p-hive0.x")
    assert scope["first"] == "p-hive0.x"
    assert scope["all_hives"] == ["p-hive0.x", "s-hive0.x", "p-hive1.x"]
    assert scope["short"] == "p-hive0"
    assert scope["mine"] == ["first_hive", "hives", "hosts", "private", "servers"]
    assert (scope["ips"], scope["none"]) == (["10.0.0.5"], [])


def test_omit_removes_variables_keys_and_items(site):
    site.write(
        "group_vars/all.yml",
        {
            "ntp": "{{ omit if hive_provider == 'aws' else 'ntp.example' }}",
            "m": {"a": "{{ omit }}", "b": ["{{ omit }}", {"c": "{{ omit }}"}]},
        },
    )
    private, staging = site.load("private").scope("p-hive0.x"), site.load("staging").scope("s-hive0.x")
    assert private["ntp"] == "ntp.example"
    assert "ntp" not in staging
    assert "ntp" not in list(staging)
    assert staging.get("ntp", "default") == "default"
    with pytest.raises(KeyError):
        staging["ntp"]
    assert private["m"] == {"b": [{}]}
    assert private.render("{{ omit }}", "x") is OMIT
    site.write("group_vars/hives.yml", {"uses": "{{ ntp | default('none') }} {{ ntp is defined }}"})
    assert site.load("staging").scope("s-hive0.x")["uses"] == "none False"


def test_keys_are_templates_too(site):
    site.write("group_vars/all.yml", {"m": {"{{ hive_stage }}": 1}})
    assert site.load().scope("p-hive0.x")["m"] == {"private": 1}


def test_an_undefined_variable_names_object_attribute_and_variable(site):
    site.write("group_vars/services.yml", {"db_url": "mysql://{{ db_hots }}", "db_host": "db", "env": {"URL": ["x", "{{ db_url }}"]}})
    scope = site.load().scope("web")
    with pytest.raises(UndefinedVariableError, match=r"service web: db_url: variable 'db_hots' is undefined .did you mean 'db_host'"):
        scope["db_url"]
    with pytest.raises(UndefinedVariableError, match=r"service web: env\.URL\[1\]: variable 'db_url' cannot be rendered: .*'db_hots'"):
        scope["env"]
    with pytest.raises(UndefinedVariableError, match=r"service web: hive_labels\.x: variable 'nope' is undefined"):
        scope.render({"x": "{{ nope }}"}, "hive_labels")
    assert scope["hive_image"] == "nginx", "what does not need it still works"
    with pytest.raises(KeyError):
        scope["never_defined"]


def test_a_broken_variable_is_undefined_for_those_who_can_do_without(site):
    site.write(
        "group_vars/all.yml", {"broken": "{{ nope }}", "uses": "{{ broken | default('fine') }}", "defined": "{{ broken is defined }}"}
    )
    scope = site.load().scope("web")
    assert (scope["uses"], scope["defined"]) == ("fine", False)


@pytest.mark.parametrize(
    "variables", [{"a": "{{ a }}"}, {"a": "{{ b }}", "b": "x{{ c }}", "c": ["{{ a }}"]}, {"a": "{{ hostvars['web'].a | default('x') }}"}]
)
def test_a_circle_is_an_error_that_shows_it(site, variables):
    scope = site.write("group_vars/all.yml", variables).load().scope("web")
    with pytest.raises(RenderError, match=r"service web: a: the variable needs itself: a -> .*a$"):
        scope["a"]
    with pytest.raises(RenderError, match="needs itself"):
        scope["a"]


def test_what_a_reader_or_a_template_does_to_a_value_stays_with_it(site):
    site.write("group_vars/all.yml", {"hosts_": ["a"], "more": "{% set _ = hosts_.append('b') %}{{ hosts_ }}"})
    scope = site.load().scope("web")
    assert scope["more"] == ["a", "b"]
    scope["hosts_"].append("c")
    assert scope["hosts_"] == ["a"]


def test_many_threads_can_read_at_once(site):
    site.write("group_vars/all.yml", {f"v{i}": f"{{{{ v{i + 1} }}}}" for i in range(30)} | {"v30": "end"})
    variables = site.load()
    found = []

    def read():
        found.append([variables.scope(name)["v0"] for name in ("web", "p-hive0.x")])

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == [["end", "end"]] * 8


def test_forget_renders_anew(site):
    site.write("group_vars/all.yml", {"p": "{{ lookup('env', 'NOPE') }}"})
    variables = site.load()
    scope = variables.scope("web")
    assert scope["p"] == ""
    variables.templar._globals["lookup"] = lambda *_: "new"
    assert scope["p"] == ""
    variables.forget()
    assert scope["p"] == "new"


def test_an_object_of_another_stage_has_its_own_stages_variables(site):
    assert site.load("private").scope("s-hive0.x")["hive_provider"] == "aws"
