"""Networks of a real swarm: the example's, and a definition that changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hive_nornir import Site
from hive_nornir.runs.report import RunReport
from tests.hosts.sites import changes, errors, shell

DEFINITION = """
plugin: hive_services
services: {}
networks:
  backstage:
    driver_opts: {com.docker.network.driver.mtu: 1400%s}
    ipam:
      config:
        - subnet: 10.123.%d.0/24
"""


@pytest.fixture
def networks(example: Site) -> Iterator[Path]:
    """The file with a network of the tests' own, which is gone afterwards."""
    file = example.context.root / "inventory" / "networks.yml"
    file.write_text(DEFINITION % ("", 1))
    example.reload()
    yield file
    file.write_text(DEFINITION % ("", 1))
    example.reload()
    shell(example, "docker service rm user 2>/dev/null || :", example.inventory.hives[0])
    assert run(example, destroy=True).ok
    file.unlink()
    example.reload()


def run(site: Site, **options: bool) -> RunReport:
    return site.run("build-networks", limit=["backstage"], **options)


def inspected(site: Site) -> dict[str, object]:
    found: dict[str, object] = json.loads(shell(site, "docker network inspect backstage", site.inventory.hives[1]))[0]
    return found


def test_a_network_is_made_once_and_as_defined(example: Site, networks: Path) -> None:
    planned = run(example, check=True)
    assert (planned.exit_code, changes(planned)) == (3, ["backstage network network backstage: would-change create"])
    assert shell(example, "docker network ls -q -f name=backstage", example.inventory.hives[0]) == ""
    assert run(example).changed == 1
    found = inspected(example)
    assert (found["Driver"], found["Attachable"], found["Scope"]) == ("overlay", True, "swarm")
    assert found["IPAM"]["Config"] == [{"Subnet": "10.123.1.0/24", "Gateway": "10.123.1.1"}]  # type: ignore[index]
    assert found["Options"]["com.docker.network.driver.mtu"] == "1400"  # type: ignore[index]
    assert run(example).changed == 0


def test_one_that_differs_is_made_anew_but_never_under_a_service(example: Site, networks: Path) -> None:
    assert run(example).ok
    networks.write_text(DEFINITION % (', encrypted: ""', 2))
    example.reload()
    hive = example.inventory.hives[0]
    shell(example, "docker service create -d -q --name user --network backstage --replicas 0 none", hive)
    refused = run(example)
    assert refused.exit_code == 1
    assert "services use it: user" in errors(refused)[0]
    assert "- subnet 10.123.1.0/24" in errors(refused)[0]
    assert "+ option encrypted=" in errors(refused)[0]
    assert inspected(example)["IPAM"]["Config"][0]["Subnet"] == "10.123.1.0/24"  # type: ignore[index]

    shell(example, "docker service rm user", hive)
    assert run(example).changed == 1
    assert inspected(example)["IPAM"]["Config"][0]["Subnet"] == "10.123.2.0/24"  # type: ignore[index]
    assert run(example).changed == 0


def test_without_its_first_hive_the_swarm_is_asked_elsewhere(example: Site, networks: Path) -> None:
    first = example.inventory.hives[0]
    assert run(example).ok
    shell(example, "systemctl stop docker.socket docker", first)
    try:
        report = run(example)
        assert report.ok, errors(report)
        assert report.changed == 0
    finally:
        shell(example, "systemctl start docker", first)


def test_what_is_not_defined_is_told_and_left_alone(example: Site) -> None:
    hive = example.inventory.hives[0]
    shell(example, "docker network create -d overlay stray", hive)
    try:
        report = example.run("build-networks")
        assert report.ok, errors(report)
        assert any("the swarm has the network stray, which is not defined" in note for note in report.notes)
        assert shell(example, "docker network ls -q -f name=stray", hive) != ""
    finally:
        shell(example, "docker network rm stray", hive)
