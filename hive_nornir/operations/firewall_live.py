"""The filter table as a host has it, compared with the model whatever way its iptables writes rules. Pure."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from hive_nornir.operations.firewall_rules import HOOKS, JUMPS, network

__all__ = ["FilterTable", "fixups", "passes_by", "rule_key", "same_rules"]

# What the iptables service of the EL family ships: ours takes its place. It ends with a rule that would hide ours.
_SHIPPED = {
    "INPUT": (
        "-m state --state RELATED,ESTABLISHED -j ACCEPT",
        "-p icmp -j ACCEPT",
        "-p ipv6-icmp -j ACCEPT",
        "-i lo -j ACCEPT",
        "-p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT",
        "-d fe80::/64 -p udp -m udp --dport 546 -m state --state NEW -j ACCEPT",
        "-j REJECT --reject-with icmp-host-prohibited",
        "-j REJECT --reject-with icmp6-adm-prohibited",
    ),
    "FORWARD": ("-j REJECT --reject-with icmp-host-prohibited", "-j REJECT --reject-with icmp6-adm-prohibited"),
}

_OPTIONS = {
    "--append": "-A",
    "--source": "-s",
    "--src": "-s",
    "--destination": "-d",
    "--dst": "-d",
    "--protocol": "-p",
    "--in-interface": "-i",
    "--jump": "-j",
    "--dports": "--dport",
    "--destination-port": "--dport",
    "--destination-ports": "--dport",
    "--state": "--ctstate",
}

Key = frozenset[tuple[str, bool, str]]


@dataclass(frozen=True)
class FilterTable:
    """The filter table of a host, from iptables-save(8): chain to rules as printed."""

    chains: Mapping[str, tuple[str, ...]]

    @classmethod
    def parse(cls, saved: str) -> FilterTable:
        """Read the filter table; counters are dropped, other tables ignored."""
        chains: dict[str, list[str]] = defaultdict(list)
        table = ""
        for line in saved.splitlines():
            rule = re.sub(r"^\[\d+:\d+\] ", "", line)
            if line.startswith("*"):
                table = line[1:].strip()
            elif table == "filter" and line.startswith(":"):
                chains.setdefault(line[1:].split()[0], [])
            elif table == "filter" and rule.startswith("-A "):
                chains[rule.split()[1]].append(rule)
        return cls({name: tuple(rules) for name, rules in chains.items()})


def same_rules(rules: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether these are the same rules in the same order, however they are written."""
    return [rule_key(rule) for rule in rules] == [rule_key(rule) for rule in wanted]


def fixups(live: FilterTable, calling: Collection[str] = tuple(JUMPS)) -> list[str]:
    """The commands for iptables-restore after which the chains of others call ours once, before anything that ends all.

    Rules that others put there stay, before ours if they were there first. The shipped ones of the EL family go: ours say the same.

    :param calling: the chains that are looked at.
    """
    commands: list[str] = []
    for chain in calling:
        own = JUMPS[chain]
        jump = rule_key(f"-A {chain} -j {own}")
        shipped = {rule_key(f"-A {chain} {rule}") for rule in _SHIPPED.get(chain, ())}
        rules = live.chains.get(chain, ())
        if chain in HOOKS and chain not in live.chains:
            commands.append(f"-N {chain}")
        keys = [rule_key(rule) for rule in rules]
        others = [key for key in keys if key not in shipped]
        end = next((at for at, key in enumerate(others) if _ends_all(key)), len(others))
        if len(others) == len(keys) and others.count(jump) == 1 and others.index(jump) < end:
            continue
        commands += [f"-D{rule[2:]}" for rule, key in zip(rules, keys, strict=True) if key in shipped or key == jump]
        foreign = [key for key in others if key != jump]
        at = next((at for at, key in enumerate(foreign) if _ends_all(key)), len(foreign))
        commands.append(f"-I {chain} {at + 1} -j {own}")
    return commands


def passes_by(live: FilterTable, hook: str) -> bool:
    """Whether Docker forwards what the hook never saw: its own chains are called from FORWARD, and the hook is not, or later."""
    targets = [value for rule in live.chains.get("FORWARD", ()) for option, _, value in rule_key(rule) if option == "-j"]
    dockers = [target for target in targets if target.startswith("DOCKER")]
    return bool(dockers) and dockers[0] != hook


def rule_key(rule: str) -> Key:
    """What a rule says, however it is written: two rules are the same if their keys are.

    iptables-save writes what it was given in its own order and adds matches (`-m tcp`), prefix lengths and quotes; versions differ.
    """
    words = shlex.split(rule)
    found: list[tuple[str, bool, str]] = []
    negated = False
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word == "!":
            negated = True
            continue
        values: list[str] = []
        while at < len(words) and words[at] != "!" and not re.match(r"-{1,2}[a-zA-Z]", words[at]):
            values.append(words[at])
            at += 1
        if word not in ("-m", "--match", "-A", "--append"):
            option = _OPTIONS.get(word, word)
            value = _value(option, " ".join(values))
            if negated or option not in ("-s", "-d") or not value.endswith("/0"):  # from anywhere is no condition
                found.append((option, negated, value))
        negated = False
    return frozenset(found)


def _value(option: str, value: str) -> str:
    if option in ("-s", "-d"):
        return str(network(value)) if re.match(r"[0-9a-fA-F:.]+(/[0-9.]+)?$", value) else value
    if option in ("--ctstate", "--dport"):
        return ",".join(sorted(value.split(",")))
    if option == "-p":
        return {"icmpv6": "ipv6-icmp", "58": "ipv6-icmp", "1": "icmp", "6": "tcp", "17": "udp"}.get(value, value)
    if option in ("--limit", "--hashlimit-above"):
        return re.sub(r"/s(ec|econd)?$", "/sec", value)
    return value


def _ends_all(key: Key) -> bool:
    """A rule without condition after which nothing of its chain comes."""
    options = {option for option, _, _ in key}
    targets = {value for option, _, value in key if option == "-j"}
    return options <= {"-j", "--reject-with", "--comment"} and bool(targets & {"ACCEPT", "DROP", "REJECT", "RETURN"})
