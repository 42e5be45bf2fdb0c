"""Role ssh-connection: machines that the tool did not create can be reached (spec setup-hosts.md 4.1)."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from pydantic import Field

from hive_nornir.connections.ssh import fingerprint
from hive_nornir.errors import OperationFailed
from hive_nornir.inventory.known_hosts import KnownHosts
from hive_nornir.operations.core import Change, Observed, Operation
from hive_nornir.tasks.role import Steps, Target, Variables, role

if TYPE_CHECKING:
    import paramiko

__all__ = ["FirstContact", "SshConnectionVariables", "ssh_connection"]

# What scripts on a server are made of; Python is not among it, which is all that SSHC-3 asks for one.
TOOLS = (
    "awk",
    "base64",
    "chmod",
    "cut",
    "find",
    "findmnt",
    "grep",
    "mktemp",
    "readlink",
    "sed",
    "sha256sum",
    "stat",
    "systemctl",
    "timeout",
)


_PUBLIC_KEY = re.compile(r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d+) [A-Za-z0-9+/]+=*")


class SshConnectionVariables(Variables):
    """What ssh-connection reads."""

    hive_provider: str = Field("", description="The infrastructure that the server comes from.")
    hive_host_key_fingerprint: str = Field(
        "", description="Fingerprint of the server's host key, `SHA256:…` as `ssh-keygen -l` shows it; the first contact accepts no other."
    )


def _is_foreign(v: SshConnectionVariables) -> bool:
    return v.hive_provider in ("kickstart", "prepared")


@role(when=_is_foreign, condition="the provider is kickstart or prepared")
def ssh_connection(host: Target, v: SshConnectionVariables) -> Steps:
    """Prove that a server that the tool did not create can be logged in to, and that its administrator may become root.

    On first contact the server's host key is shown and pinned; with a fingerprint in the inventory only that key is. Its keys of other
    types are pinned too, since they come over that connection. A key that has changed is never accepted.
    """
    contact = FirstContact(host, v.hive_host_key_fingerprint)
    # SSHC-1: one attempt may take 20 s, which is the target's own limit; whoever does not answer fails, and the report names them together.
    host.transport.target = dataclasses.replace(host.transport.target, learn=contact.accept)
    yield [_entry(), contact.pinned(), contact.other_types()]


class FirstContact:
    """SSHC-2: what is done with the key of a host of which none is pinned yet.

    :param wanted: fingerprint that it must have; "" for any.
    """

    def __init__(self, host: Target, wanted: str) -> None:
        self.host = host
        self.wanted = wanted
        self.shown = ""
        self._pins = KnownHosts(host.site.context.known_hosts)

    def accept(self, name: str, port: int, key: paramiko.PKey) -> bool:
        """Whether to go on with this key; pins it, except in a dry run."""
        shown = fingerprint(key)
        if self.wanted and shown.split()[-1] != self.wanted:
            return False
        self.shown = shown
        if not self.host.check:
            self._pins.pin([name, self.host.transport.target.hostname], key, port)
        return True

    def pinned(self) -> Operation:
        """The key is pinned under the server's name and under its address."""
        told: list[str] = []

        def decide(_seen: Observed) -> Change | None:
            if self.shown and not told:
                told.append(self.shown)
                return Change(f"pinned on first contact: {self.shown}", ":", f"+ {self.shown}")
            return None if told or not self._pin_address() else Change("pinned under its address too", ":")

        return Operation("host key", ":", decide, verify=False)

    def other_types(self) -> Operation:
        """The server's keys of the types that it did not show us, for those who ask it for another one (USR-5)."""
        target = self.host.transport.target

        def decide(seen: Observed) -> Change | None:
            known = {f"{key.get_name()} {key.get_base64()}" for key in self._pins.keys(self.host.name, target.port)}
            new = [line for line in seen.text.splitlines() if _PUBLIC_KEY.fullmatch(line) and line not in known]
            if not self.host.check:
                for line in new:
                    self._pins.pin([self.host.name, target.hostname], line, target.port)
            return (
                Change(f"pinned {', '.join(line.split()[0] for line in new)}", ":", "\n".join(f"+ {line}" for line in new)) if new else None
            )

        probe = "for hv_k in $(sshd -T 2>/dev/null | sed -n 's/^hostkey //p'); do cut -d ' ' -f 1,2 <\"$hv_k.pub\"; done"
        return Operation("host keys of other types", probe, decide, verify=False)

    def _pin_address(self) -> bool:
        """A key that was pinned under the name alone; whether there is something to do, which is done except in a dry run."""
        target = self.host.transport.target
        missing = [key for key in self._pins.keys(self.host.name, target.port) if key not in self._pins.keys(target.hostname, target.port)]
        if not self.host.check:
            for key in missing:
                self._pins.pin([target.hostname], key, target.port)
        return bool(missing)


def _entry() -> Operation:
    """SSHC-1, SSHC-3: we are in, are root, and find what scripts need."""
    probe = f"id -u; for hv_t in {' '.join(TOOLS)}; do command -v $hv_t >/dev/null || echo $hv_t; done"

    def decide(seen: Observed) -> Change | None:
        user, *missing = seen.text.split()
        if user != "0":
            raise OperationFailed("the administrator cannot become root", "give it passwordless sudo")
        if missing:
            raise OperationFailed(f"the server lacks {', '.join(missing)}", "install them: this tool needs systemd and a POSIX user land")
        return None

    return Operation("login as administrator, then root", probe, decide)
