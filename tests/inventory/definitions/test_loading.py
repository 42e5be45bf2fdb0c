import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hive_nornir.errors import DefinitionErrors
from hive_nornir.inventory.definitions import load_definitions
from tests.inventory.support import HIVE, SITES, load, only, problems, write_site


def test_everything_wrong_in_all_files_is_reported_at_once(tmp_path):
    stages = "  private: {provider: vagrnt, cidr: 10.0.0.0/24}\n  prod: {}\n  staging: {provider: gcp}\n"
    hive = f"plugin: hive_inventory\nname: test\nstages:\n{stages}"
    services = "  a: {imag: x}\n  b:\n  hive-c: {image: x, ports: ['1-2']}\n"
    found = problems(tmp_path, services, hive, broken="a: [\n", other="plugin: hive_service\n")
    assert [(p.file.name, p.line) for p in found] == [
        ("broken.yml", 2),
        ("hive.yml", 4),
        ("hive.yml", 5),
        *[("hive.yml", 6)] * 4,
        ("other.yml", 1),
        *[("services.yml", 3)] * 2,
        ("services.yml", 4),
        *[("services.yml", 5)] * 2,
    ]
    assert all(p.message for p in found)


@pytest.mark.parametrize(
    ("hive", "line", "words"),
    [
        ("plugin: hive_inventory\nname: test\n", 1, "stages is missing"),
        ("plugin: hive_inventory\nname: test\nstages: {}\n", 3, "not empty"),
        ("plugin: hive_inventory\nname: test\nstages: []\n", 3, "expected a map"),
        ("plugin: hive_inventory\nstages: {private: {provider: vagrant, cidr: 10.0.0.0/24}}\n", 1, "name is missing"),
        (HIVE.replace("name: test", "name: te st"), 2, "a name such as"),
        (HIVE.replace("name: test", "name: 5"), 2, "expected text"),
        (HIVE + "nme: x\n", 5, "unknown key 'nme'"),
        (HIVE.replace("private", "privat"), 4, "expected private or staging or production"),
        (HIVE.replace("{provider: vagrant, cidr: 192.168.56.0/24}", ""), 4, "expected a map, found nothing"),
    ],
)
def test_the_frame_of_the_hive_definition(tmp_path, hive, line, words):
    found = only(tmp_path, hive=hive)
    assert words in found.message
    assert found.line == line


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("plugin: hive_services\n", 1, "services is missing"),
        ("plugin: hive_services\nservices:\n", 2, "expected a map, found nothing"),
        ("plugin: hive_services\nservices:\n- a\n", 2, "expected a map, found a list"),
        ("plugin: hive_services\nservices:\n  a:\n", 3, "expected a map, found nothing"),
        ("plugin: hive_services\nservices: {}\nnetwork: {}\n", 3, "unknown key 'network'"),
        ("plugin: hive_services\nservices: {}\navailable_on: [x]\n", 3, "expected private or staging or production"),
        ("plugin: hive_services\nservices: {}\nnetworks: {5: }\n", 3, "no network name"),
        ("plugin: hive_service\n", 1, "plugin must be hive_inventory or hive_services, found 'hive_service'"),
        ("plugin: [a]\n", 1, "plugin must be"),
        ("services: {}\n", 1, "the file has none"),
        ("", 1, "the file has none"),
        ("- a\n", 1, "the file has none"),
    ],
)
def test_the_frame_of_other_files(tmp_path, text, line, words):
    found = only(tmp_path, more=text)
    assert words in found.message
    assert (found.file.name, found.line) == ("more.yml", line)


def test_a_site_has_one_hive_definition(tmp_path):
    assert "second hive definition" in only(tmp_path, zweite=HIVE).message
    (tmp_path / "inventory/hive.yml").unlink()
    (tmp_path / "inventory/zweite.yml").unlink()
    with pytest.raises(DefinitionErrors, match="no file with plugin: hive_inventory"):
        load_definitions(tmp_path)


