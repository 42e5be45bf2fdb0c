"""A service that is as it is to be shows no difference; one that is not shows just the fields that differ, and no secret."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_nornir.tasks.services.differences import HIDDEN, Difference, compared, fields, lines, summary
from tests.tasks.services.test_spec import ATTRIBUTES, spec

NETWORKS = {"i1": "hive_default_network", "i2": "inner"}


def as_docker_shows_it(wanted: dict[str, Any]) -> dict[str, Any]:
    """A spec as the engine gives it back: ids of networks, defaults filled in, empty things left out, other orders."""
    found: dict[str, Any] = json.loads(json.dumps(wanted))
    template = found["TaskTemplate"]
    container = {key: value for key, value in template["ContainerSpec"].items() if value}
    ids = {name: number for number, name in NETWORKS.items()}
    container |= {"Isolation": "default", "Init": False}
    for name in ("Env", "Hosts", "CapabilityAdd", "CapabilityDrop", "Mounts"):
        if container.get(name):
            container[name] = container[name][::-1]
    for name in ("CapabilityAdd", "CapabilityDrop"):
        if container.get(name):
            container[name] = [each if each == "ALL" else f"CAP_{each}" for each in container[name]]
    for mount in container.get("Mounts", []):
        for key in [key for key, value in mount.items() if not value]:
            del mount[key]
    container.setdefault("StopGracePeriod", 10_000_000_000)
    container.setdefault("DNSConfig", {})
    template["ContainerSpec"] = container
    template["RestartPolicy"] = {"Condition": "any", "Delay": 5_000_000_000, "MaxAttempts": 0} | template.get("RestartPolicy", {})
    template["Networks"] = [
        {key: value for key, value in {**each, "Target": ids[each["Target"]]}.items() if value} for each in template["Networks"][::-1]
    ]
    template.setdefault("Resources", {})["Reservations"] = {}
    template["Placement"] = {**template.get("Placement", {}), "Platforms": [{"Architecture": "amd64", "OS": "linux"}]}
    template |= {"ForceUpdate": 4, "Runtime": "container"}
    found["Mode"].get("Replicated", {}).setdefault("Replicas", 7)
    found["UpdateConfig"] = {"Parallelism": 1, "FailureAction": "pause"}
    return found


def difference(present: dict[str, Any], wanted: dict[str, Any], secrets: tuple[str, ...] = ()) -> list[Difference]:
    return compared(fields(present, NETWORKS), fields(wanted, NETWORKS), secrets)


@pytest.mark.parametrize(("attribute", "value"), [each[:2] for each in ATTRIBUTES])
def test_what_docker_fills_in_is_no_difference(attribute: str, value: Any) -> None:
    wanted = spec(**{attribute: value})
    assert difference(as_docker_shows_it(wanted), wanted) == []


@pytest.mark.parametrize(("attribute", "value"), [each[:2] for each in ATTRIBUTES if each[1] != -1])
def test_an_attribute_that_comes_and_one_that_goes_are_differences(attribute: str, value: Any) -> None:
    plain, wanted = spec(), spec(**{attribute: value})
    assert difference(as_docker_shows_it(plain), wanted)
    if attribute != "replicas":
        assert difference(as_docker_shows_it(wanted), plain)


def test_the_number_of_tasks_is_left_alone_where_nothing_is_said_of_it() -> None:
    assert difference(as_docker_shows_it(spec(replicas=3)), spec()) == []


@given(
    st.dictionaries(st.text("ABC_", min_size=1), st.text("xyz= \n", max_size=5)),
    st.dictionaries(st.text("ABC_", min_size=1), st.text("xyz= \n", max_size=5)),
)
def test_environments_differ_in_just_the_names_that_differ(before: dict[str, str], after: dict[str, str]) -> None:
    found = difference(as_docker_shows_it(spec(environment=before)), spec(environment=after))
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert {each.field for each in found} == {f"environment {name}" for name in changed}


def test_the_summary_names_the_fields_and_the_short_values() -> None:
    present = as_docker_shows_it(spec(replicas=1, environment={"A": "1"}, command=["one"]))
    found = difference(present, spec(replicas=2, environment={"A": "1", "B": "x" * 60}, command=["two"]))
    assert summary(found) == 'update replicas 1 -> 2, command ["one"] -> ["two"], environment B'
    assert lines(found).splitlines()[:2] == ["- replicas: 1", "+ replicas: 2"]


def test_an_image_differs_by_its_digest_too() -> None:
    before, after = spec(), spec()
    after["TaskTemplate"]["ContainerSpec"]["Image"] = "nginx:1@sha256:1"
    assert difference(before, after) == [Difference("image", "nginx:1@sha256:0", "nginx:1@sha256:1")]


def test_an_image_whose_digest_nobody_tells_is_no_difference() -> None:
    before, after = spec(), spec()
    after["TaskTemplate"]["ContainerSpec"]["Image"] = "nginx:1"
    assert difference(before, after) == []
    after["TaskTemplate"]["ContainerSpec"]["Image"] = "nginx:2"
    assert [each.field for each in difference(before, after)] == ["image"]


@pytest.mark.parametrize("name", ["DB_PASSWORD", "API_TOKEN", "MYSQL_ROOT_PASS", "SecretKey", "AWS_ACCESS_KEY"])
def test_what_is_called_like_a_secret_is_not_shown(name: str) -> None:
    found = difference(as_docker_shows_it(spec(environment={name: "old"})), spec(environment={name: "new"}))
    assert found == [Difference(f"environment {name}", HIDDEN, HIDDEN)]
    assert "old" not in lines(found) + summary(found)
    assert "new" not in lines(found) + summary(found)


def test_a_known_secret_is_not_shown_wherever_it_stands() -> None:
    found = difference(as_docker_shows_it(spec(command=["--old"])), spec(command=["--with", "geheim"]), ("geheim",))
    assert found == [Difference("command", HIDDEN, HIDDEN)]


def test_what_an_operator_has_set_beside_the_definition_is_told() -> None:
    present = as_docker_shows_it(spec())
    changed = copy.deepcopy(present)
    changed["TaskTemplate"]["ContainerSpec"] |= {"ReadOnly": True}
    changed["TaskTemplate"]["Resources"] = {"Reservations": {"MemoryBytes": 1}}
    assert [each.field for each in difference(changed, spec())] == ["reservations", "setting ReadOnly"]
