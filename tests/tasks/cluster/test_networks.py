"""The swarm's networks, cut from internal_cidr."""

import pytest

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Observed
from hive_nornir.tasks.cluster.networks import gateway_bridge, ingress, ipv6_rules

CIDR, CIDR_V6 = "172.31.252.0/22", "fd00::/64"


def bridge(text, cidr=CIDR, cidr_v6=None, *, check=False):
    [operation] = gateway_bridge(cidr, cidr_v6, check=check)
    return operation.decide(Observed(text))


def test_without_a_range_the_bridge_is_dockers():
    assert gateway_bridge(None, None, check=False) == []


def test_the_bridge_is_made_as_specified():
    change = bridge("inactive\n")
    for option in ("bridge.name=docker_gwbridge", "bridge.enable_icc=false", "bridge.enable_ip_masquerade=true"):
        assert f"-o com.docker.network.{option}" in change.apply
    assert "--subnet 172.31.254.0/25 docker_gwbridge" in change.apply
    assert "--ipv6" not in change.apply


def test_ipv6_gets_its_own_eighth():
    change = bridge("inactive\n", cidr_v6=CIDR_V6)
    assert "--ipv6 " in change.apply
    assert "--subnet 172.31.254.0/25 --subnet fd00::8000:0:0:0/67 docker_gwbridge" in change.apply


@pytest.mark.parametrize(
    ("present", "cidr", "cidr_v6"),
    [
        ("172.31.254.0/25 ", CIDR, None),
        ("172.31.254.0/25 fd00:0:0:0:8000:0:0:0/67 ", CIDR, CIDR_V6),
        ("172.18.0.0/16 fd00:0:0:0:8000::/67 ", None, CIDR_V6),
    ],
)
@pytest.mark.parametrize("state", ["active", "inactive"])
def test_a_bridge_as_wanted_is_left_alone(present, cidr, cidr_v6, state):
    assert bridge(f"{state}\n{present}", cidr, cidr_v6) is None


@pytest.mark.parametrize(
    ("present", "cidr_v6"), [("172.18.0.0/16 ", None), ("172.31.254.0/25 ", CIDR_V6), ("172.31.254.0/25 fd00:0:0:0:8000::/67 ", None)]
)
def test_a_changed_range_is_refused_with_the_way_out_while_the_host_is_in_the_swarm(present, cidr_v6):
    with pytest.raises(OperationFailed, match=r"internal_cidr was changed.*docker swarm leave --force"):
        bridge(f"active\n{present}", CIDR, cidr_v6)
    change = bridge(f"inactive\n{present}", CIDR, cidr_v6)
    assert change.apply.index("network rm docker_gwbridge") < change.apply.index("network create")


def test_a_plan_of_a_fresh_host_tells_of_the_bridge():
    assert bridge("\n", check=True).summary == "new, 172.31.254.0/25"
    assert bridge("\n") is None


def entry(text):
    return ingress(CIDR).decide(Observed(text))


def test_dockers_own_ingress_network_is_replaced():
    change = entry("active\ningress 10.0.0.0/24 10.0.0.1\n")
    assert change.summary == "apiarist-ingress instead of ingress"
    assert "network rm ingress" in change.apply
    assert "--ingress --subnet 172.31.253.0/24 --gateway 172.31.253.1 apiarist-ingress" in change.apply


def test_one_that_an_interrupted_run_has_only_removed_is_made():
    change = entry("active\n")
    assert "network rm" not in change.apply
    assert "apiarist-ingress" in change.apply


def test_the_right_one_is_left_alone_whatever_it_is_called():
    assert entry("active\napiarist-ingress 172.31.253.0/24 172.31.253.1\n") is None
    assert entry("active\nothers 172.31.253.0/24 172.31.253.1\n") is None
    assert entry("active\ningress 10.0.0.0/24 10.0.0.1\napiarist-ingress 172.31.253.0/24 172.31.253.1\n") is None  # on its way out


def test_another_range_is_refused():
    with pytest.raises(OperationFailed, match="internal_cidr was changed"):
        entry("active\napiarist-ingress 172.30.253.0/24 172.30.253.1\n")


def test_a_host_without_swarm_has_no_ingress_network():
    assert entry("inactive\n") is None


def test_missing_ipv6_rules_are_told():
    operation = ipv6_rules(CIDR_V6, ("ip6tables.service",))
    everything = "chain DOCKER in filter\nchain DOCKER in nat\nmasquerading\nforwarding\nservice ip6tables.service\n"
    assert operation.decide(Observed(everything)) is None
    with pytest.raises(OperationFailed, match="no masquerading, service ip6tables"):
        operation.decide(Observed("chain DOCKER in filter\nchain DOCKER in nat\nforwarding\n"))
