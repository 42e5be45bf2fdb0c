"""What this daemon added to the host and to its node, which is all that it may ever remove (SWX-2, SWX-3, SWX-16).

Addresses and rules are gone after a boot, and so is their file, in /run. Node labels outlive it in the swarm, and so does theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from hive_vip import files
from hive_vip.labels import IPAddress

__all__ = ["Entry", "Ledger", "Written"]


@dataclass(frozen=True)
class Entry:
    """An address that we added.

    :param router: that answered from it, "" where none was asked for; None as long as that is not known: it gets no rules until then.
    """

    address: IPAddress
    prefix: int
    interface: str
    service: str
    label: str
    router: str | None = None

    def __str__(self) -> str:
        return f"{self.address}/{self.prefix} on {self.interface} ({self.label} of {self.service})"


@dataclass(frozen=True)
class Written:
    """Our rules in one family, as we gave them to iptables and as it then printed them: different versions print differently."""

    given: Sequence[str] = ()
    printed: Sequence[str] = ()


@dataclass
class Ledger:
    """What we added.

    :param rules: by version of IP.
    :param marks: node label to the id of the node.
    """

    run: Path
    lasting: Path
    entries: dict[IPAddress, Entry] = field(default_factory=dict)
    rules: dict[int, Written] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, run: Path, lasting: Path) -> Ledger:
        """Read both files.

        :param run: file that the next boot finds gone.
        :param lasting: file that it finds again.
        :raises ValueError: one of them is damaged; we cannot tell what is ours.
        """
        try:
            now, kept = files.read_json(run), files.read_json(lasting)
            entries = [_entry(each) for each in now.get("addresses", [])]
            rules = {int(version): Written(tuple(each["given"]), tuple(each["printed"])) for version, each in now.get("rules", {}).items()}
            return cls(run, lasting, {entry.address: entry for entry in entries}, rules, dict(kept.get("marks", {})))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{run} or {lasting} is damaged: {error!r}") from error

    def save(self) -> None:
        """Write down addresses and rules."""
        addresses = [{**vars(entry), "address": str(entry.address)} for entry in self.entries.values()]
        rules = {str(version): {"given": list(each.given), "printed": list(each.printed)} for version, each in self.rules.items()}
        files.write_json(self.run, {"addresses": addresses, "rules": rules})

    def save_marks(self) -> None:
        """Write down node labels."""
        files.write_json(self.lasting, {"marks": self.marks})


def _entry(data: Mapping[str, Any]) -> Entry:
    return Entry(**{**data, "address": ip_address(data["address"])})
