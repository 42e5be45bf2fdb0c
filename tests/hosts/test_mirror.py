"""The sandbox's mirror of Docker Hub comes with the first site that uses it, has its address in each, and goes with the last one."""

import pytest

from hive_nornir.inventory.providers.sandbox import Sandbox, engine, mirror, names
from tests.hosts.sandbox import built, output, sandbox_site

pytestmark = pytest.mark.hosts


def networks_of_the_mirror():
    """The networks that it is in; None when there is no mirror."""
    with engine.connect(engine.find()) as client:
        found = client.containers.list(all=True, filters={"name": f"^/{mirror.NAME}$"})
        return set(found[0].attrs["NetworkSettings"]["Networks"]) if found else None


def test_a_site_has_the_mirror_at_its_third_address_as_long_as_it_lives(tmp_path):
    cidr = sandbox_site(tmp_path, 0).mother["hive_cidr"]
    address = cidr.replace(".0/24", ".3")
    site = sandbox_site(tmp_path, 1, cidr=cidr, variables={"hive_registry_mirror": f"http://{address}:5000"})
    assert [entry.state for entry in Sandbox().plan(site) if entry.kind == "mirror"] == ["missing"]

    with built(site):
        ask = f"exec 3<>/dev/tcp/{address}/5000; printf 'GET /v2/library/mariadb/tags/list HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3"
        assert '{"name":"library/mariadb","tags":["11.8"]}' in output(site, site.servers[0], f'bash -c "{ask}"')
        assert [(entry.state, entry.detail) for entry in Sandbox().plan(site) if entry.kind == "mirror"] == [("present", address)]
        assert Sandbox().build(site) is False

    after = networks_of_the_mirror()
    assert after is None or (names.network(site) not in after and after > {mirror.NAME})
