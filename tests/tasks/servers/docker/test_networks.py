"""Docker's ranges are the planned ones, and nobody else's (DOC-3, DOC-8)."""

import sys

import pytest

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Observed
from hive_nornir.operations.facts import Interface
from hive_nornir.tasks.servers.docker.networks import bridge_address, bridge_ranges, mothers_routes, no_overlap
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


# As Linux prints it: addresses are numbers in the machine's own order of bytes.
TABLE = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
tun0\t000010AC\t00000000\t0001\t0\t0\t0\t0000F0FF\t0\t0\t0
br-6a403dac0794\t00001FAC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""


@pytest.mark.skipif(sys.byteorder != "little", reason="the table is a little-endian machine's")
def test_a_route_of_the_mother_into_the_block_is_refused_but_for_its_own_dockers(tmp_path):
    (tmp_path / "route").write_text(TABLE)
    routes = mothers_routes(tmp_path / "route")
    assert routes == "192.0.2.0/24 dev eth0\n172.16.0.0/12 dev tun0\n172.31.0.0/16 dev br-6a403dac0794\n"
    with pytest.raises(OperationFailed, match=r"overlaps the route 172.16.0.0/12 dev tun0 of this machine"):
        no_overlap(SITE, SERVERS, routes).decide(Observed(ROUTES))
    assert settled(no_overlap(SITE, SERVERS, routes.replace("172.16.0.0/12 dev tun0\n", "")), ROUTES)
    assert settled(no_overlap(None, SERVERS, "172.17.0.0/16 dev eth1\n"), ROUTES)
    assert mothers_routes(tmp_path / "nowhere") == ""


def test_without_a_block_only_docker0_counts():
    assert settled(no_overlap(None, SERVERS), ROUTES + "172.31.254.0/24 dev tun0")
    with pytest.raises(OperationFailed, match=r"docker0 172.17.0.0/16"):
        no_overlap(None, SERVERS).decide(Observed("172.17.5.0/24 dev tun0"))


def test_containers_come_from_docker0_and_gwbridge():
    interfaces = (Interface("docker_gwbridge", "", True, ("172.18.0.1/16", "fe80::1/64")), Interface("eth0", "", True, ("10.1.0.4/24",)))
    assert bridge_ranges(SITE, interfaces) == ["172.31.254.128/25", "172.31.254.0/25"]
    assert bridge_ranges(None, interfaces) == ["172.17.0.0/16", "172.18.0.0/16"]
    assert bridge_ranges(None, ()) == ["172.17.0.0/16"]
