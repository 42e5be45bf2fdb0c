"""What is to be done about the packet filter, from what a host said."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Change, Observed
from hive_nornir.operations.firewall import base_ruleset, named_set, published_set
from hive_nornir.operations.firewall_rules import CHAINS, Family, Ruleset, baseline, persisted_file
from hive_nornir.operations.firewall_sets import NamedSet, PublishedSet
from hive_nornir.tasks.os import os_data
from tests.operations.recorded import facts_like, recording

OS = os_data(facts_like("debian", "12"))
DOCKER = recording("firewall/debian-12-docker.txt")
HOOK = (":DOCKER-USER - [0:0]", "-A DOCKER-USER -j HIVE-PUBLISHED")
DRBD = NamedSet("drbd", "tcp", ["7000:7999"], ["10.0.0.4", "10.0.0.5"])


def ruleset(family: Family, *sets: NamedSet) -> Ruleset:
    return Ruleset({**baseline([22], family).parts, **{one.part: one.rules(family) for one in sets if one.rules(family)}})


def live(rules: Ruleset, beside: str = "") -> str:
    """What iptables-save prints on a host that has the rules."""
    chains = [f":{chain} - [0:0]" for chain in CHAINS]
    docker = [line for line in beside.partition("*nat")[0].splitlines() if line.startswith(("-A", ":DOCKER")) and "USER" not in line]
    jumps = ["-A INPUT -j HIVE-INPUT", "-A FORWARD -j HIVE-FORWARD", ":DOCKER-USER - [0:0]", "-A DOCKER-USER -j HIVE-PUBLISHED"]
    jumps += ["-A DOCKER-USER -j RETURN"] if docker else []
    return "\n".join(["*filter", ":INPUT ACCEPT [9:1]", ":FORWARD DROP [0:0]", *chains, *docker, *jumps, *rules.rules, "COMMIT"])


def said(
    *, parts: Ruleset | None = None, v4_live: str = "", v4_file: str = "", v6: bool = True, variant: str = "iptables v1.8.9 (nf_tables)"
) -> Observed:
    """What the base probe prints on a host whose IPv6 side is in order if it has parts."""
    six = ruleset("v6") if parts else Ruleset()
    six = Ruleset({name: rules for name, rules in six.parts.items() if parts and (name != "80-ssh" or name in parts.parts)})
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
    assert not [word for word in change.apply.split() if "DOCKER" in word and "DOCKER-USER" not in word]
    assert "-N DOCKER-USER" not in change.apply


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


@pytest.mark.parametrize("family", ["v4", "v6"])
def test_restricted_sources_of_one_family_close_ssh_from_anywhere_in_both(family: Family) -> None:
    strict = {"v4": "-A HIVE-INPUT -s 192.0.2.0/24 -j ACCEPT", "v6": "-A HIVE-INPUT -s 2001:db8::/64 -j ACCEPT"}[family]
    change = base(Observed(f"@@parts\n{family}/20-strict-source-ip:{strict}\n@@variant\n@@has-v6"))
    assert change is not None
    assert "--dport 22 " not in change.apply


def test_sshd_that_waits_for_logins_for_ever_is_protected_by_a_rate() -> None:
    rules = ruleset("v4")
    change = base(Observed(f"{said(parts=rules, v4_live=live(rules), v4_file=persisted_file(rules)).text}\n@@slow-logins"))
    assert change is not None
    assert change.diff.count("+-A HIVE-INPUT -p tcp -m conntrack --ctstate NEW -m tcp --dport 22 -m hashlimit") == 4


def test_the_way_in_is_looked_at_again_before_the_old_firewall_can_be_stopped() -> None:
    change = base(said())
    assert change is not None
    loaded, _, checks = change.apply.rpartition("hv_write /etc/iptables/rules.v6 ")
    assert "iptables -w -C HIVE-INPUT -p tcp -m conntrack --ctstate NEW -m tcp --dport 22 -j ACCEPT || " in checks
    assert "--dport 22 -j ACCEPT' /etc/iptables/rules.v4 || " in checks
    assert " -w -C " not in loaded


@pytest.mark.parametrize("variant", ["iptables v1.8.9 (legacy)", "iptables v1.8.9 (nf_tables)\nlegacy-rules"])
def test_the_legacy_variant_beside_or_instead_of_nft_is_refused(variant: str) -> None:
    with pytest.raises(OperationFailed, match="legacy"):
        base(said(variant=variant))


def test_the_guard_puts_back_even_a_filter_table_that_was_not_there() -> None:
    [operation] = base_ruleset(OS, [22])
    assert operation.guard is not None
    assert "*filter" in operation.guard.save
    assert "iptables-restore <$G/v4.rules" in operation.guard.restore


def set_said(live_v4: Sequence[str], file_v4: Sequence[str], part: Sequence[str], of: NamedSet = DRBD) -> Observed:
    """What the probe of a set prints on a host whose IPv6 side is in order."""
    six = of.rules("v6")
    hook = HOOK if of.hooks else ()
    lines = ["@@parts", *(f"v4/{of.part}:{rule}" for rule in part), *(f"v6/{of.part}:{rule}" for rule in six)]
    lines += ["@@file-v4", "*filter", *file_v4, "@@live-v4", "*filter", *live_v4]
    return Observed("\n".join([*lines, "@@file-v6", "*filter", *hook, *six, "@@live-v6", "*filter", *hook, *six, "@@has-v6"]))


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


REGISTRY = PublishedSet("registry", "tcp", [5000], ["10.0.0.4", "10.0.0.5"])


def registry(live_v4: Sequence[str], file_v4: Sequence[str], sources: list[str]) -> Change | None:
    [operation] = published_set(OS, "registry", "tcp", [5000], sources)
    return operation.decide(set_said(live_v4, file_v4, REGISTRY.rules("v4"), REGISTRY))


def test_a_published_set_that_is_live_and_persisted_is_left_alone_with_docker_and_without() -> None:
    rules = REGISTRY.rules("v4")
    assert registry((*HOOK, *rules), (*HOOK, *rules), ["10.0.0.5", "10.0.0.4"]) is None
    assert registry((*HOOK, "-A DOCKER-USER -j RETURN", *rules), (*HOOK, *rules), ["10.0.0.4", "10.0.0.5"]) is None


def test_a_published_set_that_docker_does_not_call_or_calls_too_late_is_hooked_in() -> None:
    rules = REGISTRY.rules("v4")
    for hook in (HOOK[:1], (HOOK[0], "-A DOCKER-USER -j RETURN", HOOK[1])):
        change = registry((*hook, *rules), (*HOOK, *rules), ["10.0.0.4", "10.0.0.5"])
        assert change is not None
        assert "-I DOCKER-USER 1 -j HIVE-PUBLISHED" in change.apply
        assert "+ IPv4 -I DOCKER-USER 1 -j HIVE-PUBLISHED" in change.diff
        assert ":DOCKER-USER - [0:0]" not in change.apply.partition("iptables-restore -w")[0], "what is in it must stay"
    made = registry(rules, (*HOOK, *rules), ["10.0.0.4", "10.0.0.5"])
    assert made is not None
    assert "-N DOCKER-USER" in made.apply


def test_docker_that_does_not_call_the_chain_is_told_of_instead_of_trusted() -> None:
    rules = REGISTRY.rules("v4")
    docker = [line for line in DOCKER.splitlines() if line.startswith("-A FORWARD")]
    with pytest.raises(OperationFailed, match="does not filter IPv4 by DOCKER-USER"):
        registry((*HOOK, *docker, *rules), (*HOOK, *rules), ["10.0.0.4", "10.0.0.5"])
    call = "-A FORWARD -j DOCKER-USER"
    with pytest.raises(OperationFailed, match="DOCKER-USER"):
        registry((*HOOK, *docker, call, *rules), (*HOOK, *rules), ["10.0.0.4", "10.0.0.5"])
    assert registry((*HOOK, "-A FORWARD -i tun0 -j ACCEPT", call, *docker, *rules), (*HOOK, *rules), ["10.0.0.4", "10.0.0.5"]) is None


def test_a_former_source_of_a_published_port_goes() -> None:
    rules = REGISTRY.rules("v4")
    change = registry((*HOOK, *rules), (*HOOK, *rules), ["10.0.0.4"])
    assert change is not None
    assert change.summary == "tcp 5000 for 1 source"
    assert f"-{rules[3]}" in change.diff.splitlines()
    assert rules[3].startswith("-A HIVE-PUBLISHED -s 10.0.0.5/32 ")


def test_sources_of_ssh_are_rules_of_their_own_and_lifting_them_opens_it_again() -> None:
    [strict] = base_ruleset(OS, [22, 2222], ssh_sources=["198.51.100.0/24", "2001:db8::/32"])
    change = strict.decide(Observed("@@has-v6\n"))
    assert change is not None
    for rule in ("-s 198.51.100.0/24 -p tcp", "-s 2001:db8::/32 -p tcp", "--dport 2222 -m limit --limit 5/sec --limit-burst 20 -j ACCEPT"):
        assert rule in change.apply
    assert "80-ssh" not in change.apply
    now = "@@parts\nv4/20-strict-source-ip:-A HIVE-INPUT -s 198.51.100.0/24 -p tcp -j ACCEPT\n"
    [lifted] = base_ruleset(OS, [22], ssh_sources=())
    change = lifted.decide(Observed(now))
    assert change is not None
    assert "rm -f /etc/hive-nornir/firewall.d/v4/20-strict-source-ip" in change.apply
    assert "v4/80-ssh" in change.apply
