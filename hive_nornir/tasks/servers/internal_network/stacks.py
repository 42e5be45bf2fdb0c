"""How each network stack is told to give an interface an address, for ever: a profile, and bringing it up.

The profile is called internal_net everywhere. It has neither gateway nor name servers (INET-2).
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Interface
from typing import TYPE_CHECKING

from hive_nornir.operations import files
from hive_nornir.operations.core import Change, Guard, Observed, Operation, quote

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target

__all__ = ["Stack", "stack_of"]

NAME = "internal_net"
_KEYFILES = "/etc/NetworkManager/system-connections"
_HEADER = "# Written by hive-nornir: role internal-network."


@dataclass(frozen=True)
class Stack:
    """One of the programs that set up interfaces.

    :param kind: as facts call it.
    :param unit: its service, "" without one.
    :param packages: that have to be there.
    :param script_folder: where network-scripts has its files.
    """

    kind: str
    unit: str
    packages: tuple[str, ...]
    interface: str
    address: IPv4Interface
    script_folder: str = ""

    def profile(self) -> list[Operation]:
        """The operations that tell it."""
        if self.kind == "NetworkManager":
            return [self._connection()]
        path, mode, text = self._file()
        return [files.with_folder(files.content(path, text, mode=mode, guard=self.guard()), path.rpartition("/")[0])]

    def bring_up(self) -> str:
        """Shell: the stack takes over what the profile says."""
        interface = quote(self.interface)
        return {
            "NetworkManager": f"nmcli connection up {NAME}",
            "netplan": "netplan generate\nnetplan apply",
            "systemd-networkd": f"networkctl reload\nnetworkctl reconfigure {interface}",
            "ifupdown": f"ifdown --force {interface} 2>/dev/null || :\nifup {interface}",
            "network-scripts": f"ifdown {interface} || :\nifup {interface}",
        }[self.kind]

    def guard(self) -> Guard:
        """Puts the profile and the interface's addresses back (L-7); while the host starts, the profile alone: the stack comes later."""
        interface = quote(self.interface)
        path = "" if self.kind == "NetworkManager" else self._file()[0]
        save = f"ip -o -4 addr show dev {interface} | awk '{{print $4}}' >$G/addresses"
        addresses = f"ip addr flush dev {interface}; while read -r a; do ip addr add $a dev {interface}; done <$G/addresses"
        back = f'[ -n "$hv_boot" ] || {{ {addresses}; }}'
        if self.kind == "NetworkManager":
            save += f"; nmcli -g connection.id connection show {NAME} >/dev/null 2>&1 && : >$G/had || :"
            gone = f"nmcli connection delete {NAME} || rm -f {_KEYFILES}/{NAME}.nmconnection {self.script_folder}/ifcfg-{NAME}"
            back = f"[ -e $G/had ] || {gone}; {back}"
        else:
            save, back = f"{save}; hv_keep {quote(path)}", f"hv_putback; {back}"
        return Guard(f"the network of {self.interface}", save, back)

    def _file(self) -> tuple[str, int, str]:
        """Path, mode and text of the profile."""
        interface, address = self.interface, self.address
        if self.kind == "netplan":
            # netplan(5) warns of files that others can read.
            text = f"network:\n  version: 2\n  ethernets:\n    {interface}:\n      dhcp4: false\n      addresses: [{address}]\n"
            return f"/etc/netplan/60-{NAME}.yaml", 0o600, f"{_HEADER}\n{text}"
        if self.kind == "systemd-networkd":
            text = f"[Match]\nName={interface}\n\n[Network]\nAddress={address}\n"
            return f"/etc/systemd/network/10-{NAME}.network", 0o644, f"{_HEADER}\n{text}"
        if self.kind == "ifupdown":
            text = f"auto {interface}\niface {interface} inet static\n    address {address}\n"
            return f"/etc/network/interfaces.d/{NAME}", 0o644, f"{_HEADER}\n{text}"
        text = f"DEVICE={interface}\nONBOOT=yes\nBOOTPROTO=none\nIPADDR={address.ip}\nPREFIX={address.network.prefixlen}\nDEFROUTE=no\n"
        return f"{self.script_folder}/ifcfg-{interface}", 0o644, f"{_HEADER}\n{text}"

    def _connection(self) -> Operation:
        """NetworkManager's connection, by nmcli: the form of its files differs between EL 7 and EL 10."""
        wanted = {
            "connection.type": "802-3-ethernet",
            "connection.interface-name": self.interface,
            "connection.autoconnect": "yes",
            "ipv4.method": "manual",
            "ipv4.addresses": str(self.address),
            "ipv4.gateway": "",
            "ipv4.dns": "",
            "ipv4.never-default": "yes",
        }
        settings = " ".join(f"{name} {quote(value)}" for name, value in wanted.items() if name not in ("connection.type",))
        add = f"nmcli connection add type ethernet con-name {NAME} ifname {quote(self.interface)} {settings}"

        def decide(seen: Observed) -> Change | None:
            if seen.exit_code:
                return Change("new", add, "\n".join(f"+ {name} {value}" for name, value in wanted.items()))
            now = {name: value.replace("\\:", ":") for name, _, value in (line.partition(":") for line in seen.text.splitlines())}
            differing = {name: value for name, value in wanted.items() if now.get(name, "") != value}
            if not differing:
                return None
            diff = "\n".join(line for name, value in differing.items() for line in (f"- {name} {now.get(name, '')}", f"+ {name} {value}"))
            return Change(", ".join(differing), f"nmcli connection modify {NAME} {settings}", diff)

        probe = f"nmcli -t -f {','.join(wanted)} connection show {NAME} 2>/dev/null"
        return Operation(f"connection {NAME}", probe, decide, guard=self.guard())


def stack_of(host: Target, interface: str, address: IPv4Interface) -> Stack:
    """The stack that sets up the server's interfaces: the active one, else its distribution's own if that has a service, else systemd's."""
    units = {"NetworkManager": "NetworkManager.service", "systemd-networkd": "systemd-networkd.service"}
    own = host.os.network.stack
    kind = host.facts.network_stack or (own if own in units else "systemd-networkd")
    packages = tuple(host.os.network.packages) if kind == own else ()
    return Stack(kind, units.get(kind, ""), packages, interface, address, host.os.network.script_folder)
