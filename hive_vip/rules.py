"""Our rules in the packet filter: what they have to be, and the text that makes them so (spec 2.3, SWX-4, SWX-9, SWX-10). Pure.

All are in chains of our own, each called once, before anything else, from a chain of the system:

    nat    PREROUTING, OUTPUT -> HIVE-DNAT     the virtual IP's ports to the container
    nat    POSTROUTING        -> HIVE-SNAT     the container's traffic from the virtual IP
    filter DOCKER-USER        -> HIVE-FWD      lets pass what HIVE-DNAT sent on

Docker never touches them, whatever its own chains look like. Where it keeps none for this version of IP, HIVE-FWD is called from FORWARD.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hive_vip.desired import Claim
from hive_vip.labels import IPAddress
from hive_vip.ledger import Entry, Written

__all__ = ["BRIDGE", "Saved", "given", "missing", "parse", "printed", "restore"]

BRIDGE = "docker_gwbridge"
_TABLES = {"nat": ("HIVE-DNAT", "HIVE-SNAT"), "filter": ("HIVE-FWD",)}
_HOOKS = {"HIVE-DNAT": ("PREROUTING", "OUTPUT"), "HIVE-SNAT": ("POSTROUTING",)}
# xt_comment has room for 256 bytes, of which the last is 0.
_COMMENT_BYTES = 255


@dataclass(frozen=True)
class Saved:
    """What iptables-save printed: the rules of each chain, by table and chain."""

    chains: Mapping[tuple[str, str], Sequence[str]]

    def rules(self, table: str, chain: str) -> Sequence[str]:
        """The rules of a chain, none if it is not there."""
        return self.chains.get((table, chain), ())


def parse(text: str) -> Saved:
    """Read what iptables-save printed."""
    chains: dict[tuple[str, str], list[str]] = {}
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith(":"):
            chains.setdefault((table, line[1:].split()[0]), [])
        elif line.startswith("-A "):
            chains.setdefault((table, line.split()[1]), []).append(line.strip())
    return Saved(chains)


def given(version: int, here: Mapping[IPAddress, Claim], entries: Mapping[IPAddress, Entry]) -> tuple[str, ...]:
    """The rules that there have to be, each `TABLE RULE`, for the addresses that are there and the containers that run.

    :param version: of IP.
    """
    rules: list[str] = []
    for address, claim in sorted(here.items(), key=lambda item: item[0].packed):
        entry = entries.get(address)
        if address.version == version and claim.container is not None and entry is not None and entry.router is not None:
            rules += _dnat(claim, claim.container)
            rules += _snat(claim, claim.container, entry.interface)
    return tuple(rules)


def printed(saved: Saved) -> tuple[str, ...]:
    """Our rules as they are, in the same form."""
    return tuple(f"{table} {rule}" for table, chains in _TABLES.items() for chain in chains for rule in saved.rules(table, chain))


def missing(wanted: Sequence[str], saved: Saved, written: Written) -> bool:
    """Whether something has to be written: rules or calls are other ones than they were when we last wrote them, or others are wanted."""
    if tuple(wanted) != tuple(written.given) or printed(saved) != tuple(written.printed):
        return True
    return any(_hook(table, chain, saved, wanted=bool(_of(wanted, chain))) for table, chains in _TABLES.items() for chain in chains)


def restore(wanted: Sequence[str], saved: Saved) -> str:
    """The input for `iptables-restore --noflush` after which our chains have these rules, and no chain is left that has none.

    Each table is replaced in one transaction. Rules of others stay as they are.
    """
    lines: list[str] = []
    for table, chains in _TABLES.items():
        here = [chain for chain in chains if _of(wanted, chain) or (table, chain) in saved.chains]
        body = [f":{chain} - [0:0]" for chain in here]
        for chain in here:
            rules = _of(wanted, chain)
            body += _hook(table, chain, saved, wanted=bool(rules))
            body += rules or [f"-X {chain}"]
        if body:
            lines += [f"*{table}", *body, "COMMIT"]
    return "".join(f"{line}\n" for line in lines)


def _of(rules: Sequence[str], chain: str) -> list[str]:
    return [rule.partition(" ")[2] for rule in rules if rule.split(" ")[2] == chain]


def _hook(table: str, chain: str, saved: Saved, *, wanted: bool) -> list[str]:
    """The commands after which a chain of ours is called first and once from where it should be, and from nowhere else."""
    callers = _callers(chain, saved) if wanted else ()
    commands = []
    for caller in dict.fromkeys([*callers, *(name for owner, name in saved.chains if owner == table)]):
        call = f"{caller} -j {chain}"
        rules = saved.rules(table, caller)
        found = rules.count(f"-A {call}")
        if caller in callers and found == 1 and rules[0] == f"-A {call}":
            continue
        commands += [f"-D {call}"] * found + ([f"-I {caller} 1 -j {chain}"] if caller in callers else [])
    return commands


def _callers(chain: str, saved: Saved) -> Sequence[str]:
    if chain in _HOOKS:
        return _HOOKS[chain]
    # Without Docker's rules for this version of IP, nobody calls DOCKER-USER, even if it is there.
    called = any(rule.endswith("-j DOCKER-USER") for rule in saved.rules("filter", "FORWARD"))
    return ("DOCKER-USER",) if called else ("FORWARD",)


def _dnat(claim: Claim, container: IPAddress) -> Iterator[str]:
    vip, length = claim.vip, claim.vip.address.max_prefixlen
    target = f"[{container}]" if vip.address.version == 6 else str(container)
    for port in vip.ports:
        match = f"-p {port.protocol} -m {port.protocol} --dport {port.number}"
        name = f"{vip.address}_{port.protocol}_{port.number}_{vip.service}"
        dnat = _comment(f"hive_dnat_{name}")
        yield f"nat -A HIVE-DNAT -d {vip.address}/{length} {match} {dnat} -j DNAT --to-destination {target}:{port.number}"
        way = f"-d {container}/{length} ! -i {BRIDGE} -o {BRIDGE}"
        # Only what came for the virtual IP: who may reach the container's published ports is not for us to say (F-5).
        came = f"-m conntrack --ctorigdst {vip.address}/{length}"
        yield f"filter -A HIVE-FWD {way} {match} {came} {_comment(f'hive_accept_{name}')} -j ACCEPT"


def _snat(claim: Claim, container: IPAddress, interface: str) -> Iterator[str]:
    vip = claim.vip
    if vip.snat:
        comment = _comment(f"hive_snat_{vip.address}_{vip.service}")
        source = f"-s {container}/{container.max_prefixlen} -o {_quoted(interface)}"
        yield f"nat -A HIVE-SNAT {source} {comment} -j SNAT --to-source {vip.address}"


def _comment(text: str) -> str:
    return f"-m comment --comment {_quoted(text.encode()[:_COMMENT_BYTES].decode(errors='ignore'))}"


def _quoted(text: str) -> str:
    """As iptables-restore reads it: within double quotes, of which those inside are escaped like a backslash."""
    return json.dumps(text, ensure_ascii=False) if any(sign in text for sign in "\"' \\") else text
