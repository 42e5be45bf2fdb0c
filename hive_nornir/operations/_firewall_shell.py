"""The shell of the packet filter's operations, and what its probes print, taken apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hive_nornir.operations._states import feed
from hive_nornir.operations.core import Guard, quote
from hive_nornir.operations.firewall_live import FilterTable
from hive_nornir.operations.firewall_rules import Family, live_head, persisted_head

__all__ = [
    "FAMILIES",
    "NEEDS_BASE",
    "Said",
    "base_probe",
    "filter_guard",
    "load",
    "make_folders",
    "persist",
    "set_probe",
    "text_of",
    "write_part",
]

FAMILIES: tuple[Family, ...] = ("v4", "v6")
_PARTS = "/etc/hive-nornir/firewall.d"
_TOOL: dict[Family, str] = {"v4": "iptables", "v6": "ip6tables"}
_HAS_V6 = "[ -e /proc/net/if_inet6 ]"
_EMPTY = "*filter\\n:INPUT ACCEPT [0:0]\\n:FORWARD ACCEPT [0:0]\\n:OUTPUT ACCEPT [0:0]\\nCOMMIT\\n"

NEEDS_BASE = (
    f"[ -e {_PARTS}/v4/90-reject ] && iptables -w -S HIVE-SERVICE >/dev/null ||\n"
    '{ echo "the host has no chain HIVE-SERVICE yet: run the role iptables first" >&2; exit 1; }'
)


@dataclass(frozen=True)
class Said:
    """What a probe printed.

    :param sections: name to text, lines with their newline.
    """

    sections: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> Said:
        """Sections begin with `@@name`."""
        found: dict[str, list[str]] = {}
        lines: list[str] = []
        for line in text.splitlines():
            if line.startswith("@@"):
                lines = found.setdefault(line[2:], [])
            else:
                lines.append(line)
        return cls({name: text_of(section) for name, section in found.items()})

    @property
    def families(self) -> tuple[Family, ...]:
        """The address families that the host's kernel has."""
        return FAMILIES if "has-v6" in self.sections else FAMILIES[:1]

    @property
    def variant(self) -> str:
        """What `iptables -V` says, and `legacy-rules` if the other variant has rules too; "" while iptables is not installed."""
        return self.sections.get("variant", "")

    def persisted(self, family: Family) -> str:
        """The persisted file, or the lines of it that the probe asked for."""
        return self.sections.get(f"file-{family}", "")

    def live(self, family: Family) -> str:
        """The live filter table, or the lines of it that the probe asked for."""
        return self.sections.get(f"live-{family}", "")

    def table(self, family: Family) -> FilterTable:
        """The live filter table."""
        return FilterTable.parse(self.live(family))

    def parts(self, family: Family) -> dict[str, tuple[str, ...]]:
        """The parts on the host; grep printed them as `v4/50-icmp:-A HIVE-INPUT …`."""
        found: dict[str, tuple[str, ...]] = {}
        for line in self.sections.get("parts", "").splitlines():
            path, _, rule = line.partition(":")
            of, _, name = path.partition("/")
            if of == family:
                found[name] = (*found.get(name, ()), rule)
        return found


def text_of(lines: Sequence[str]) -> str:
    """Lines as a text."""
    return "".join(f"{line}\n" for line in lines)


def base_probe(files: Mapping[Family, str]) -> str:
    """Shell: all parts, persisted files and live filter tables, and the variant of iptables."""
    looks = [
        f"echo @@file-{family}; cat {path} 2>/dev/null; echo @@live-{family}; {_TOOL[family]}-save -t filter 2>/dev/null"
        for family, path in files.items()
    ]
    legacy = "grep -q . /proc/net/ip_tables_names 2>/dev/null && iptables-legacy-save 2>/dev/null | grep -q '^-A' && echo legacy-rules"
    variant = f"echo @@variant; iptables -V 2>/dev/null; {legacy}"
    return "\n".join([_look_at_parts("v4/* v6/*"), variant, *looks, f"if {_HAS_V6}; then echo @@has-v6; fi"])


