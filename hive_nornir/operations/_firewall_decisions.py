"""What is to be done about the packet filter, from what a host said of it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hive_nornir.errors import OperationFailed
from hive_nornir.operations import _firewall_shell as shell
from hive_nornir.operations._diffs import unified
from hive_nornir.operations._firewall_probes import FAMILIES, Said, text_of
from hive_nornir.operations.core import Change, Observed
from hive_nornir.operations.firewall_live import FilterTable, fixups, passes_by, same_rules
from hive_nornir.operations.firewall_rules import BASELINE_PARTS, CHAINS, STRICT_PART, Family, Ruleset, baseline, persisted_file, strict_ssh
from hive_nornir.operations.firewall_sets import InternalNetwork, NamedSet

__all__ = ["Base", "Set"]

_NO_HOOK = "restart Docker; before 23.0 it never does so for IPv6: update it, or turn ip6tables off in its daemon.json and restart it"


@dataclass(frozen=True)
class Base:
    """The baseline as it should be.

    :param files: the persisted file of each family.
    :param ssh_sources: who may reach sshd; none at all is everybody, None whoever may now.
    """

    files: Mapping[Family, str]
    ssh_ports: Collection[int]
    gateway_ports: Collection[int]
    variant: str
    ssh_sources: Collection[str] | None = None

    def decide(self, seen: Observed) -> Change | None:
        said = Said.parse(seen.text)
        _refuse_legacy(said.variant, self.variant)
        rulesets = self._rulesets(said)
        writes = [
            shell.write_part(family, name, rulesets[family].parts.get(name, ()), said.parts(family).get(name, ()))
            for family in FAMILIES
            for name in (*BASELINE_PARTS, STRICT_PART)
        ]
        differences = [difference for family in said.families for difference in self._differences(family, rulesets[family], said)]
        if not differences and not any(writes):
            return None
        loads = [shell.load(family, CHAINS, fixups(said.table(family))) for family in said.families]
        persists = [shell.persist(family, self.files[family]) for family in said.families]
        checks = [shell.way_in(rulesets[family], family, self.files[family]) for family in said.families]
        summary = ", ".join(what for what, _ in differences) or "parts"
        apply = "\n".join([shell.make_folders(), *filter(None, writes), *loads, *persists, *filter(None, checks)])
        return Change(summary, apply, "\n".join(diff for _, diff in differences))

    def _rulesets(self, said: Said) -> dict[Family, Ruleset]:
        """The parts of others, and ours. SSH from anywhere is ours only while nobody restricts the sources, of either family (SSI-2)."""
        strict = {family: self._strict(family, said) for family in FAMILIES}
        found: dict[Family, Ruleset] = {}
        for family in FAMILIES:
            others = {name: rules for name, rules in said.parts(family).items() if name not in (*BASELINE_PARTS, STRICT_PART)}
            ours = dict(baseline(self.ssh_ports, family, self.gateway_ports, slow_logins=said.slow_logins).parts)
            if any(strict.values()):
                del ours["80-ssh"]
            found[family] = Ruleset({**others, **ours, **({STRICT_PART: strict[family]} if strict[family] else {})})
        return found

    def _strict(self, family: Family, said: Said) -> tuple[str, ...]:
        if self.ssh_sources is None:
            return said.parts(family).get(STRICT_PART, ())
        return strict_ssh(self.ssh_ports, self.ssh_sources, family)

    def _differences(self, family: Family, wanted: Ruleset, said: Said) -> list[tuple[str, str]]:
        """What differs, in words and as a diff."""
        live = said.table(family)
        others = [chain for chain in CHAINS if chain not in live.chains or not same_rules(live.chains[chain], wanted.chain(chain))]
        diffs = [unified(f"IP{family} {chain}", text_of(live.chains.get(chain, ())), text_of(wanted.chain(chain))) for chain in others]
        diffs += [_shown(f"IP{family}", command) for command in fixups(live)]
        found = [(f"live IP{family} rules", "\n".join(filter(None, diffs)))] if others or diffs else []
        text = persisted_file(wanted)
        if said.persisted(family) != text:
            found.append((self.files[family], unified(self.files[family], said.persisted(family), text)))
        return found


@dataclass(frozen=True)
class Set:
    """A set of rules as it should be."""

    files: Mapping[Family, str]
    set: NamedSet | InternalNetwork

    def decide(self, seen: Observed) -> Change | None:
        said = Said.parse(seen.text)
        part = self.set.part
        for family in said.families:
            if self.set.rules(family) and any(passes_by(said.table(family), hook) for hook in self.set.hooks):
                raise OperationFailed(f"Docker on the host does not filter IP{family} by DOCKER-USER", _NO_HOOK)
        writes = [shell.write_part(family, part, self.set.rules(family), said.parts(family).get(part, ())) for family in FAMILIES]
        diffs = [diff for family in said.families for diff in self._differences(family, said)]
        if not diffs and not any(writes):
            return None
        loads = [shell.load(family, self.set.chains, fixups(said.table(family), self.set.hooks)) for family in said.families]
        persists = [shell.persist(family, self.files[family]) for family in said.families]
        apply = "\n".join([shell.NEEDS_BASE, shell.make_folders(), *filter(None, writes), *loads, *persists])
        return Change(self.set.summary, apply, "\n".join(diffs))

    def _differences(self, family: Family, said: Said) -> list[str]:
        wanted = Ruleset({self.set.part: self.set.rules(family)})
        found = []
        for title, table in (f"IP{family}", said.table(family)), (self.files[family], FilterTable.parse(said.persisted(family))):
            pairs = [(chain, table.chains.get(chain, ()), wanted.chain(chain)) for chain in self.set.chains]
            found += [unified(f"{title} {chain}", text_of(now), text_of(due)) for chain, now, due in pairs if not same_rules(now, due)]
            found += [_shown(title, command) for command in fixups(table, self.set.hooks)]
        return found


def _shown(title: str, command: str) -> str:
    """A command for iptables-restore as a line of a diff."""
    return f"{'-' if command.startswith('-D') else '+'} {title} {command}"


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
