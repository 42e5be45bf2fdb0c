"""Role iptables: a plain, persisted set of rules instead of the distribution's firewall (spec setup-hosts.md 4.6 and 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import Field

from hive_nornir.operations import firewall, packages, services
from hive_nornir.operations.core import Change, Guard, Observed, Operation, quote
from hive_nornir.tasks.role import Target, Variables, role
from hive_nornir.tasks.servers.base.limits import is_container

__all__ = ["IptablesVariables", "iptables"]


class IptablesVariables(Variables):
    """What iptables reads."""

    hive_safe_sshd_port: int = Field(22, description="Where sshd listens, or will; the port in use stays open besides.")
    hive_gwbridge_ports: list[int] = Field(
        default_factory=list, description="TCP ports of the server that containers may reach through docker_gwbridge."
    )
    hive_ssh_source_ips: list[str] | None = Field(
        None, description="Addresses and networks that may reach sshd; the role strict-source-ip lets in no others. Unset, everybody may."
    )


@role()
def iptables(host: Target, v: IptablesVariables) -> list[Operation]:
    """Let in SSH, what roles open by name, pings and answers, and reject the rest, now and after a restart, in IPv4 and IPv6.

    The whole set of rules is loaded, with SSH on the port in use, before the distribution's own firewall is stopped (L-3); that is masked,
    not removed. A fresh login must succeed, or the server puts everything back. Docker's rules stay; where stopping the old
    firewall takes them away, Docker is restarted at once (F-2).
    """
    data, manager = host.os.firewall, host.os.manager
    # The kernel's packages are held back from upgrades (BASE-6), not from coming with what needs them.
    modules = () if is_container(host.facts) else data.modules_for(host.facts.kernel)
    tools, boot = [*data.packages[:1], *modules], data.packages[1:]
    base = firewall.base_ruleset(
        host.os,
        {v.hive_safe_sshd_port, host.facts.ssh_port or v.hive_safe_sshd_port},
        gateway_ports=v.hive_gwbridge_ports,
        # Restricting is strict-source-ip's; lifting it is ours, since that role does not run without sources (M-3).
        ssh_sources=() if v.hive_ssh_source_ips is None else None,
    )
    old = [*data.masked_units, *data.disabled_units]
    # Stopping nftables, or firewalld on EL 7, empties every chain there is, so what was loaded is looked at again at the end.
    stops = [replace(services.stopped(unit, masked=unit in data.masked_units), disturbs="the old firewall is stopped") for unit in old]
    switch = _guarded([*(replace(operation, verify=False) for operation in base), *stops], old)
    # The service for the boot comes after, since on Debian its package drives the old firewall's out.
    rest = [_preseeded(packages.present(manager, boot), data.preseed)] if boot else []
    at_boot = [services.running(unit) for unit in (*data.units, *(data.units_v6 if host.facts.ipv6 else ()))]
    return [
        _preseeded(packages.present(manager, tools), data.preseed),
        *switch,  # IPT-4, then IPT-1
        *rest,
        *at_boot,  # IPT-3
        *(replace(operation, name=f"{operation.name}, at the end") for operation in base),  # IPT-2
        _with_its_rules(services.restarted_if_running(host.os.docker.unit, on=[*switch[len(base) :], *rest, *at_boot])),  # F-2
    ]


def _guarded(operations: Sequence[Operation], old_units: Sequence[str]) -> list[Operation]:
    """The operations as one guarded change, which if undone starts the old firewall again."""
    guard = operations[0].guard
    if guard is None:
        raise ValueError(f"{operations[0].name} has no guard")
    units = " ".join(map(quote, old_units))
    save = f"for hv_u in {units}; do if systemctl -q is-active $hv_u; then echo $hv_u >>$G/units; fi; done"
    restart = "while read -r hv_u; do systemctl unmask $hv_u; systemctl enable --now $hv_u; done <$G/units"
    restore = f"[ ! -e $G/units ] || {restart}\n{guard.restore}"
    # Longer than most guards: packages are installed under it.
    whole = Guard("replacing the firewall", f"{guard.save}\n{save}", restore, seconds=600)
    return [replace(operation, guard=whole) for operation in operations]


def _with_its_rules(restart: Operation) -> Operation:
    """Docker's restart counts only when its own rules are back: published ports live by them (L-9)."""
    looks = [f"iptables-save -t {table} 2>/dev/null | grep -q '^:DOCKER '" for table in ("filter", "nat")]
    missing = "{ echo 'Docker was restarted, but its rules for published ports are not there' >&2; exit 1; }"
    told_not_to = """grep -qsE '"iptables": *false' /etc/docker/daemon.json"""

    def decide(seen: Observed) -> Change | None:
        change = restart.decide(seen)
        return change and replace(change, apply=f"{change.apply}\n{told_not_to} || {{ {' && '.join(looks)}; }} || {missing}")

    return replace(restart, decide=decide)


def _preseeded(operation: Operation, lines: Sequence[str]) -> Operation:
    """Installing does not save the rules of the moment, among which may be Docker's (F-3)."""
    if not lines:
        return operation

    def decide(seen: Observed) -> Change | None:
        change = operation.decide(seen)
        return change and replace(change, apply=f"printf '%s\\n' {' '.join(map(quote, lines))} | debconf-set-selections\n{change.apply}")

    return replace(operation, decide=decide)
