"""The model of the packet filter, and how it is compared with what a host has."""

from __future__ import annotations

import ipaddress
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_nornir.errors import UsageError
from hive_nornir.operations.firewall_live import FilterTable, fixups, rule_key, same_rules
from hive_nornir.operations.firewall_rules import CHAINS, JUMPS, Ruleset, baseline, live_head, persisted_file
from hive_nornir.operations.firewall_sets import NamedSet, PublishedSet
from tests.operations.recorded import recording

DOCKER = FilterTable.parse(recording("firewall/debian-12-docker.txt"))
SHIPPED = FilterTable.parse(recording("firewall/almalinux-9-shipped.txt"))

ports = st.integers(1, 65535)
addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
networks = st.one_of(
    addresses,
    st.tuples(st.ip_addresses(v=4), st.integers(0, 32)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    st.tuples(st.ip_addresses(v=6), st.integers(0, 128)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
)


def test_the_order_in_input_is_the_one_of_the_specification() -> None:
    parts = dict(baseline([22], "v4", gateway_ports=[53]).parts)
    parts["20-strict-source-ip"] = ("-A HIVE-INPUT -s 10.0.0.1/32 -p tcp -m conntrack --ctstate NEW -m tcp --dport 22 -j ACCEPT",)
    parts["60-internal-network"] = ("-A HIVE-INPUT -s 10.1.0.0/24 -i eth1 -m conntrack --ctstate NEW -j ACCEPT",)
    order = [rule.removeprefix("-A HIVE-INPUT ").split(" -m ")[0].removesuffix(" -j ACCEPT") for rule in Ruleset(parts).chain("HIVE-INPUT")]
    assert order == [
        "-m conntrack --ctstate RELATED,ESTABLISHED",
        "-s 10.0.0.1/32 -p tcp",
        "-i docker_gwbridge -p tcp",
        "-j HIVE-SERVICE",
        "-p icmp",
        "-s 10.1.0.0/24 -i eth1",
        "-i lo",
        "-p tcp",
        "-j REJECT --reject-with icmp-host-prohibited",
    ]


@pytest.mark.parametrize("family", ["v4", "v6"])
def test_ssh_comes_before_the_end_on_every_wanted_port(family: str) -> None:
    rules = baseline([22, 10022], family).chain("HIVE-INPUT")  # type: ignore[arg-type]
    accepted = [at for at, rule in enumerate(rules) if "--dport 22 " in rule or "--dport 10022 " in rule]
    assert len(accepted) == 2
    assert max(accepted) < next(at for at, rule in enumerate(rules) if "REJECT" in rule) == len(rules) - 1


def test_ipv6_lets_neighbours_be_found_and_addresses_be_given() -> None:
    rules = baseline([22], "v6").rules
    assert "-A HIVE-INPUT -p ipv6-icmp -j ACCEPT" in rules
    assert any("fe80::/64" in rule and "--dport 546" in rule for rule in rules)
    assert not any("icmp-host-prohibited" in rule for rule in rules)


def test_the_persisted_file_holds_our_chains_and_nothing_of_docker() -> None:
    text = persisted_file(baseline([22], "v4"))
    saved = FilterTable.parse(text)
    assert set(saved.chains) == {"INPUT", "FORWARD", "OUTPUT", "DOCKER-USER", *CHAINS}
    assert fixups(saved) == []
    assert text.endswith("COMMIT\n")
    assert [line for line in text.splitlines() if "DOCKER" in line] == [":DOCKER-USER - [0:0]", "-A DOCKER-USER -j HIVE-PUBLISHED"]


@pytest.mark.parametrize("family", ["v4", "v6"])
def test_while_sshd_waits_for_logins_for_ever_each_client_is_slowed_down(family: str) -> None:
    rules = baseline([22], family, slow_logins=True).parts["80-ssh"]  # type: ignore[arg-type]
    assert [rule.rpartition(" ")[2] for rule in rules] == ["DROP", "ACCEPT"]
    assert "--hashlimit-mode srcip" in rules[0]
    assert baseline([22], family).parts["80-ssh"] == rules[1:]  # type: ignore[arg-type]


def test_live_and_persisted_rules_are_the_same() -> None:
    ruleset = Ruleset({**baseline([22], "v4").parts, "set-drbd": NamedSet("drbd", "tcp", ["7000:7999"], ["10.0.0.4"]).rules("v4")})
    live = FilterTable.parse("\n".join([*live_head(), *ruleset.rules, "COMMIT"]))
    saved = FilterTable.parse(persisted_file(ruleset))
    assert all(same_rules(live.chains[chain], saved.chains[chain]) for chain in CHAINS)


def test_a_set_has_one_rule_a_source_with_its_name() -> None:
    rules = NamedSet("docker_api_swarm", "tcp", [7946, 2376, 2377], ["10.0.0.5", "10.0.0.4", "10.0.0.5/32", "2001:db8::4"])
    new = "-p tcp -m conntrack --ctstate NEW -m multiport --dports 2376,2377,7946"
    tail = '-m comment --comment "allow docker_api_swarm" -j ACCEPT'
    assert rules.rules("v4") == tuple(f"-A HIVE-SERVICE -s {source} {new} {tail}" for source in ("10.0.0.4/32", "10.0.0.5/32"))
    assert rules.rules("v6") == (f"-A HIVE-SERVICE -s 2001:db8::4/128 {new} {tail}",)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Has Blank"},
        {"name": 'x"; -j ACCEPT'},
        {"ports": []},
        {"ports": [0]},
        {"ports": [65536]},
        {"ports": ["7999:7000"]},
        {"ports": ["http"]},
        {"ports": list(range(1, 17))},
        {"ports": [f"{n}0:{n}5" for n in range(1, 9)]},
        {"sources": ["p-hive0.example"]},
        {"sources": ["10.0.0.0/33"]},
    ],
)
def test_a_wrong_set_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        NamedSet(**({"name": "drbd", "protocol": "tcp", "ports": [7000], "sources": ["10.0.0.4"]} | wrong))  # type: ignore[arg-type]


