"""What facts.sh printed, taken apart: sections that begin with `@@name`."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

__all__ = ["BlockDevice", "FactsText", "Interface", "boot_identity"]

# The order in which facts.sh asks systemctl; of several active ones, the first is the one that has to give way (spec IPT-1).
_FIREWALLS = ("firewalld", "ufw", "nftables", "iptables", "netfilter-persistent")
# What it asks systemctl for after these.
_NETWORK_SERVICES = ("NetworkManager", "systemd-networkd")
# By the files that a stack without a service of its own has; the first one that is there.
_NETWORK_FILES = {"/etc/netplan/": "netplan", "/etc/sysconfig/network-scripts/ifup": "network-scripts", "/sbin/ifup": "ifupdown"}


@dataclass(frozen=True)
class Interface:
    """A network interface.

    :param mac: `02:42:0a:53:00:04`, "" where there is none.
    :param up: whether it is not known to be down (operstate; loopback says `unknown`).
    :param addresses: with prefix length, `10.83.0.4/24`, in the kernel's order.
    """

    name: str
    mac: str
    up: bool
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class BlockDevice:
    """A disk or what lies on it (lsblk(8)).

    :param parent: the disk of a partition, "" for a disk.
    :param type: disk, part, lvm, loop, rom, …
    :param size: in bytes.
    :param filesystem: `ext4`, `LVM2_member`, "" when nothing is recognised.
    """

    name: str
    parent: str
    type: str
    size: int
    filesystem: str
    mountpoint: str
    model: str
    serial: str


class FactsText:
    """The sections, each read when it is asked for; what a host did not say is empty.

    :param text: the output of facts.sh.
    """

    def __init__(self, text: str) -> None:
        self._sections: dict[str, list[str]] = defaultdict(list)
        lines: list[str] = []
        for line in text.splitlines():
            if line.startswith("@@"):
                lines = self._sections[line[2:]]
            elif line:
                lines.append(line)
        self.words = _pairs(self._sections["words"])
        self._files: dict[str, list[str]] = defaultdict(list)
        for line in self._sections["files"]:
            path, _, content = line.partition(":")
            self._files[path].append(content)

    def word(self, name: str) -> str:
        """The last value of a word, "" without one."""
        return self.words.get(name, [""])[-1]

    def file(self, path: str) -> str:
        """The first line of a file, "" when it is absent or empty."""
        return next(iter(self._files.get(path, [])), "").strip()

    @cached_property
    def os_release(self) -> dict[str, str]:
        """os-release(5) without its quotes."""
        return {key: values[-1].strip("\"'") for key, values in _pairs(self._files["/etc/os-release"]).items()}

    @cached_property
    def session(self) -> dict[str, str]:
        """SSH_CONNECTION and the proxy variables of the login."""
        return {key: values[-1] for key, values in _pairs(self._sections["session"]).items()}

    @property
    def python_version(self) -> str:
        """`3.11.2`."""
        match = re.search(r"^Python (\S+)", "\n".join(self._sections["words"]), re.MULTILINE)
        return match[1] if match else ""

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """In the order of /sys/class/net."""
        addresses: dict[str, list[str]] = defaultdict(list)
        for line in self._sections["addresses"]:
            words = line.split()
            if len(words) > 3 and words[2] in ("inet", "inet6"):
                # A point-to-point address has no prefix length of its own.
                addresses[words[1]].append(words[3] if "/" in words[3] else f"{words[3]}/{'32' if words[2] == 'inet' else '128'}")
        names = [path.split("/")[4] for path in self._files if path.startswith("/sys/class/net/") and path.endswith("/operstate")]
        return tuple(
            Interface(
                name,
                self.file(f"/sys/class/net/{name}/address"),
                self.file(f"/sys/class/net/{name}/operstate") not in ("down", "lowerlayerdown", "notpresent"),
                tuple(addresses[name]),
            )
            for name in names
        )

    @property
    def default_route(self) -> str:
        """The interface of the first default route."""
        for line in self._sections["routes"]:
            match = re.match(r"default\b.* dev (\S+)", line)
            if match:
                return match[1]
        return ""

    @property
    def routes(self) -> tuple[str, ...]:
        """Destinations with prefix length, the default route left out."""
        words = [line.split() for line in self._sections["routes"]]
        kinds = ("unreachable", "blackhole", "prohibit", "throw")
        destinations = [line[1] if line[0] in kinds and len(line) > 1 else line[0] for line in words]
        return tuple(text if "/" in text else f"{text}/32" for text in destinations if text != "default")

    @property
    def block_devices(self) -> tuple[BlockDevice, ...]:
        """As lsblk(8) lists them."""
        devices = []
        for line in self._sections["blocks"]:
            of = dict(re.findall(r'([A-Z]+)="([^"]*)"', line))
            size = int(of.get("SIZE") or 0)
            texts = (of.get("FSTYPE", ""), of.get("MOUNTPOINT", ""), of.get("MODEL", "").strip(), of.get("SERIAL", "").strip())
            devices.append(BlockDevice(of.get("NAME", ""), of.get("PKNAME", ""), of.get("TYPE", ""), size, *texts))
        return tuple(devices)

    @property
    def cgroup(self) -> tuple[tuple[str, ...], Literal["v1", "v2", "hybrid"]]:
        """Mount options of the hierarchy that counts, and which version it is."""
        mounts = [words for line in self._sections["cgroup"] if len(words := line.split()) > 3]
        unified = [words for words in mounts if words[2] == "cgroup2"]
        controllers = [words for words in mounts if words[2] == "cgroup"]
        options = [words[3].split(",") for words in (unified or controllers)]
        found = tuple(dict.fromkeys(option for one in options for option in one))
        return found, "v1" if not unified else "hybrid" if controllers else "v2"

    @property
    def selinux(self) -> str:
        """enforcing, permissive, disabled, or "" where there is none."""
        if enforce := self.file("/sys/fs/selinux/enforce"):
            return "enforcing" if enforce == "1" else "permissive"
        return "disabled" if self.word("selinux-config") else ""

    @property
    def sshd(self) -> dict[str, str]:
        """Effective settings; those that may be given several times (listenaddress, hostkey) one a line."""
        settings: dict[str, str] = {}
        for line in self._sections["sshd"]:
            name, _, value = line.partition(" ")
            settings[name] = f"{settings[name]}\n{value}" if name in settings else value
        return settings

    @property
    def sshd_version(self) -> str:
        """`9.2p1`, or as much of it as sshd says."""
        match = re.search(r"OpenSSH_([\w.]+)", " ".join(self._sections["sshd-version"]))
        return match[1] if match else ""

    @property
    def firewall(self) -> str:
        """The active firewall service."""
        states = self._sections["firewall"]
        return next((name for name, state in zip(_FIREWALLS, states, strict=False) if state == "active"), "")

    @property
    def network_stack(self) -> str:
        """What sets up the interfaces: netplan drives one of the services; without a service, it is the one whose programs are there."""
        states = self._sections["firewall"][len(_FIREWALLS) :]
        running = [name for name, state in zip(_NETWORK_SERVICES, states, strict=False) if state == "active"]
        found = [stack for start, stack in _NETWORK_FILES.items() if any(path.startswith(start) for path in self.words.get("network", []))]
        return next(iter(["netplan"] * ("netplan" in found) + running + found), "")

    @property
    def docker(self) -> tuple[str, str]:
        """Version and swarm state."""
        said = _pairs(self._sections["docker"])
        installed = re.search(r"^Docker version ([^,\s]+)", "\n".join(self._sections["docker"]), re.MULTILINE)
        version = said.get("version", [installed[1] if installed else ""])[-1]
        return version, said.get("swarm", [""])[-1]

    @property
    def free(self) -> tuple[int, int]:
        """Bytes available on / and on /var, as df(1) lists them; 0 where it does not tell."""
        rows = [line.split() for line in self._sections["free"][1:]]
        available = [int(row[3]) * 1024 for row in rows if len(row) > 5 and row[3].isdigit()]
        return (available[0], available[-1]) if available else (0, 0)

    @property
    def reboot_required(self) -> bool:
        """The host says so, or a newer kernel than the running one is installed."""
        running = self.file("/proc/sys/kernel/osrelease")
        installed = self.words.get("kernel", [])
        # A kernel of another kind (a container's host, a hand-made one) cannot be compared.
        newer = running in installed and _version_key(running) < max(map(_version_key, installed))
        return bool(self.word("reboot-required")) or newer


def boot_identity(boot_id: str, stat: str) -> str:
    """What differs after every restart. A container has its machine's boot id, so the start time of process 1 belongs to it.

    :param boot_id: /proc/sys/kernel/random/boot_id.
    :param stat: /proc/1/stat, see proc(5); the 22nd word is the start time.
    """
    words = stat.rpartition(")")[2].split()
    return f"{boot_id.strip()}.{words[19]}" if len(words) > 19 else boot_id.strip()


def _pairs(lines: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        key, sign, value = line.partition("=")
        if sign:
            found[key].append(value)
    return dict(found)


def _version_key(release: str) -> list[tuple[bool, int, str]]:
    """Numbers compare as numbers, and come after letters."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.findall(r"\d+|[a-z]+", release)]
