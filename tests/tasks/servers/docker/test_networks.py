"""Docker's ranges are the planned ones, and nobody else's (DOC-3, DOC-8)."""

import pytest

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Observed
from hive_nornir.operations.facts import Interface
from hive_nornir.tasks.servers.docker.networks import bridge_address, bridge_ranges, no_overlap
from tests.tasks.servers.targets import settled

SITE = "172.31.252.0/22"
SERVERS = {"p-hive0.example.com": "10.1.0.4", "this machine": "192.0.2.7"}
ROUTES = """default via 10.1.0.1 dev eth0
10.1.0.0/24 dev eth0 proto kernel scope link src 10.1.0.4
"""


def test_the_address_of_docker0_is_cut_from_the_sites_block():
    assert bridge_address(SITE) == "172.31.254.129/25"
    assert bridge_address(None) == "172.17.128.1/16"


def test_routes_beside_the_block_and_dockers_own_are_well():
    own = "172.31.254.128/25 dev docker0 proto kernel\n172.31.254.0/25 dev docker_gwbridge\n172.31.255.0/25 dev br-0123456789ab\n"
    assert settled(no_overlap(SITE, SERVERS), ROUTES + own)


@pytest.mark.parametrize(
    "route", ["172.31.254.0/24 via 10.1.0.9 dev eth0", "172.16.0.0/12 dev tun0", "172.31.255.7 dev wg0", "blackhole 172.31.252.0/24"]
)
def test_a_route_into_the_block_is_refused(route):
    with pytest.raises(OperationFailed, match=r"hive_internal_cidr 172.31.252.0/22 overlaps the route"):
        no_overlap(SITE, SERVERS).decide(Observed(ROUTES + route))


def test_an_address_of_the_site_or_of_this_machine_in_the_block_is_refused():
    with pytest.raises(OperationFailed, match=r"172.31.253.9, the address of this machine"):
        no_overlap(SITE, {"this machine": "172.31.253.9"}).decide(Observed(ROUTES))
    assert settled(no_overlap(SITE, {"this machine": "fd00::1"}), ROUTES)


def test_without_a_block_only_docker0_counts():
    assert settled(no_overlap(None, SERVERS), ROUTES + "172.31.254.0/24 dev tun0")
    with pytest.raises(OperationFailed, match=r"docker0 172.17.0.0/16"):
        no_overlap(None, SERVERS).decide(Observed("172.17.5.0/24 dev tun0"))


def test_containers_come_from_docker0_and_gwbridge():
    interfaces = (Interface("docker_gwbridge", "", True, ("172.18.0.1/16", "fe80::1/64")), Interface("eth0", "", True, ("10.1.0.4/24",)))
    assert bridge_ranges(SITE, interfaces) == ["172.31.254.128/25", "172.31.254.0/25"]
    assert bridge_ranges(None, interfaces) == ["172.17.0.0/16", "172.18.0.0/16"]
    assert bridge_ranges(None, ()) == ["172.17.0.0/16"]
