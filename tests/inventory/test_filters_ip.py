"""The address filters give what ansible.utils 4 gives; its documentation ("Using the ipaddr filter") is out of date in places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_nornir.inventory.filters_ip import IP_FILTERS

ipaddr, ipv4, ipv6 = IP_FILTERS["ipaddr"], IP_FILTERS["ipv4"], IP_FILTERS["ipv6"]
ipsubnet, nthhost, ipwrap, ipmath = (IP_FILTERS[name] for name in ("ipsubnet", "nthhost", "ipwrap", "ipmath"))

VALUES = ["192.24.2.1", "host.fqdn", "::1", "192.168.32.0/24", "fe80::100/10", True, "", "42540766412265424405338506004571095040/64"]
HOSTS = ["2001:db8:deaf:be11::ef3/64", "192.0.2.48/24", "127.0.0.1", "192.168.0.0/16"]


@pytest.mark.parametrize(
    ("value", "result", "four", "six"),
    [
        ("192.168.0.1", "192.168.0.1", True, False),
        ("192.168.32.0/24", "192.168.32.0/24", True, False),
        ("fe80::100/10", "fe80::100/10", False, True),
        (45443646733, "::a:94a7:50d", False, True),
        ("523454/24", "0.7.252.190/24", True, False),
    ],
)
def test_addresses_are_recognised(value, result, four, six):
    assert ipaddr(value) == result
    assert ipv4(value) == (result if four else False)
    assert ipv6(value) == (result if six else False)


@pytest.mark.parametrize("value", ["localhost", True, "space bar", False, "", ":", "fe80:/10", None, "192.168.0.1/33"])
def test_what_is_no_address_is_false(value):
    assert ipaddr(value) is False


@pytest.mark.parametrize(
    ("query", "result"),
    [
        ("", ["192.24.2.1", "::1", "192.168.32.0/24", "fe80::100/10", "2001:db8:32c:faad::/64"]),
        ("address", ["192.24.2.1", "::1", "fe80::100"]),
        ("host", ["192.24.2.1/32", "::1/128", "fe80::100/10"]),
        ("public", ["192.24.2.1", "2001:db8:32c:faad::/64"]),
        ("private", ["192.168.32.0/24", "fe80::100/10"]),
        ("net", ["192.168.32.0/24", "2001:db8:32c:faad::/64"]),
        ("192.0.0.0/8", ["192.24.2.1", "192.168.32.0/24"]),
    ],
)
def test_queries_filter_lists(query, result):
    assert ipaddr(VALUES, query) == result


@pytest.mark.parametrize(
    ("query", "result"),
    [
        ("size", [256, 18446744073709551616]),
        ("0", ["192.168.32.0/24", "2001:db8:32c:faad::/64"]),
        (1, ["192.168.32.1/24", "2001:db8:32c:faad::1/64"]),
        ("-1", ["192.168.32.255/24", "2001:db8:32c:faad:ffff:ffff:ffff:ffff/64"]),
        ("200", ["192.168.32.200/24", "2001:db8:32c:faad::c8/64"]),
        ("-200", ["192.168.32.56/24", "2001:db8:32c:faad:ffff:ffff:ffff:ff38/64"]),
        ("400", ["2001:db8:32c:faad::190/64"]),
    ],
)
def test_queries_of_networks(query, result):
    assert ipaddr(ipaddr(VALUES, "net"), query) == result


@pytest.mark.parametrize(
    ("query", "result"),
    [
        ("host/prefix", ["2001:db8:deaf:be11::ef3/64", "192.0.2.48/24", "127.0.0.1/32"]),
        ("subnet", ["2001:db8:deaf:be11::/64", "192.0.2.0/24", "127.0.0.1/32"]),
        ("prefix", [64, 24, 32]),
    ],
)
def test_hosts_with_prefixes(query, result):
    assert ipaddr(ipaddr(HOSTS, "host/prefix"), query) == result


@pytest.mark.parametrize(
    ("value", "query", "result"),
    [
        ("192.0.2.48/24", "address", "192.0.2.48"),
        ("192.0.2.48/24", "network", "192.0.2.0"),
        ("192.0.2.48/24", "netmask", "255.255.255.0"),
        ("192.0.2.48/24", "broadcast", "192.0.2.255"),
        ("192.0.2.0/24", "hostmask", "0.0.0.255"),
        ("192.168.0.0/255.255.255.0", "prefix", 24),
        ("192.168.0.0/255.255.255.0", "net", "192.168.0.0/24"),
        ("192.168.0.11/255.255.255.0", "network/prefix", "192.168.0.0/24"),
        ("192.168.122.1/24", "next_usable", "192.168.122.2"),
        ("192.168.122.254/24", "next_usable", False),
        ("192.168.122.1/24", "last_usable", "192.168.122.254"),
        ("192.168.122.1/24", "range_usable", "192.168.122.1-192.168.122.254"),
        ("192.168.122.1/31", "peer", "192.168.122.0"),
        ("192.168.122.1/30", "peer", "192.168.122.2"),
        ("193.0.2.0", "6to4", "2002:c100:0200::1/48"),
        ("192.24.2.1", "revdns", "1.2.24.192.in-addr.arpa."),
        ("192.24.2.1", "int", 3222798849),
        ("::1", "ipv4", "0.0.0.1/32"),
        ("192.168.32.0/24", "ipv6", "::ffff:192.168.32.0/120"),
        ("192.0.2.48/24", "cidr", "192.0.2.48/24"),
        ("192.0.2.48/24", "network_id", "192.0.2.0"),
        ("192.0.2.48/24", "network_wildcard", "192.0.2.0 0.0.0.255"),
        ("192.0.2.48/24", "router", "192.0.2.48/24"),
        ("192.0.2.255/24", "gateway", False),
        ("192.0.2.0/24", "ip_netmask", False),
        ("192.0.2.1/24", "wrap", "192.0.2.1/24"),
        ("fe80::1/64", "wrap", "[fe80::1]/64"),
        ("fe80::1/64", "ipv4", False),
        ("fe80::1", "ipv6", "fe80::1"),
        ("10.0.0.5", "ipv4", "10.0.0.5"),
        ("10.0.0.5", "network", "10.0.0.5"),
        ("10.0.0.5", "netmask", "255.255.255.255"),
        ("10.0.0.5", "network/prefix", "10.0.0.5/32"),
        ("10.0.0.5", "ip/prefix", False),
        ("10.0.0.5", "size_usable", 0),
        ("10.0.0.5", 1, "10.0.0.5"),
        ("172.31.252.0/22", 1024 / 8 * 4, "172.31.254.0/22"),  # hive-builder divides, which gives a float
    ],
)
def test_single_values(value, query, result):
    assert ipaddr(value, query) == result


def test_an_unknown_query_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'netmask'"):
        ipaddr("10.0.0.1/8", "netmaks")


@pytest.mark.parametrize(
    ("value", "arguments", "result"),
    [
        ("192.168.144.5", (), "192.168.144.5/32"),
        ("192.168.0.0/16", (), "192.168.0.0/16"),
        ("192.168.0.0/16", (20,), "16"),
        ("192.168.0.0/16", (20, 0), "192.168.0.0/20"),
        ("192.168.0.0/16", (20, -1), "192.168.240.0/20"),
        ("192.168.0.0/16", (20, 5), "192.168.80.0/20"),
        ("192.168.0.0/16", (20, -5), "192.168.176.0/20"),
        ("192.168.0.0/16", (20, 16), False),
        ("192.168.0.0/16", (8,), False),
        ("192.168.144.5", (20,), "192.168.144.0/20"),
        ("192.168.144.5", (18, 0), "192.168.128.0/18"),
        ("192.168.144.5", (18, -1), "192.168.144.4/31"),
        ("192.168.144.5", (18, 5), "192.168.144.0/23"),
        ("192.168.144.5", (18, -5), "192.168.144.0/27"),
        ("192.168.144.5", ("192.168.0.0/16",), "36870"),
        ("192.168.144.5", ("192.168.144.0/24",), "6"),
        ("192.168.144.1/30", ("192.168.144.0/24",), "1"),
        ("192.168.144.16/30", ("192.168.144.0/24",), "5"),
        ("2002:c100:200::1/48", (64, 58820), "2002:c100:200:e5c4::/64"),
        ("nonsense", (20,), False),
    ],
)
def test_ipsubnet(value, arguments, result):
    assert ipsubnet(value, *arguments) == result


def test_ipsubnet_of_an_address_that_is_not_inside_is_an_error():
    with pytest.raises(ValueError, match="not in the network"):
        ipsubnet("10.0.0.1", "192.168.0.0/16")


def test_the_others():
    assert (nthhost("10.0.0.0/8", 305), nthhost("10.0.0.0/8", -1), nthhost("10.0.0.0/30", 4)) == ("10.0.1.49", "10.255.255.255", False)
    assert (ipmath("192.168.1.5", 5), ipmath("192.168.2.6/24", -10), ipmath("2001::1", 10)) == ("192.168.1.10", "192.168.1.252", "2001::b")
    assert ipwrap(VALUES)[2:5] == ["[::1]", "192.168.32.0/24", "[fe80::100]/10"]
    assert ipwrap("host.fqdn") == "host.fqdn"


@given(st.ip_addresses(v=4), st.integers(1, 30), st.data())
def test_the_nth_subnet_contains_its_hosts_and_has_its_rank(address, prefix, data):
    network = ipaddr(f"{address}/{prefix}", "network/prefix")
    inner = data.draw(st.integers(prefix, 32))
    index = data.draw(st.integers(0, int(ipsubnet(network, inner)) - 1))
    subnet = ipsubnet(network, inner, index)
    assert ipaddr(nthhost(subnet, -1), subnet) == nthhost(subnet, -1)
    assert ipsubnet(subnet, network) == str(index + 1)
