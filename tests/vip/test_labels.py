"""What the labels of a service ask for."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_vip.labels import Port, Vip, read

SUFFIXES = ("", "0", "1", "2", "3", "4", "5", "7", "12", "1000000")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(("ending", "address", "router"), [("", "10.0.0.9", "10.0.0.1"), ("_V6", "fd00::9", "fe80::1")])
def test_every_class_of_labels_is_read(suffix: str, ending: str, address: str, router: str):
    found = read(
        "web",
        {
            f"HIVE_VIP{suffix}{ending}": address,
            f"HIVE_ROUTER{suffix}{ending}": router,
            f"HIVE_DNAT_PORTS{suffix}{ending}": "80, 443/tcp,53/UDP,80/tcp",
            f"HIVE_ENABLE_VIP_SNAT{suffix}{ending}": "True",
            "HIVE_STANDALONE": "True",
            "com.example.HIVE_VIP": "nobody's",
        },
    )
    ports = (Port(80, "tcp"), Port(443, "tcp"), Port(53, "udp"))
    wanted = Vip("web", f"HIVE_VIP{suffix}{ending}", ip_address(address), router=ip_address(router), ports=ports, snat=True)
    assert (found.vips, found.refusals, found.mark) == ((wanted,), (), "")


def test_classes_do_not_mix():
    found = read("web", {"HIVE_VIP": "10.0.0.9", "HIVE_VIP0": "10.0.0.10", "HIVE_VIP_V6": "fd00::9", "HIVE_DNAT_PORTS0": "80"})
    assert [(vip.label, vip.ports) for vip in found.vips] == [("HIVE_VIP", ()), ("HIVE_VIP_V6", ()), ("HIVE_VIP0", (Port(80, "tcp"),))]


@pytest.mark.parametrize(
    ("value", "address", "prefix", "interface"),
    [
        ("10.0.0.9", "10.0.0.9", None, ""),
        (" 10.0.0.9@eth1 ", "10.0.0.9", 32, "eth1"),
        ("10.0.0.9/24@eth0.5", "10.0.0.9", 24, "eth0.5"),
        ("10.0.0.9/24@eth0.5@eth0", "10.0.0.9", 24, "eth0.5@eth0"),
    ],
)
def test_an_address_may_have_prefix_and_interface(value: str, address: str, prefix: int | None, interface: str):
    [vip] = read("web", {"HIVE_VIP": value}).vips
    assert (str(vip.address), vip.prefix, vip.interface) == (address, prefix, interface)


@pytest.mark.parametrize(
    ("label", "value", "reason"),
    [
        ("HIVE_VIP", "10.0.0.300", "'10.0.0.300' is no address"),
        ("HIVE_VIP", "", "'' is no address"),
        ("HIVE_VIP", "10.0.0.9/24", "has a prefix and no interface: write 10.0.0.9/24@INTERFACE"),
        ("HIVE_VIP", "10.0.0.9@", "names no interface after the @"),
        ("HIVE_VIP", "fd00::9", "for which labels end with _V6"),
        ("HIVE_VIP0_V6", "10.0.0.9", "for which labels do not end with _V6"),
        ("HIVE_VIP", "224.0.0.1", "cannot be a virtual IP"),
        ("HIVE_VIP", "127.0.0.1", "cannot be a virtual IP"),
        ("HIVE_VIP_V6", "fe80::9", "cannot be a virtual IP"),
        ("HIVE_VIP_V6", "fd00::9%eth0", "names a zone"),
        ("HIVE_MARK", "two words", "'two words' is no name of a label"),
        ("HIVE_MARK", "", "'' is no name of a label"),
        ("HIVE_DNAT_PORTS3", "80", "the service has no HIVE_VIP3"),
    ],
)
def test_what_cannot_be_is_refused_in_words(label: str, value: str, reason: str):
    found = read("web", {label: value})
    assert (found.vips, found.mark) == ((), "")
    [refusal] = found.refusals
    assert (refusal.service, refusal.label) == ("web", label)
    assert reason in refusal.reason


@pytest.mark.parametrize(
    ("label", "value", "reason"),
    [
        ("HIVE_ROUTER", "fd00::1", "IPv6"),
        ("HIVE_ROUTER", "gateway", "gateway"),
        ("HIVE_DNAT_PORTS", "80,http", "'http' is no port"),
        ("HIVE_DNAT_PORTS", "80,0", "'0' is no port"),
        ("HIVE_DNAT_PORTS", "65536,80", "'65536' is no port"),
        ("HIVE_DNAT_PORTS", "80,53/sctp", "'53/sctp' is no port"),
        ("HIVE_ENABLE_VIP_SNAT", "yes", "'yes' is neither true nor false"),
    ],
)
def test_an_option_that_is_wrong_does_not_withhold_the_address(label: str, value: str, reason: str):
    found = read("web", {"HIVE_VIP": "10.0.0.9", label: value})
    [vip] = found.vips
    assert (vip.router, vip.snat, vip.ports) == (None, False, (Port(80, "tcp"),) if "PORTS" in label else ())
    [refusal] = found.refusals
    assert refusal.label == label
    assert reason in refusal.reason


def test_a_number_that_is_written_in_two_ways_is_told():
    found = read("web", {"HIVE_VIP1": "10.0.0.9", "HIVE_VIP01": "10.0.0.10"})
    assert [str(vip.address) for vip in found.vips] == ["10.0.0.9"]
    assert [refusal.label for refusal in found.refusals] == ["HIVE_VIP01"]


NUMBERS = st.one_of(st.just(""), st.integers(0, 10**9).map(str))
WORDS = st.one_of(st.text(max_size=30), st.sampled_from(["10.0.0.9", "fd00::9", "10.0.0.9/24@eth0", "80,53/udp", "true", "web-here"]))
LABELS = st.dictionaries(
    st.one_of(
        st.text(max_size=20),
        st.builds(
            "HIVE_{}{}{}".format,
            st.sampled_from(["VIP", "ROUTER", "DNAT_PORTS", "ENABLE_VIP_SNAT", "MARK"]),
            NUMBERS,
            st.sampled_from(["", "_V6"]),
        ),
    ),
    WORDS,
    max_size=8,
)


@given(LABELS)
def test_whatever_labels_there_are_each_address_is_one_of_its_family(labels: dict[str, str]):
    found = read("web", labels)
    assert all((vip.address.version == 6) == vip.label.endswith("_V6") for vip in found.vips)
    assert all(label in labels for label in {refusal.label for refusal in found.refusals})
    assert len({vip.label for vip in found.vips}) == len(found.vips)


@given(
    NUMBERS,
    st.booleans(),
    st.integers(1, 2**31),
    st.lists(st.tuples(st.integers(1, 65535), st.sampled_from(["tcp", "udp"])), unique=True),
    st.booleans(),
    st.one_of(st.none(), st.tuples(st.integers(8, 32), st.sampled_from(["eth0", "eth0.5", "v@x", "br-lan"]))),
)
def test_what_was_written_is_read(
    number: str, v6: bool, address: int, ports: list[tuple[int, str]], snat: bool, place: tuple[int, str] | None
):
    ending = f"{number}{'_V6' if v6 else ''}"
    wanted: IPv4Address | IPv6Address = IPv6Address(0xFD << 120 | address) if v6 else IPv4Address(0x0A000000 | address & 0xFFFFFF)
    labels = {
        f"HIVE_VIP{ending}": f"{wanted}/{place[0]}@{place[1]}" if place else str(wanted),
        f"HIVE_DNAT_PORTS{ending}": ",".join(f"{port}/{protocol}" for port, protocol in ports),
        f"HIVE_ENABLE_VIP_SNAT{ending}": str(snat),
    }
    prefix, interface = place or (None, "")
    expected = Vip("web", f"HIVE_VIP{ending}", wanted, interface, prefix, None, tuple(Port(*port) for port in ports), snat)
    assert read("web", labels).vips == (expected,)