def test_a_published_port_is_known_by_the_port_that_was_called_and_closed_behind_its_sources() -> None:
    some = PublishedSet("registry", "tcp", [5000], ["10.0.0.5", "10.0.0.4", "2001:db8::4"])
    called = "-p tcp -m conntrack --ctstate NEW -m conntrack --ctstate DNAT --ctorigdstport 5000 --ctdir ORIGINAL"
    remark = '-m comment --comment "published registry"'
    assert [rule for rule in some.rules("v4") if "HIVE-PUBLISHED" in rule] == [
        f"-A HIVE-PUBLISHED -s 10.0.0.4/32 {called} {remark} -j RETURN",
        f"-A HIVE-PUBLISHED -s 10.0.0.5/32 {called} {remark} -j RETURN",
        f"-A HIVE-PUBLISHED {called} {remark} -j REJECT --reject-with icmp-host-prohibited",
    ]
    assert some.rules("v6")[1:] == (
        f"-A HIVE-PUBLISHED -s 2001:db8::4/128 {called} {remark} -j RETURN",
        f"-A HIVE-PUBLISHED {called} {remark} -j REJECT --reject-with icmp6-adm-prohibited",
    )


def test_what_docker_does_not_translate_reaches_its_proxy_from_the_same_sources() -> None:
    rules = PublishedSet("web", "tcp", [8080, 443], ["2001:db8::4"]).rules("v6")
    new = "-p tcp -m conntrack --ctstate NEW -m multiport --dports 443,8080"
    assert rules[0] == f'-A HIVE-SERVICE -s 2001:db8::4/128 {new} -m comment --comment "published web" -j ACCEPT'


def test_a_published_set_without_sources_keeps_everybody_out_and_one_without_ports_nobody() -> None:
    shut = PublishedSet("registry", "udp", ["5000:5002"], []).rules("v4")
    assert len(shut) == 1
    assert "-p udp" in shut[0]
    assert "--ctorigdstport 5000:5002 " in shut[0]
    assert "REJECT" in shut[0]
    assert PublishedSet("registry", "tcp", [], ["10.0.0.4"]).rules("v4") == ()


def test_containers_that_come_through_dockers_own_bridges_are_asked_for_nothing() -> None:
    rules = Ruleset({**baseline([22], "v4").parts, "published-x": PublishedSet("x", "tcp", [1], []).rules("v4")}).chain("HIVE-PUBLISHED")
    bridges = ["-A HIVE-PUBLISHED -i docker0 -j RETURN", "-A HIVE-PUBLISHED -i docker_gwbridge -j RETURN"]
    assert list(rules[:2]) == bridges


