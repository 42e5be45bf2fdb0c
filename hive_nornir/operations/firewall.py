"""Operations on the host's packet filter (spec setup-hosts.md 3.2); its model is in `firewall_rules`.

A role that brings rules writes its part into /etc/hive-nornir/firewall.d and has the live chains and the persisted file made anew from
all parts. Nothing here restarts the firewall's service, which would take Docker's rules away (F-2).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hive_nornir.errors import OperationFailed
from hive_nornir.operations import _firewall_shell as shell
from hive_nornir.operations._diffs import unified
from hive_nornir.operations._firewall_shell import FAMILIES, Said, text_of
from hive_nornir.operations.core import Change, Observed, Operation
from hive_nornir.operations.firewall_live import fixups, same_rules
from hive_nornir.operations.firewall_rules import BASELINE_PARTS, CHAINS, STRICT_PART, Family, NamedSet, Ruleset, baseline, persisted_file

if TYPE_CHECKING:
    from hive_nornir.tasks.os_model import OsData

__all__ = ["base_ruleset", "named_set"]


def base_ruleset(os: OsData, ssh_ports: Collection[int], *, gateway_ports: Collection[int] = ()) -> list[Operation]:
    """The rules that every server has, live and persisted, for both address families (IPT-2, IPT-4); guarded (hazard L-3).

    Parts that other roles brought stay. IPv6 is left out on a host whose kernel has none. Call it before the old firewall's service is
    stopped, and once more afterwards: firewalld on EL7 takes all chains with it.

    :param ssh_ports: on which sshd is to be reached: the one in use, and the one that it is to have.
    :param gateway_ports: TCP ports of the host that its own containers may reach (P-8).
    :returns: one operation; deciding raises OperationFailed if the host uses or mixes the legacy variant where the nft one is due (F-6).
    """
    files = _files(os)
    wanted = {family: baseline(ssh_ports, family, gateway_ports) for family in FAMILIES}
    base = _Base(files, wanted, os.firewall.variant)
    return [Operation("packet filter", shell.base_probe(files), base.decide, guard=shell.filter_guard(files))]


def named_set(
    os: OsData, name: str, protocol: Literal["tcp", "udp"], ports: Sequence[int | str], sources: Collection[str]
) -> list[Operation]:
    """A consumer's ports are open to its sources, live and persisted (spec 3.2); rules of former sources go (M-3).

    It needs `base_ruleset`, of this run or an earlier one, and says so when it is applied without.

    :param name: of the set, `docker_api_swarm`.
    :param ports: numbers, or ranges `7000:7999`.
    :param sources: addresses and networks of either family; none closes the ports again.
    """
    files = _files(os)
    wanted = _Set(files, NamedSet(name, protocol, ports, sources))
    return [Operation(f"firewall set {name}", shell.set_probe(name, wanted.set.part, files), wanted.decide)]


def _files(os: OsData) -> dict[Family, str]:
    return {"v4": os.firewall.file_v4, "v6": os.firewall.file_v6}


@dataclass(frozen=True)
class _Base:
    """The baseline as it should be.

    :param files: the persisted file of each family.
    """

    files: Mapping[Family, str]
    wanted: Mapping[Family, Ruleset]
    variant: str

    def decide(self, seen: Observed) -> Change | None:
        said = Said.parse(seen.text)
        _refuse_legacy(said.variant, self.variant)
        rulesets = {family: _with_baseline(said.parts(family), self.wanted[family]) for family in FAMILIES}
        writes = [
            shell.write_part(family, name, rulesets[family].parts.get(name, ()), said.parts(family).get(name, ()))
            for family in FAMILIES
            for name in BASELINE_PARTS
        ]
        differences = [difference for family in said.families for difference in self._differences(family, rulesets[family], said)]
        if not differences and not any(writes):
            return None
        loads = [shell.load(family, CHAINS, fixups(said.table(family))) for family in said.families]
        persists = [shell.persist(family, self.files[family]) for family in said.families]
        summary = ", ".join(what for what, _ in differences) or "parts"
        apply = "\n".join([shell.make_folders(), *filter(None, writes), *loads, *persists])
        return Change(summary, apply, "\n".join(diff for _, diff in differences))

    def _differences(self, family: Family, wanted: Ruleset, said: Said) -> list[tuple[str, str]]:
        """What differs, in words and as a diff."""
        live = said.table(family)
        others = [chain for chain in CHAINS if chain not in live.chains or not same_rules(live.chains[chain], wanted.chain(chain))]
        diffs = [unified(f"IP{family} {chain}", text_of(live.chains.get(chain, ())), text_of(wanted.chain(chain))) for chain in others]
        diffs += [f"{'-' if command.startswith('-D') else '+'} IP{family} {command}" for command in fixups(live)]
        found = [(f"live IP{family} rules", "\n".join(filter(None, diffs)))] if others or diffs else []
        text = persisted_file(wanted)
        if said.persisted(family) != text:
            found.append((self.files[family], unified(self.files[family], said.persisted(family), text)))
        return found


@dataclass(frozen=True)
class _Set:
    """A named set as it should be."""

    files: Mapping[Family, str]
    set: NamedSet

    def decide(self, seen: Observed) -> Change | None:
        said = Said.parse(seen.text)
        part = self.set.part
        writes = [shell.write_part(family, part, self.set.rules(family), said.parts(family).get(part, ())) for family in FAMILIES]
        diffs = [diff for family in said.families for diff in self._differences(family, said)]
        if not diffs and not any(writes):
            return None
        loads = [shell.load(family, ["HIVE-SERVICE"]) for family in said.families]
        persists = [shell.persist(family, self.files[family]) for family in said.families]
        apply = "\n".join([shell.NEEDS_BASE, shell.make_folders(), *filter(None, writes), *loads, *persists])
        number = len(set(self.set.sources))
        summary = f"{self.set.protocol} {','.join(map(str, self.set.ports))} for {number} source{'s' if number != 1 else ''}"
        return Change(summary, apply, "\n".join(diffs))

    def _differences(self, family: Family, said: Said) -> list[str]:
        wanted = self.set.rules(family)
        both = ((f"IP{family} HIVE-SERVICE", said.live(family)), (self.files[family], said.persisted(family)))
        return [unified(title, now, text_of(wanted)) for title, now in both if not same_rules(now.splitlines(), wanted)]


def _with_baseline(parts: Mapping[str, tuple[str, ...]], wanted: Ruleset) -> Ruleset:
    """The parts of others, and ours. SSH from anywhere is ours only while nobody restricts the sources."""
    others = {name: rules for name, rules in parts.items() if name not in BASELINE_PARTS}
    ours = {name: rules for name, rules in wanted.parts.items() if not (name == "80-ssh" and STRICT_PART in others)}
    return Ruleset({**others, **ours})


def _refuse_legacy(said: str, variant: str) -> None:
    """The variant that the distribution has, and none beside it (F-6).

    :raises OperationFailed: another one, or a mixture.
    """
    if variant != "nft":
        return
    if "(legacy)" in said:
        hint = "choose the nft one of iptables and of ip6tables with update-alternatives, then restart the host"
        raise OperationFailed("the host's iptables is the legacy variant", hint)
    if "legacy-rules" in said:
        raise OperationFailed("the host has rules of the legacy variant beside those of the nft one", "iptables-legacy-save shows them")
