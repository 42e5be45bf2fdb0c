"""The shell that changes the packet filter, and puts it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hive_nornir.operations._firewall_probes import FAMILIES, HAS_V6, TOOL, text_of
from hive_nornir.operations._states import feed
from hive_nornir.operations.core import Guard, quote
from hive_nornir.operations.firewall_rules import PARTS_FOLDER, Family, Ruleset, live_head, persisted_head

__all__ = ["NEEDS_BASE", "filter_guard", "load", "make_folders", "persist", "way_in", "write_part"]

_EMPTY = "*filter\\n:INPUT ACCEPT [0:0]\\n:FORWARD ACCEPT [0:0]\\n:OUTPUT ACCEPT [0:0]\\nCOMMIT\\n"

NEEDS_BASE = (
    f"[ -e {PARTS_FOLDER}/v4/90-reject ] && iptables -w -S HIVE-SERVICE >/dev/null ||\n"
    '{ echo "the host has no chain HIVE-SERVICE yet: run the role iptables first" >&2; exit 1; }'
)


def make_folders() -> str:
    """Shell: the folders of the parts."""
    return f"mkdir -p -m 755 {PARTS_FOLDER}/v4 {PARTS_FOLDER}/v6"


def write_part(family: Family, name: str, rules: Sequence[str], now: Sequence[str]) -> str:
    """Shell: the part has these rules; "" when it has them already."""
    path = f"{PARTS_FOLDER}/{family}/{name}"
    if tuple(rules) == tuple(now):
        return ""
    return feed(f"hv_write {path} 644 root:root", text_of(rules).encode()) if rules else f"rm -f {path}"


def load(family: Family, chains: Sequence[str], more: Sequence[str] = ()) -> str:
    """Shell: the chains in the kernel as the parts want them, in one transaction (F-2).

    :param more: further commands for iptables-restore.
    """
    rules = " ".join(f"-e '^-A {chain} '" for chain in chains)
    head, tail = " ".join(map(quote, live_head(chains))), " ".join(map(quote, [*more, "COMMIT"]))
    text = f"{{ printf '%s\\n' {head}; cat {PARTS_FOLDER}/{family}/* | grep {rules} || :; printf '%s\\n' {tail}; }}"
    return f"{text} | {TOOL[family]}-restore -w 10 --noflush"


def persist(family: Family, path: str) -> str:
    """Shell: the file for the next boot, checked before it counts."""
    check = f'{TOOL[family]}-restore --test <"$hv_v"'
    text = f"{{ printf '%s\\n' {' '.join(map(quote, persisted_head()))}; cat {PARTS_FOLDER}/{family}/*; echo COMMIT; }}"
    return f"mkdir -p {path.rpartition('/')[0]}\n{text} | hv_write {path} 600 root:root {quote(check)}"


def way_in(ruleset: Ruleset, family: Family, path: str) -> str:
    """Shell: fails unless SSH is let in, now and after a restart (L-3); "" where another part restricts it."""
    live = [f"{TOOL[family]} -w -C {rule.removeprefix('-A ')}" for rule in ruleset.parts.get("80-ssh", ())]
    filed = [f"grep -qxF -e {quote(rule)} {path}" for rule in ruleset.parts.get("80-ssh", ())]
    return "\n".join(f"{check} || {{ echo 'SSH would be shut out' >&2; exit 1; }}" for check in (*live, *filed))


def filter_guard(files: Mapping[Family, str]) -> Guard:
    """Puts back all live rules, the persisted files and the parts (hazard L-3).

    While the host starts, the files are enough: they are loaded when they are back, and the former live rules had Docker's of then in them.
    """
    restores = [f'[ -n "$hv_boot" ] || [ ! -e $G/{family}.rules ] || {TOOL[family]}-restore <$G/{family}.rules' for family in FAMILIES]
    keep = f"hv_keep {' '.join(files.values())}; [ ! -e {PARTS_FOLDER} ] || cp -a {PARTS_FOLDER} $G/parts"
    put_back = f"hv_putback; rm -rf {PARTS_FOLDER}; [ ! -e $G/parts ] || cp -a $G/parts {PARTS_FOLDER}"
    return Guard("the packet filter's rules", "\n".join([*map(_save, FAMILIES), keep]), "\n".join([*restores, put_back]))


def _save(family: Family) -> str:
    """Shell: the present rules; iptables-restore leaves alone a table that it is not given, so an absent one is saved as an empty one."""
    rules = f"$G/{family}.rules"
    save = f"{TOOL[family]}-save >{rules}; grep -q '^[*]filter' {rules} || printf '{_EMPTY}' >>{rules}"
    return save if family == "v4" else f"if {HAS_V6}; then {save}; fi"
