"""What is to be done about the packet filter, from what a host said."""

from __future__ import annotations

import pytest

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Change, Observed
from hive_nornir.operations.firewall import base_ruleset, named_set
from hive_nornir.operations.firewall_rules import CHAINS, Family, NamedSet, Ruleset, baseline, persisted_file
from hive_nornir.tasks.os import os_data
from tests.operations.recorded import facts_like, recording

OS = os_data(facts_like("debian", "12"))
DOCKER = recording("firewall/debian-12-docker.txt")
DRBD = NamedSet("drbd", "tcp", ["7000:7999"], ["10.0.0.4", "10.0.0.5"])


def ruleset(family: Family, *sets: NamedSet) -> Ruleset:
    return Ruleset({**baseline([22], family).parts, **{one.part: one.rules(family) for one in sets if one.rules(family)}})


def live(rules: Ruleset, beside: str = "") -> str:
    """What iptables-save prints on a host that has the rules."""
    chains = [f":{chain} - [0:0]" for chain in CHAINS]
    docker = [line for line in beside.partition("*nat")[0].splitlines() if line.startswith(("-A", ":DOCKER"))]
    jumps = ["-A INPUT -j HIVE-INPUT", "-A FORWARD -j HIVE-FORWARD"]
    return "\n".join(["*filter", ":INPUT ACCEPT [9:1]", ":FORWARD DROP [0:0]", *chains, *docker, *jumps, *rules.rules, "COMMIT"])


def said(
    *, parts: Ruleset | None = None, v4_live: str = "", v4_file: str = "", v6: bool = True, variant: str = "iptables v1.8.9 (nf_tables)"
) -> Observed:
    """What the base probe prints on a host whose IPv6 side is in order if it has parts."""
    six = ruleset("v6") if parts else Ruleset()
    of = [("v4", parts or Ruleset()), ("v6", six)]
    lines = ["@@parts", *(f"{family}/{name}:{rule}" for family, rules in of for name in rules.parts for rule in rules.parts[name])]
    lines += ["@@variant", variant, "@@file-v4", v4_file.rstrip("\n"), "@@live-v4", v4_live]
    lines += ["@@file-v6", persisted_file(six).rstrip("\n"), "@@live-v6", live(six)]
    return Observed("\n".join([*lines, "@@has-v6"] if v6 else lines))


def base(seen: Observed, ports: tuple[int, ...] = (22,)) -> Change | None:
    [operation] = base_ruleset(OS, ports)
    return operation.decide(seen)


def test_a_host_that_has_all_rules_beside_docker_is_left_alone() -> None:
    rules = ruleset("v4", DRBD)
    assert base(said(parts=rules, v4_live=live(rules, DOCKER), v4_file=persisted_file(rules))) is None


def test_a_new_host_gets_both_families_and_the_way_in_before_the_end() -> None:
    change = base(said())
    assert change is not None
    assert change.summary == "live IPv4 rules, /etc/iptables/rules.v4, live IPv6 rules, /etc/iptables/rules.v6"
    assert "--dport 22 -j ACCEPT" in change.diff
    for tool in ("iptables-restore -w 10 --noflush", "ip6tables-restore -w 10 --noflush"):
        assert tool in change.apply
    for never in ("iptables-save", "systemctl", "service ", "-F "):
        assert never not in change.apply


def test_a_host_without_ipv6_is_not_asked_for_it() -> None:
    change = base(said(v6=False))
    assert change is not None
    assert "ip6tables" not in change.apply


def test_a_rule_that_somebody_removed_comes_back_and_docker_stays() -> None:
    rules = ruleset("v4")
    without = Ruleset({name: part for name, part in rules.parts.items() if name != "80-ssh"})
    change = base(said(parts=rules, v4_live=live(without, DOCKER), v4_file=persisted_file(rules)))
    assert change is not None
    assert change.summary == "live IPv4 rules"
    assert "+-A HIVE-INPUT -p tcp -m conntrack --ctstate NEW -m tcp --dport 22 -j ACCEPT" in change.diff
    assert "DOCKER" not in change.apply