def test_other_files_in_the_folder_are_left_alone(tmp_path):
    write_site(tmp_path)
    for name in ("README.md", ".hidden.yml", "group_vars/all.yml"):
        (tmp_path / "inventory" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "inventory" / name).write_text("{{{")
    assert load_definitions(tmp_path).hive_name == "test"


def test_a_service_is_for_the_stages_of_its_file_unless_it_says_otherwise(tmp_path):
    services = "  a: {image: x}\n  b: {image: x, available_on: [production, private]}\n  c: {image: x, available_on: []}\n"
    text = f"plugin: hive_services\navailable_on: [staging]\nservices:\n{services}"
    site = load(tmp_path, more=text)
    assert [service.stages for service in site.services.values()] == [("staging",), ("private", "production"), ()]


def test_anchors_and_merges_work_in_services(tmp_path):
    site = load(tmp_path, "  a: &a {image: x, environment: {A: b}}\n  b:\n    <<: *a\n    image: y\n")
    assert site.services["b"].place.raw == {"image": "y", "environment": {"A": "b"}}


def test_a_mistake_behind_an_anchor_is_reported_where_it_stands(tmp_path):
    found = problems(tmp_path, "  a: &a\n    image: x\n    modus: 1\n  b: *a\n  c:\n    <<: *a\n")
    assert [p.line for p in found] == [5, 5, 5]


def test_loading_writes_nothing(tmp_path):
    shutil.copytree(SITES / "shop", tmp_path / "site")
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "site").rglob("*")}
    load_definitions(tmp_path / "site")
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "site").rglob("*")} == before


def mappings(file: Path) -> list[tuple[list, int]]:
    """Every place in a definition file where the keys are ours, with the indentation of block maps."""
    free = {"environment", "labels", "driver_opts", "hosts", "env", "options", "stages", "services", "networks"}

    def walk(value, steps):
        if isinstance(value, dict):
            if not steps or steps[-1] not in free:
                yield steps
            for key, inner in value.items():
                yield from walk(inner, [*steps, key])
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                yield from walk(inner, [*steps, index])

    return list(walk(yaml.safe_load(file.read_text()), []))


DNS = [(file, place) for file in sorted((SITES / "dns/inventory").glob("*.yml")) for place in mappings(file)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(DNS), st.from_regex(r"x[a-z_]{3,12}", fullmatch=True))
def test_an_unknown_key_anywhere_is_exactly_one_problem_at_its_line(tmp_path_factory, where, key):
    file, place = where
    site = tmp_path_factory.mktemp("site")
    shutil.copytree(SITES / "dns", site, dirs_exist_ok=True)
    data = yaml.safe_load(file.read_text())
    target = data
    for step in place:
        target = target[step]
    target[key] = 1
    text = yaml.safe_dump(data, sort_keys=False)
    (site / "inventory" / file.name).write_text(text)
    with pytest.raises(DefinitionErrors) as caught:
        load_definitions(site)
    (found,) = caught.value.problems
    assert f"unknown key {key!r}" in found.message
    assert text.splitlines()[found.line - 1].lstrip("- ").startswith(f"{key}:")
    assert found.file == site / "inventory" / file.name


def problems_of(site: Path):
    try:
        load_definitions(site)
    except DefinitionErrors as error:
        return error.problems
    return []


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 70000) | st.text("ab{}%/: 1.", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3) | st.integers(0, 3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(DNS), values, st.data())
def test_any_value_anywhere_gives_a_site_or_problems_with_lines_and_never_another_error(tmp_path_factory, where, value, draw):
    file, place = where
    site = tmp_path_factory.mktemp("site")
    shutil.copytree(SITES / "dns", site, dirs_exist_ok=True)
    data = yaml.safe_load(file.read_text())
    target = data
    for step in place:
        target = target[step]
    target[draw.draw(st.sampled_from(sorted(target) or ["any"]))] = value
    (site / "inventory" / file.name).write_text(yaml.safe_dump(data, sort_keys=False))
    assert all(problem.message and (problem.line or problem.file == site / "inventory") for problem in problems_of(site))