def set_probe(name: str, part: str, files: Mapping[Family, str]) -> str:
    """Shell: one part, and its lines of the persisted files and of the live chain."""
    # Some versions quote a comment only if it holds a blank; ours does.
    ours = f"""grep -F -e ' "allow {name}" '"""
    looks = [
        f"echo @@file-{family}; {ours} {path} 2>/dev/null; echo @@live-{family}; {_TOOL[family]} -w -S HIVE-SERVICE 2>/dev/null | {ours}"
        for family, path in files.items()
    ]
    return "\n".join([_look_at_parts(f"v4/{part} v6/{part}"), *looks, f"if {_HAS_V6}; then echo @@has-v6; fi"])


def _look_at_parts(names: str) -> str:
    return f"cd {_PARTS} 2>/dev/null && {{ echo @@parts; grep -sH '' {names}; }}"


def make_folders() -> str:
    """Shell: the folders of the parts."""
    return f"mkdir -p -m 755 {_PARTS}/v4 {_PARTS}/v6"


def write_part(family: Family, name: str, rules: Sequence[str], now: Sequence[str]) -> str:
    """Shell: the part has these rules; "" when it has them already."""
    path = f"{_PARTS}/{family}/{name}"
    if tuple(rules) == tuple(now):
        return ""
    return feed(f"hv_write {path} 644 root:root", text_of(rules).encode()) if rules else f"rm -f {path}"


def load(family: Family, chains: Sequence[str], more: Sequence[str] = ()) -> str:
    """Shell: the chains in the kernel as the parts want them, in one transaction (F-2).

    :param more: further commands for iptables-restore.
    """
    rules = " ".join(f"-e '^-A {chain} '" for chain in chains)
    head, tail = " ".join(map(quote, live_head(chains))), " ".join(map(quote, [*more, "COMMIT"]))
    text = f"{{ printf '%s\\n' {head}; cat {_PARTS}/{family}/* | grep {rules} || :; printf '%s\\n' {tail}; }}"
    return f"{text} | {_TOOL[family]}-restore -w 10 --noflush"


def persist(family: Family, path: str) -> str:
    """Shell: the file for the next boot, checked before it counts."""
    check = f'{_TOOL[family]}-restore --test <"$hv_v"'
    text = f"{{ printf '%s\\n' {' '.join(map(quote, persisted_head()))}; cat {_PARTS}/{family}/*; echo COMMIT; }}"
    return f"mkdir -p {path.rpartition('/')[0]}\n{text} | hv_write {path} 600 root:root {quote(check)}"


def filter_guard(files: Mapping[Family, str]) -> Guard:
    """Puts back all live rules, the persisted files and the parts (hazard L-3)."""
    restores = [f"[ ! -e $G/{family}.rules ] || {_TOOL[family]}-restore <$G/{family}.rules" for family in FAMILIES]
    keep = f"hv_keep {' '.join(files.values())}; [ ! -e {_PARTS} ] || cp -a {_PARTS} $G/parts"
    put_back = f"hv_putback; rm -rf {_PARTS}; [ ! -e $G/parts ] || cp -a $G/parts {_PARTS}"
    return Guard("the packet filter's rules", "\n".join([*map(_save, FAMILIES), keep]), "\n".join([*restores, put_back]))


def _save(family: Family) -> str:
    """Shell: the present rules; iptables-restore leaves alone a table that it is not given, so an absent one is saved as an empty one."""
    rules = f"$G/{family}.rules"
    save = f"{_TOOL[family]}-save >{rules}; grep -q '^[*]filter' {rules} || printf '{_EMPTY}' >>{rules}"
    return save if family == "v4" else f"if {_HAS_V6}; then {save}; fi"
