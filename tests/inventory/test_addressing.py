from ipaddress import IPv4Address, IPv4Network, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_nornir.errors import UsageError
from hive_nornir.inventory.addressing import Subnet, assign_addresses, internal_networks, internal_networks_v6, zone_of


def addresses(count, *subnets):
    return [host.address for host in assign_addresses(count, subnets)]


def test_without_subnets_the_first_host_is_network_plus_4():
    hosts = assign_addresses(2, [Subnet("d", "192.168.56.0/27", 3)])
    assert [(host.address, host.netmask) for host in hosts] == [("192.168.56.4", "255.255.255.224"), ("192.168.56.5", "255.255.255.224")]


def test_a_list_of_addresses_is_taken_as_it_is():
    listed = ("10.0.0.9", "10.0.0.3")
    assert addresses(2, Subnet("d", "10.0.0.0/24", 3, addresses=listed)) == list(listed)


def test_with_subnets_the_first_host_is_subnet_plus_5_and_hosts_go_round():
    pair = Subnet("a", "192.168.0.0/26", 4), Subnet("b", "192.168.0.64/26", 4)
    assert addresses(4, *pair) == ["192.168.0.5", "192.168.0.69", "192.168.0.6", "192.168.0.70"]


@pytest.mark.parametrize(("prefix", "skip", "capacity"), [(29, 3, 3), (27, 3, 27), (24, 3, 251), (26, 4, 58), (30, 3, 0), (32, 3, 0)])
def test_capacity(prefix, skip, capacity):
    assert Subnet("d", f"10.0.0.0/{prefix}", skip).capacity == capacity


def test_a_network_that_is_too_small_says_what_is_needed_and_what_is_there():
    with pytest.raises(UsageError) as caught:
        assign_addresses(4, [Subnet("d", "10.0.0.0/29", 3)])
    assert caught.value.message == "4 hosts need 4 addresses in 10.0.0.0/29, it has 3"


networks = st.tuples(st.integers(20, 32), st.integers(0, 2**12)).map(
    lambda pair: str(IPv4Network((int(IPv4Address("10.0.0.0")) + (pair[1] << (32 - pair[0])), pair[0])))
)


@given(st.lists(networks, min_size=1, max_size=4), st.integers(1, 40), st.sampled_from([3, 4]))
def test_never_a_duplicate_and_never_outside(cidrs, count, skip):
    apart = [cidr for i, cidr in enumerate(cidrs) if not any(IPv4Network(cidr).overlaps(IPv4Network(other)) for other in cidrs[:i])]
    subnets = [Subnet(cidr, cidr, skip) for cidr in apart]
    try:
        hosts = assign_addresses(count, subnets)
    except UsageError as error:
        hosts, message = [], error.message
    if not hosts:
        short = [(-(-(count - i) // len(subnets)), subnet) for i, subnet in enumerate(subnets)]
        assert any(f"need {n} addresses in {s.cidr}, it has {s.capacity}" in message for n, s in short if n > s.capacity)
        return
    assert len({host.address for host in hosts}) == count
    for index, host in enumerate(hosts):
        network = host.subnet.network
        assert host.subnet is subnets[index % len(subnets)]
        assert network.network_address + skip < IPv4Address(host.address) < network.broadcast_address


def test_zones():
    plain = Subnet("d", "10.0.0.0/24", 3)
    assert [zone_of(i, plain, "asia-northeast2", "gcp", None) for i in range(4)] == [f"asia-northeast2-{c}" for c in "abca"]
    assert [zone_of(i, plain, "japaneast", "azure", None) for i in range(4)] == [1, 2, 3, 1]
    assert zone_of(2, plain, "r", "gcp", ["x", "y"]) == "rx"
    assert zone_of(0, Subnet("d", "10.0.0.0/24", 4, "r1d"), "r", "azure", None) == "r1d"


def test_internal_cidr_as_the_specification_works_it_out():
    parts = internal_networks("172.31.252.0/22")
    assert (parts.default_network, parts.ingress, parts.ingress_gateway) == ("172.31.252.0/24", "172.31.253.0/24", "172.31.253.1")
    assert (parts.gwbridge, parts.bip, parts.registry) == ("172.31.254.0/25", "172.31.254.129/25", "172.31.255.0/25")
    assert parts.zabbix == "172.31.255.128/25"
    assert [parts.zabbix_bridge, parts.zabbix_server, parts.zabbix_web, parts.zabbix_db] == [
        f"172.31.255.{n}" for n in (129, 130, 131, 132)
    ]
    assert IPv6Network(internal_networks_v6("fd00::/64")) == IPv6Network("fd00:0:0:0:8000::/67")


@given(st.integers(8, 26), st.integers(0, 2**16 - 1))
def test_the_parts_of_internal_cidr_lie_inside_and_apart(prefix, number):
    whole = IPv4Network(((number << 16) & (2**32 - 2 ** (32 - prefix)), prefix))
    parts = internal_networks(str(whole))
    cut = [
        IPv4Network(part, strict=False)
        for part in (parts.default_network, parts.ingress, parts.gwbridge, parts.bip, parts.registry, parts.zabbix)
    ]
    assert sum(part.num_addresses for part in cut) == whole.num_addresses
    assert all(part.subnet_of(whole) for part in cut)
    assert not any(one.overlaps(other) for i, one in enumerate(cut) for other in cut[:i])
