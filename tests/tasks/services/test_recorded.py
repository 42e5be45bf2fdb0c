"""What a real swarm (Docker 26) showed of services that had just been deployed: they are as they are to be, and run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hive_nornir.tasks.services.converge import judged
from hive_nornir.tasks.services.differences import compared, fields
from hive_nornir.tasks.services.spec import service_spec
from hive_nornir.tasks.services.surroundings import Surroundings

RECORDED: dict[str, Any] = json.loads((Path(__file__).parents[2] / "data" / "services.json").read_text())


def wanted(name: str) -> dict[str, Any]:
    around = RECORDED["around"]
    image = RECORDED["services"][name]["service"]["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
    own = Surroundings(tuple(around["networks"]), around["servers"], frozenset(), around["log_options"])
    return service_spec(name, RECORDED["definitions"][name], own, image)


@pytest.mark.parametrize("name", RECORDED["services"])
def test_it_differs_in_nothing(name: str) -> None:
    found = RECORDED["services"][name]["service"]["Spec"]
    assert compared(fields(found, RECORDED["networks"]), fields(wanted(name), RECORDED["networks"])) == []


@pytest.mark.parametrize("name", RECORDED["services"])
def test_its_tasks_run(name: str) -> None:
    found = RECORDED["services"][name]
    assert judged(found["service"], found["tasks"], RECORDED["nodes"]).done
