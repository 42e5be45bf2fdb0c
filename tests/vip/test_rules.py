"""Our rules in the packet filter."""

from __future__ import annotations

import re

import pytest

from hive_vip import rules
from hive_vip.ledger import Written
from hive_vip.rules import Saved, parse, printed, restore
from tests.vip.fakes import DOCKER_V4, FakeHost, by_address, claim, entry, recorded

WEB = claim("10.105.65.200", container="172.31.254.3", ports="80 53/udp", snat=True)
WEB6 = claim("fd77:1::200", container="fd77:0:0:c::3", label="HIVE_VIP_V6", ports="80")


def given(version, *claims, router=""):
    entries = {each.vip.address: entry(str(each.vip.address), router=router) for each in claims}
    return rules.given(version, by_address(*claims), entries)


def plain(lines):
    """Without what different versions of iptables print differently: quotes, and the mask of one address."""
    return sorted(re.sub(r"/(32|128)\b", "", line.replace('"', "")) for line in lines)


@pytest.mark.parametrize(("version", "claimed", "file"), [(4, WEB, "iptables-save.txt"), (6, WEB6, "ip6tables-save.txt")])
def test_they_are_what_a_real_host_then_printed(version, claimed, file):
    saved = parse(recorded(file))
    wanted = given(version, claimed)
    assert plain(printed(saved)) == plain(wanted)
    # So a daemon that wrote them finds nothing to do.
    assert not rules.missing(wanted, saved, Written(wanted, printed(saved)))


def test_the_comments_are_those_that_tools_know():
    comments = [re.search(r"--comment (\S+)", rule)[1] for rule in given(4, WEB)]
    assert comments == [
        "hive_dnat_10.105.65.200_tcp_80_web",
        "hive_accept_10.105.65.200_tcp_80_web",
        "hive_dnat_10.105.65.200_udp_53_web",
        "hive_accept_10.105.65.200_udp_53_web",
        "hive_snat_10.105.65.200_web",
    ]


def test_a_long_comment_is_cut_where_the_kernel_has_no_more_room_and_between_signs():
    [rule] = given(4, claim("10.0.0.9", container="172.18.0.3", service="é" * 200, snat=True))
    comment = re.search(r"--comment (\S+)", rule)[1]
    assert len(comment.encode()) in (254, 255)
    assert comment.startswith("hive_snat_10.0.0.9_éé")


def test_none_for_a_container_that_does_not_run_an_address_that_is_not_there_or_a_router_that_is_not_known():
    assert given(4, claim("10.0.0.9", ports="80")) == ()
    assert rules.given(4, by_address(WEB), {}) == ()
    assert given(4, WEB, router=None) == ()
    assert given(6, WEB) == given(4, WEB6) == ()


def test_odd_interface_names_are_quoted_as_iptables_restore_reads_them():
    entries = {WEB.vip.address: entry("10.105.65.200", interface='a"b\\c')}
    assert '-o "a\\"b\\\\c" -m comment' in rules.given(4, by_address(WEB), entries)[-1]
    entries = {WEB.vip.address: entry("10.105.65.200", interface="v@x+")}
    assert "-o v@x+ -m comment" in rules.given(4, by_address(WEB), entries)[-1]


def written(host, wanted, version=4):
    """What is there after it was written, and whether nothing is left to do then."""
    text = restore(wanted, host.saved(version))
    if text:
        host.restore(version, text)
    saved = host.saved(version)
    assert not rules.missing(wanted, saved, Written(wanted, printed(saved)))
    return saved


