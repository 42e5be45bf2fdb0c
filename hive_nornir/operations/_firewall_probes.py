"""What is asked of a host's packet filter, and what the host says, taken apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hive_nornir.operations.core import quote
from hive_nornir.operations.firewall_live import FilterTable
from hive_nornir.operations.firewall_rules import FAMILIES, PARTS_FOLDER, Family
from hive_nornir.operations.firewall_sets import InternalNetwork, NamedSet

__all__ = ["FAMILIES", "HAS_V6", "TOOL", "Said", "base_probe", "set_probe", "slow_logins_probe", "text_of"]

TOOL: Mapping[Family, str] = {"v4": "iptables", "v6": "ip6tables"}
HAS_V6 = "[ -e /proc/net/if_inet6 ]"


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
        """What `iptables -V` and `ip6tables -V` say, `legacy-rules` if the other variant has rules too; "" while they are not installed."""
        return self.sections.get("variant", "")

    @property
    def slow_logins(self) -> bool:
        """Sshd is told to wait for logins for ever (L-19)."""
        return "slow-logins" in self.sections

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
        f"echo @@file-{family}; cat {path} 2>/dev/null; echo @@live-{family}; {TOOL[family]}-save -t filter 2>/dev/null"
        for family, path in files.items()
    ]
    variant = ["echo @@variant", *map(_variant, FAMILIES)]
    return "\n".join([_look_at_parts("v4/* v6/*"), *variant, *looks, f"if {HAS_V6}; then echo @@has-v6; fi"])


def _variant(family: Family) -> str:
    tool, used = TOOL[family], {"v4": "/proc/net/ip_tables_names", "v6": "/proc/net/ip6_tables_names"}[family]
    legacy = f"grep -q . {used} 2>/dev/null && {tool}-legacy-save 2>/dev/null | grep -q '^-A' && echo legacy-rules"
    return f"{tool} -V 2>/dev/null; {legacy}"


def slow_logins_probe(config: str, dropin: str) -> str:
    """Shell: whether sshd's files tell it to wait for logins for ever (L-19).

    :param dropin: one of its drop-ins, "" if it reads none.
    """
    files = f"{config} {dropin.rpartition('/')[0]}/*.conf" if dropin else config
    return f"if grep -qsiE '^[[:space:]]*LoginGraceTime[[:space:]=]+0[a-z]?[[:space:]]*$' {files}; then echo @@slow-logins; fi"


def set_probe(of: NamedSet | InternalNetwork, files: Mapping[Family, str]) -> str:
    """Shell: one part, its lines of the persisted files and of the live filter table, and the chains that must call ours and be called."""
    # Some versions quote a comment only if it holds a blank; ours does.
    lines = ["^[*]filter", f' "{of.comment}" ']
    if of.hooks:
        lines += ["^-A FORWARD ", *(f"^{how}{hook} " for hook in of.hooks for how in (":", "-A "))]
    ours = f"grep {' '.join(f'-e {quote(line)}' for line in lines)}"
    looks = [
        f"echo @@file-{family}; {ours} {path} 2>/dev/null; echo @@live-{family}; {TOOL[family]}-save -t filter 2>/dev/null | {ours}"
        for family, path in files.items()
    ]
    return "\n".join([_look_at_parts(f"v4/{of.part} v6/{of.part}"), *looks, f"if {HAS_V6}; then echo @@has-v6; fi"])


def _look_at_parts(names: str) -> str:
    return f"cd {PARTS_FOLDER} 2>/dev/null && {{ echo @@parts; grep -sH '' {names}; }}"