@given(st.lists(ports, min_size=1, max_size=15), st.lists(networks, max_size=6), st.randoms())
def test_a_set_is_the_same_however_its_ports_and_sources_are_written(
    numbers: list[int], sources: list[str], shuffle: random.Random
) -> None:
    one = NamedSet("any", "udp", numbers, sources)
    again = [*map(str, numbers), *numbers]
    shuffled = [str(ipaddress.ip_network(source, strict=False)) for source in sources] + sources
    shuffle.shuffle(again)
    shuffle.shuffle(shuffled)
    other = NamedSet("any", "udp", again, shuffled)
    assert [one.rules("v4"), one.rules("v6")] == [other.rules("v4"), other.rules("v6")]
    wanted = {str(ipaddress.ip_network(source, strict=False)) for source in sources}
    found = [rule.split()[3] if " -s " in rule else "anywhere" for rule in (*one.rules("v4"), *one.rules("v6"))]
    assert sorted(found) == sorted("anywhere" if source.endswith("/0") else source for source in wanted)


@pytest.mark.parametrize(
    ("printed", "given"),
    [
        # What iptables-save makes of what it was given (1.4.21 of EL7, 1.8.4 of EL8, 1.8.9 of Debian 12).
        ("[12:720] -A HIVE-INPUT -i lo -j ACCEPT", "-A HIVE-INPUT -i lo -j ACCEPT"),
        ("-A C -p tcp -m conntrack --ctstate NEW -m tcp --dport 22 -j ACCEPT", "-A C -p tcp --dport 22 -m state --state NEW -j ACCEPT"),
        ("-A C -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-A C -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"),
        ("-A C -s 10.0.0.1/32 -j ACCEPT", "-A C -s 10.0.0.1 -j ACCEPT"),
        ("-A C -j ACCEPT", "-A C -s 0.0.0.0/0 -d ::/0 -j ACCEPT"),
        ("-A C -s 10.0.0.0/24 -j ACCEPT", "-A C --source 10.0.0.7/255.255.255.0 -j ACCEPT"),
        ("-A C -m comment --comment allow_x -j ACCEPT", '-A C -m comment --comment "allow_x" -j ACCEPT'),
        ("-A C -p ipv6-icmp -j ACCEPT", "-A C -p icmpv6 -j ACCEPT"),
        ("-A C -m limit --limit 5/sec --limit-burst 20 -j ACCEPT", "-A C -m limit --limit 5/second --limit-burst 20 -j ACCEPT"),
        ("-A C -p tcp -m multiport --dports 22,80 -j ACCEPT", "-A C -p tcp -m multiport --dports 80,22 -j ACCEPT"),
        ("-A C -m hashlimit --hashlimit-above 5/sec -j DROP", "-A C -m hashlimit --hashlimit-above 5/second -j DROP"),
    ],
)
def test_the_same_rule_in_other_words(printed: str, given: str) -> None:
    table = FilterTable.parse(f"*filter\n:C - [0:0]\n{printed}\nCOMMIT")
    [rule] = next(iter(rules for rules in table.chains.values() if rules))
    assert rule_key(rule) == rule_key(given)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("-A C -s 10.0.0.1/32 -j ACCEPT", "-A C -s 10.0.0.2/32 -j ACCEPT"),
        ("-A C -j ACCEPT", "-A C ! -s 0.0.0.0/0 -j ACCEPT"),
        ("-A C -i lo -j ACCEPT", "-A C ! -i lo -j ACCEPT"),
        ("-A C -i lo -j ACCEPT", "-A C -i lo -j DROP"),
        ("-A C -p tcp -m tcp --dport 22 -j ACCEPT", "-A C -p tcp -m tcp --sport 22 -j ACCEPT"),
        ("-A C -p tcp -m tcp --dport 22 -j ACCEPT", "-A C -p udp -m udp --dport 22 -j ACCEPT"),
        ("-A C -j REJECT --reject-with icmp-host-prohibited", "-A C -j REJECT --reject-with icmp-port-unreachable"),
        ('-A C -m comment --comment "allow a" -j ACCEPT', '-A C -m comment --comment "allow b" -j ACCEPT'),
    ],
)
def test_other_rules_differ(one: str, other: str) -> None:
    assert rule_key(one) != rule_key(other)


