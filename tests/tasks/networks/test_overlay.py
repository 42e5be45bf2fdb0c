import pytest

from hive_nornir.tasks.networks.overlay import _present, wanted_network

# As a manager of Docker 26.1 shows it after `docker network create -d overlay --attachable --subnet 10.5.0.0/24 -o encrypted= n`.
SHOWN = {
    "Name": "n",
    "Driver": "overlay",
    "EnableIPv6": False,
    "IPAM": {"Driver": "default", "Options": None, "Config": [{"Subnet": "10.5.0.0/24", "Gateway": "10.5.0.1"}]},
    "Attachable": True,
    "Options": {"com.docker.network.driver.overlay.vxlanid_list": "4098", "encrypted": ""},
}
SUBNET = {"ipam": {"config": [{"subnet": "10.5.0.0/24"}]}}


def wanted(name="n", cidr="", **attributes):
    return wanted_network(name, {f"hive_{key}": value for key, value in attributes.items()}, cidr)


def test_what_docker_fills_in_is_no_difference():
    network = wanted(driver_opts={"encrypted": None}, **SUBNET)
    assert _present(SHOWN, network) == network


@pytest.mark.parametrize(
    "attributes",
    [
        SUBNET,
        {"driver_opts": {"encrypted": ""}, "ipam": {"config": [{"subnet": "10.6.0.0/24"}]}},
        {"driver_opts": {"encrypted": ""}, "ipam": {"config": [{"subnet": "10.5.0.0/24", "gateway": "10.5.0.2"}]}},
        {"driver_opts": {"encrypted": ""}, "ipam": {"config": [{"subnet": "10.5.0.0/24"}, {"subnet": "fd00::/64"}]}},
        {"driver_opts": {"encrypted": "", "com.docker.network.driver.mtu": 1400}, **SUBNET},
    ],
    ids=["option removed", "other subnet", "other gateway", "a second subnet", "another option"],
)
def test_what_differs_is_seen(attributes):
    network = wanted(**attributes)
    assert _present(SHOWN, network) != network


def test_addresses_that_docker_chose_are_right_where_none_are_defined():
    network = wanted(driver_opts={"encrypted": ""})
    assert _present(SHOWN, network) == network


def test_the_default_network_is_the_first_quarter_of_the_stages_block():
    assert wanted("hive_default_network", "172.31.252.0/22")["IPAM"]["Config"] == [{"Subnet": "172.31.252.0/24"}]
    assert wanted("other", "172.31.252.0/22")["IPAM"]["Config"] == []
    assert wanted("hive_default_network", "172.31.252.0/22", **SUBNET)["IPAM"]["Config"] == [{"Subnet": "10.5.0.0/24"}]


def test_values_become_text_and_a_subnet_of_ipv6_switches_it_on():
    network = wanted(driver_opts={"com.docker.network.driver.mtu": 1400, "x": True}, ipam={"config": [{"subnet": "fd00::/64"}]})
    assert network["Options"] == {"com.docker.network.driver.mtu": "1400", "x": "true"}
    assert network["EnableIPv6"]
