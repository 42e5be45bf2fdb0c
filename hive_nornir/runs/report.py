"""What a run did, host by host and role by role: the object that `Site.run` returns and that `--json` prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from hive_nornir.operations.core import Outcome

__all__ = ["HostReport", "RoleReport", "RoleStatus", "RunReport", "all_phases_dict"]

RoleStatus = Literal["ok", "changed", "would-change", "failed", "unreachable", "skipped", "not-run", "interrupted"]

_NOUNS = {
    "build-images": "image",
    "build-volumes": "volume",
    "build-networks": "network",
    "deploy-services": "service",
    "initialize-services": "service",
}


@dataclass
class RoleReport:
    """A role on a host.

    :param play: the play that it ran in.
    :param changed: operations that changed something, or in a dry run would.
    :param error: for `failed` and `unreachable`, in plain words.
    :param stderr: what the host said.
    """

    role: str
    play: str
    status: RoleStatus
    changed: int = 0
    seconds: float = 0.0
    error: str = ""
    stderr: str = ""
    outcomes: list[Outcome] = field(default_factory=list, repr=False)

    def followed_by(self, later: RoleReport) -> RoleReport:
        """Both as one, for a role that is in two plays, like reboot: all changes, and the later's status unless it had nothing to do."""
        return replace(
            later,
            status=self.status if later.status in ("ok", "skipped") else later.status,
            changed=self.changed + later.changed,
            seconds=self.seconds + later.seconds,
            outcomes=[*self.outcomes, *later.outcomes],
        )


@dataclass
class HostReport:
    """A host in a run; `roles` in the order in which they ran.

    :param round_trips: how often the mother waited for the host's answer.
    :param sent: bytes sent to it.
    """

    name: str
    roles: dict[str, RoleReport] = field(default_factory=dict)
    seconds: float = 0.0
    round_trips: int = 0
    sent: int = 0

    @property
    def changed(self) -> int:
        """Operations that changed something, or in a dry run would."""
        return sum(role.changed for role in self.roles.values())

    @property
    def failed(self) -> bool:
        """Whether a role failed, did not run, or the host could not be reached."""
        return any(role.status in ("failed", "unreachable", "interrupted") for role in self.roles.values())

    @property
    def unreachable(self) -> bool:
        """Whether the host could not be reached."""
        return any(role.status == "unreachable" for role in self.roles.values())


@dataclass
class RunReport:
    """A run of one phase.

    :param check: it was a dry run.
    :param notes: what the operator should know: pending reboots, plays that were not begun.
    :param other_changes: changes to what belongs to no server, such as a network.
    """

    phase: str
    stage: str
    check: bool = False
    seconds: float = 0.0
    hosts: dict[str, HostReport] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    interrupted: bool = False
    other_changes: int = 0

    @property
    def noun(self) -> str:
        """What one of `hosts` is: `host`, or `image`, `volume`, `network`, `service`."""
        return _NOUNS.get(self.phase, "host")

    @property
    def ok(self) -> bool:
        """Nothing failed and nothing was interrupted."""
        return not self.interrupted and not any(host.failed for host in self.hosts.values())

    @property
    def changed(self) -> int:
        """Operations that changed something, or in a dry run would, on all hosts."""
        return self.other_changes + sum(host.changed for host in self.hosts.values())

    @property
    def exit_code(self) -> int:
        """0 all fine, 1 something failed, 3 a dry run found something to change, 130 interrupted."""
        if self.interrupted:
            return 130
        if not self.ok:
            return 1
        return 3 if self.check and self.changed else 0

    def notices(self) -> list[str]:
        """What roles have to tell the operator, each once with its hosts."""
        found: dict[str, list[str]] = {}
        for host in self.hosts.values():
            for outcome in (outcome for role in host.roles.values() for outcome in role.outcomes):
                if outcome.operation.notice and outcome.status == "unchanged":
                    found.setdefault(outcome.operation.name, []).append(host.name)
        return [f"{', '.join(hosts)}: {words}" for words, hosts in found.items()]

    def as_dict(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "phase": self.phase,
            "stage": self.stage,
            "ok": self.ok,
            "check": self.check,
            "seconds": round(self.seconds, 3),
            "changed": self.changed,
            "failed": sorted(name for name, host in self.hosts.items() if host.failed and not host.unreachable),
            "unreachable": sorted(name for name, host in self.hosts.items() if host.unreachable),
            "notes": self.notes,
            "hosts": {name: _host_dict(host) for name, host in self.hosts.items()},
        }

    def _repr_html_(self) -> str:
        from hive_nornir.runs import html

        return html.report(self)


def all_phases_dict(reports: Sequence[RunReport]) -> dict[str, Any]:
    """The object that `run all --json` prints: the sum, and the object of each phase that was begun.

    :param reports: at least one.
    """
    return {
        "phase": "all",
        "stage": reports[-1].stage,
        "ok": all(report.ok for report in reports),
        "check": reports[-1].check,
        "seconds": round(sum(report.seconds for report in reports), 3),
        "changed": sum(report.changed for report in reports),
        "phases": [report.as_dict() for report in reports],
    }


def _host_dict(host: HostReport) -> dict[str, Any]:
    return {
        "changed": host.changed,
        "failed": host.failed,
        "seconds": round(host.seconds, 3),
        "roles": {
            name: {"status": role.status, "changed": role.changed, "seconds": round(role.seconds, 3)} for name, role in host.roles.items()
        },
    }