def test_each_chain_is_called_once_and_first():
    host = FakeHost()
    saved = written(host, given(4, WEB))
    assert saved.rules("nat", "PREROUTING")[0] == "-A PREROUTING -j HIVE-DNAT"
    assert saved.rules("nat", "OUTPUT") == ("-A OUTPUT -j HIVE-DNAT",)
    # Before the masquerading of Docker, or the container would speak as the host.
    assert saved.rules("nat", "POSTROUTING")[0] == "-A POSTROUTING -j HIVE-SNAT"
    assert saved.rules("filter", "DOCKER-USER") == ("-A DOCKER-USER -j HIVE-FWD", "-A DOCKER-USER -j RETURN")
    assert saved.rules("filter", "FORWARD") == ("-A FORWARD -j DOCKER-USER",)
    assert restore(given(4, WEB), saved).count("-I ") == 0


@pytest.mark.parametrize(
    "spoil",
    [
        lambda nat, _: nat["PREROUTING"].insert(0, "-A PREROUTING -j OTHERS"),
        lambda nat, _: nat["POSTROUTING"].append("-A POSTROUTING -j HIVE-SNAT"),
        lambda nat, _: nat["OUTPUT"].clear(),
        lambda nat, _: nat["HIVE-DNAT"].clear(),
        lambda nat, _: nat["HIVE-DNAT"].append("-A HIVE-DNAT -j ACCEPT"),
        lambda _, filters: filters["DOCKER-USER"].clear(),
        lambda _, filters: filters["FORWARD"].append("-A FORWARD -j HIVE-FWD"),
    ],
)
def test_what_somebody_spoilt_is_seen_and_mended(spoil):
    host = FakeHost()
    wanted = given(4, WEB)
    before = printed(written(host, wanted))
    tables = {table: {c: lines for (t, c), lines in host.chains[4].items() if t == table} for table in ("nat", "filter")}
    spoil(tables["nat"], tables["filter"])
    assert rules.missing(wanted, host.saved(4), Written(wanted, before))
    after = written(host, wanted)
    assert printed(after) == before
    calls = [rule for lines in after.chains.values() for rule in lines if "-j HIVE-" in rule]
    assert sorted(calls) == [
        f"-A {call}" for call in ("DOCKER-USER -j HIVE-FWD", "OUTPUT -j HIVE-DNAT", "POSTROUTING -j HIVE-SNAT", "PREROUTING -j HIVE-DNAT")
    ]


def test_in_the_end_nothing_is_left_and_rules_of_others_were_never_touched():
    host = FakeHost()
    before = host.saved(4)
    written(host, given(4, WEB))
    assert written(host, ()) == Saved({**before.chains, ("nat", "OUTPUT"): ()})
    assert restore((), host.saved(4)) == ""


def test_without_rules_of_docker_for_ipv6_forward_calls_them_itself():
    bare = "*filter\n:FORWARD ACCEPT [0:0]\n:DOCKER-USER - [0:0]\n-A FORWARD -j HIVE-FORWARD\n-A DOCKER-USER -j HIVE-PUBLISHED\nCOMMIT\n"
    host = FakeHost(v6=bare)
    saved = written(host, given(6, WEB6), 6)
    assert saved.rules("filter", "FORWARD") == ("-A FORWARD -j HIVE-FWD", "-A FORWARD -j HIVE-FORWARD")
    assert saved.rules("filter", "DOCKER-USER") == ("-A DOCKER-USER -j HIVE-PUBLISHED",)
    # Docker was told to filter it since.
    host.chains[6]["filter", "FORWARD"].insert(0, "-A FORWARD -j DOCKER-USER")
    saved = written(host, given(6, WEB6), 6)
    assert saved.rules("filter", "FORWARD") == ("-A FORWARD -j DOCKER-USER", "-A FORWARD -j HIVE-FORWARD")
    assert saved.rules("filter", "DOCKER-USER")[0] == "-A DOCKER-USER -j HIVE-FWD"


def test_a_table_without_any_rule_yet_is_no_obstacle():
    host = FakeHost(v4="")
    assert written(host, given(4, WEB)).rules("filter", "FORWARD") == ("-A FORWARD -j HIVE-FWD",)


def test_an_empty_host_has_nothing_to_be_written():
    saved = parse(DOCKER_V4)
    assert not rules.missing((), saved, Written())
    assert restore((), saved) == ""