def test_a_persisted_file_with_rules_of_docker_is_written_anew() -> None:
    rules = ruleset("v4")
    change = base(said(parts=rules, v4_live=live(rules), v4_file=DOCKER))
    assert change is not None
    assert change.summary == "/etc/iptables/rules.v4"
    assert "--test" in change.apply


def test_another_ssh_port_replaces_the_old_one() -> None:
    rules = ruleset("v4")
    change = base(said(parts=rules, v4_live=live(rules), v4_file=persisted_file(rules)), ports=(10022,))
    assert change is not None
    assert "/etc/hive-nornir/firewall.d/v4/80-ssh" in change.apply
    assert "/etc/hive-nornir/firewall.d/v6/80-ssh" in change.apply
    assert "50-icmp 644" not in change.apply


def test_while_sources_are_restricted_ssh_from_anywhere_stays_closed() -> None:
    strict = "-A HIVE-INPUT -s 192.0.2.0/24 -p tcp -m conntrack --ctstate NEW -m tcp --dport 22 -j ACCEPT"
    parts = {name: part for name, part in ruleset("v4").parts.items() if name != "80-ssh"} | {"20-strict-source-ip": (strict,)}
    rules = Ruleset(parts)
    assert base(said(parts=rules, v4_live=live(rules), v4_file=persisted_file(rules))) is None


@pytest.mark.parametrize("variant", ["iptables v1.8.9 (legacy)", "iptables v1.8.9 (nf_tables)\nlegacy-rules"])
def test_the_legacy_variant_beside_or_instead_of_nft_is_refused(variant: str) -> None:
    with pytest.raises(OperationFailed, match="legacy"):
        base(said(variant=variant))


def test_the_guard_puts_back_even_a_filter_table_that_was_not_there() -> None:
    [operation] = base_ruleset(OS, [22])
    assert operation.guard is not None
    assert "*filter" in operation.guard.save
    assert "iptables-restore <$G/v4.rules" in operation.guard.restore


def set_said(live_v4: tuple[str, ...], file_v4: tuple[str, ...], part: tuple[str, ...]) -> Observed:
    lines = ["@@parts", *(f"v4/{DRBD.part}:{rule}" for rule in part), "@@file-v4", *file_v4, "@@live-v4", *live_v4]
    return Observed("\n".join([*lines, "@@file-v6", "@@live-v6", "@@has-v6"]))


def drbd(seen: Observed, sources: list[str]) -> Change | None:
    [operation] = named_set(OS, "drbd", "tcp", ["7000:7999"], sources)
    return operation.decide(seen)


def test_a_set_that_is_live_and_persisted_is_left_alone() -> None:
    rules = DRBD.rules("v4")
    assert drbd(set_said(rules, rules, rules), ["10.0.0.5", "10.0.0.4"]) is None


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_set_that_is_missing_somewhere_is_brought_there(missing: int) -> None:
    rules = DRBD.rules("v4")
    places = [rules, rules, rules]
    places[missing] = rules[:1]
    change = drbd(set_said(*places), ["10.0.0.4", "10.0.0.5"])
    assert change is not None
    assert "run the role iptables first" in change.apply
    assert ":HIVE-INPUT - [0:0]" not in change.apply.partition("iptables-restore -w")[0], "a set must not touch the way in"


def test_former_sources_go_and_a_set_without_sources_is_closed() -> None:
    rules = DRBD.rules("v4")
    change = drbd(set_said(rules, rules, rules), ["10.0.0.4"])
    assert change is not None
    assert "--- IPv4 HIVE-SERVICE" in change.diff
    assert f"-{rules[1]}" in change.diff
    closed = drbd(set_said(rules, rules, rules), [])
    assert closed is not None
    assert "rm -f /etc/hive-nornir/firewall.d/v4/set-drbd" in closed.apply
    assert drbd(set_said((), (), ()), []) is None
