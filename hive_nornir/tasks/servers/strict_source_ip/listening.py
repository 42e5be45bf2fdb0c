"""L-1: the ports on which sshd listens."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from hive_nornir.errors import OperationFailed
from hive_nornir.operations import files
from hive_nornir.operations.core import Change, Guard, Observed, Operation, quote
from hive_nornir.tasks import selinux

if TYPE_CHECKING:
    from hive_nornir.tasks.os_model import OsData, Sshd
    from hive_nornir.tasks.role import Target

__all__ = ["listens_on", "port_guard", "port_label"]

_HEADER = "# Written by hive-nornir: role strict-source-ip."
_EFFECTIVE = "{ sshd -T 2>/dev/null || sshd -T -C user=root,host=localhost,addr=127.0.0.1 2>/dev/null; } | sed -n 's/^port //p'"
# Of sshd, or of systemd on its behalf; `ss` of EL 7 has no -H.
_LISTENING = r"""ss -ltnp | awk '/"(sshd|systemd)"/ { sub(/.*:/, "", $4); print $4 }'"""


def port_guard(os: OsData, reason: str, port: int) -> Guard:
    """Puts sshd's files back and has it listen as before; the login that proves the way in is tried on `port`."""
    kept = " ".join(map(quote, filter(None, (os.sshd.config, _dropin(os.sshd)))))
    return Guard(reason, f"hv_keep {kept}", f"hv_putback\n{_take_over(os.sshd)}", port=port)


def port_label(host: Target, port: int) -> list[Operation]:
    """SSI-3: SELinux lets sshd listen there."""
    if not host.os.sshd.selinux_port or port == 22:
        return []
    return selinux.port_label(host, "ssh_port_t", "tcp", port)


def listens_on(sshd: Sshd, ports: Collection[int], guard: Guard) -> list[Operation]:
    """Sshd listens on exactly these ports.

    :param guard: as `port_guard` makes it.
    """
    lines = [f"Port {port}" for port in sorted(ports)]
    # Each Port line adds one (sshd_config(5)), so those of others have to go.
    others = files.without_lines(sshd.config, r"(?i)^\s*Port\s", validate='sshd -t -f "$hv_v"', guard=guard)
    dropin = _dropin(sshd)
    if dropin:
        ours = files.content(dropin, "\n".join([_HEADER, *lines, ""]), mode=0o600, guard=guard)
    else:
        ours = files.block(sshd.config, lines, marker="port", at="start", validate='sshd -t -f "$hv_v"', guard=guard)
    return [others, ours, _listening(sshd, set(ports), [others, ours], guard)]


def _listening(sshd: Sshd, ports: set[int], on: Sequence[Operation], guard: Guard) -> Operation:
    shown = ", ".join(map(str, sorted(ports)))

    def decide(seen: Observed) -> Change | None:
        configured, _, listening = (set(part.split()) for part in seen.text.partition("@@"))
        wanted = {str(port) for port in ports}
        # Other ports that systemd listens on are other services'.
        if wanted <= listening and configured == wanted and not seen.triggered:
            return None
        if configured != wanted and not seen.triggered:
            raise OperationFailed(
                f"sshd has the ports {', '.join(sorted(configured))}, although ours are {shown}", "see what `sshd -T` says"
            )
        wait = "".join(_until(f"{_LISTENING} | grep -qx {port}") for port in sorted(ports))
        check = f"mkdir -p -m 755 -- {quote(sshd.run_dir)}\n" if sshd.run_dir else ""
        same = f"[ \"$({_EFFECTIVE} | sort -n | paste -sd ' ' -)\" = '{' '.join(map(str, sorted(ports)))}' ]"
        apply = f"{check}sshd -t\n{same} || {{ echo 'other files add ports to sshd' >&2; exit 1; }}\n{_take_over(sshd)}\n{wait}"
        return Change(
            f"listen on {shown}",
            apply,
            "\n".join([*(f"- port {port}" for port in sorted(configured - wanted)), *_added(wanted - configured)]),
        )

    return Operation(f"sshd listens on {shown}", f"{_EFFECTIVE}; echo @@; {_LISTENING}", decide, triggered_by=tuple(on), guard=guard)


def _added(ports: set[str]) -> list[str]:
    return [f"+ port {port}" for port in sorted(ports)]


def _take_over(sshd: Sshd) -> str:
    """Shell: sshd listens where its files say; connections stay."""
    if sshd.socket:
        return f"systemctl daemon-reload\nsystemctl restart -- {quote(sshd.socket)}"
    return f"systemctl reload -- {quote(sshd.unit)} || systemctl restart -- {quote(sshd.unit)}"


def _until(test: str) -> str:
    return f"i=0; until {test}; do i=$((i+1)); [ $i -lt 50 ] || {{ echo 'sshd does not listen' >&2; exit 1; }}; sleep 0.2; done\n"


def _dropin(sshd: Sshd) -> str:
    return f"{sshd.dropin.rpartition('/')[0]}/02-hive-port.conf" if sshd.dropin else ""
