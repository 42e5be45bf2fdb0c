"""The host: its addresses, its packet filter, and what it says to its neighbours. Thin: nothing is decided here."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hive_vip import links, packets, rules
from hive_vip.errors import CommandFailedError
from hive_vip.labels import IPAddress
from hive_vip.ledger import Entry

__all__ = ["Host"]

_SECONDS = 20
_TOOL = {4: "iptables", 6: "ip6tables"}


class Host:
    """What the daemon does to its host, and sees of it."""

    def links(self) -> list[links.Link]:
        """The interfaces with their addresses."""
        return links.parse(_run(["ip", "-j", "addr", "show"]))

    def add(self, entry: Entry) -> None:
        """Put an address on its interface."""
        command = ["ip", "addr", "add", f"{entry.address}/{entry.prefix}", "dev", entry.interface]
        if entry.address.version == 6:
            # The former holder may be there for a moment yet, which would stop the address for good (SWX-14). And it is for those who call
            # it: the host itself must not choose it as the source of its own connections, which would end with it.
            command += ["nodad", "preferred_lft", "0"]
        else:
            # Else the kernel takes away all addresses of the same network with the first of them (L-15).
            with suppress(OSError):
                Path(f"/proc/sys/net/ipv4/conf/{entry.interface}/promote_secondaries").write_text("1")
        _run(command)

    def remove(self, entry: Entry) -> None:
        """Take an address from its interface."""
        _run(["ip", "addr", "del", f"{entry.address}/{entry.prefix}", "dev", entry.interface])

    def saved(self, version: int) -> rules.Saved:
        """The packet filter's rules of one version of IP; none where the host does not have that."""
        try:
            return rules.parse(_run([f"{_TOOL[version]}-save"]))
        except CommandFailedError:
            if version == 6 and not Path("/proc/net/if_inet6").exists():
                return rules.Saved({})
            raise

    def restore(self, version: int, text: str) -> None:
        """Change rules, each table in one transaction, when nobody else does (SWX-9)."""
        _run([f"{_TOOL[version]}-restore", "-w", "10", "--noflush"], text)

    def forget_flows(self, address: IPAddress) -> None:
        """UDP that came before there were rules goes on past them as long as it does not pause, unless the kernel forgets it."""
        with suppress(CommandFailedError):  # also when there was none; and where conntrack is not installed, it pauses some time
            _run(["conntrack", "-D", "-f", f"ipv{address.version}", "-p", "udp", "-d", str(address)])

    def announce(self, entry: Entry) -> None:
        """Tell the neighbours where an address is now; nothing on an interface that has none."""
        link = links.named(self.links(), entry.interface)
        if link and link.mac:
            packets.announce(link.name, link.mac, entry.address)

    def ping(self, entry: Entry, router: IPAddress) -> None:
        """Have a router answer from the address, within two seconds.

        :raises CommandFailedError: it does not.
        """
        target = f"{router}%{entry.interface}" if router.version == 6 and router.is_link_local else str(router)
        _run(["ping", f"-{router.version}", "-n", "-q", "-c", "1", "-W", "2", "-I", str(entry.address), target])


def _run(command: Sequence[str], text: str = "") -> str:
    """What a program prints.

    :raises CommandFailedError: it failed, is not there, or took too long.
    """
    try:
        done = subprocess.run(  # noqa: S603 - a list, no shell
            command, input=text, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandFailedError(f"{command[0]}: {error}") from error
    if done.returncode:
        raise CommandFailedError(f"{' '.join(command)}: {done.stderr.strip() or f'exit code {done.returncode}'}")
    return done.stdout