def test_a_table_is_read_without_the_rules_of_nat() -> None:
    assert "POSTROUTING" not in DOCKER.chains
    assert len(DOCKER.chains["FORWARD"]) == 9
    assert not same_rules(DOCKER.chains["FORWARD"], list(reversed(DOCKER.chains["FORWARD"])))


def test_beside_docker_nothing_but_our_three_calls_is_added() -> None:
    calls = ["-I INPUT 1 -j HIVE-INPUT", "-I FORWARD 10 -j HIVE-FORWARD", "-I DOCKER-USER 1 -j HIVE-PUBLISHED"]
    assert fixups(DOCKER) == calls
    assert fixups(DOCKER, ["DOCKER-USER"]) == calls[2:]


def test_without_docker_its_users_chain_is_made() -> None:
    assert fixups(FilterTable({}), ["DOCKER-USER"]) == ["-N DOCKER-USER", "-I DOCKER-USER 1 -j HIVE-PUBLISHED"]


def test_the_shipped_rules_of_el_give_way_so_that_their_reject_does_not_hide_ours() -> None:
    commands = fixups(SHIPPED)
    assert [command for command in commands if command.startswith("-D INPUT")] == [f"-D{rule[2:]}" for rule in SHIPPED.chains["INPUT"]]
    assert "-D FORWARD -j REJECT --reject-with icmp-host-prohibited" in commands
    assert commands[-3:] == ["-I FORWARD 1 -j HIVE-FORWARD", "-N DOCKER-USER", "-I DOCKER-USER 1 -j HIVE-PUBLISHED"]


def played(table: FilterTable, commands: list[str]) -> FilterTable:
    """What iptables-restore would make of the commands."""
    chains = {name: list(rules) for name, rules in table.chains.items()}
    for command in commands:
        verb, chain, *rest = command.split(" ")
        if verb == "-N":
            chains[chain] = []
        elif verb == "-D":
            chains[chain].remove(f"-A {chain} {' '.join(rest)}")
        else:
            chains.setdefault(chain, []).insert(int(rest[0]) - 1, f"-A {chain} {' '.join(rest[1:])}")
    return FilterTable({name: tuple(rules) for name, rules in chains.items()})


FOREIGN = [
    "-A {} -p tcp -m multiport --dports 22 -j f2b-sshd",
    "-A {} -p udp -m policy --dir in --pol none -m udp --dport 4789 -j DROP",
    "-A {} -j ufw-before-input",
    "-A {} -j DROP",
    "-A {} -j ACCEPT",
    "-A {} -j RETURN",
    "-A {} -j REJECT --reject-with icmp-host-prohibited",
    "-A {} -i lo -j ACCEPT",
    "-A {} -j {own}",
]


@pytest.mark.parametrize(("chain", "gone"), [("INPUT", (6, 7, 8)), ("FORWARD", (6, 8)), ("DOCKER-USER", (8,))])
@given(numbers=st.lists(st.integers(0, len(FOREIGN) - 1), max_size=10))
def test_whatever_is_in_a_chain_ours_is_called_once_before_anything_ends_all(chain: str, gone: tuple[int, ...], numbers: list[int]) -> None:
    rules = [FOREIGN[number].format(chain, own=JUMPS[chain]) for number in numbers]
    table = FilterTable({chain: tuple(rules)})
    after = played(table, fixups(table, [chain]))
    now = after.chains[chain]
    assert fixups(after, [chain]) == []
    ours = f"-A {chain} -j {JUMPS[chain]}"
    assert now.count(ours) == 1
    ends = [at for at, rule in enumerate(now) if rule in {FOREIGN[number].format(chain, own="") for number in (3, 4, 5, 6)}]
    assert now.index(ours) < min(ends, default=len(now))
    # Nobody else's rule is lost, and their order stays; the shipped ones of EL are no loss.
    kept = {FOREIGN[number].format(chain, own=JUMPS[chain]) for number in range(len(FOREIGN)) if number not in gone}
    assert [rule for rule in now if rule in kept] == [rule for rule in rules if rule in kept]
