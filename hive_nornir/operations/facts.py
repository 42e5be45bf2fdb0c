"""What a host is (spec setup-hosts.md 2.2), gathered in one round trip by facts.sh."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hive_nornir.errors import HiveError
from hive_nornir.operations.core import Operation
from hive_nornir.operations.distributions import Column, Family, classify
from hive_nornir.operations.facts_text import BlockDevice, FactsText, Interface, boot_identity

__all__ = ["BlockDevice", "Facts", "Interface", "facts_operation"]


@dataclass(frozen=True)
class Facts:
    """What a host is; every role may rely on it (spec setup-hosts.md 2.2).

    :param distribution: ID of os-release, `debian`, `almalinux`.
    :param version: VERSION_ID, `12`, `22.04`; empty for rolling releases.
    :param major: its first number, 0 for rolling releases.
    :param codename: VERSION_CODENAME, "" in the EL family.
    :param column: of the table of distributions (spec os-matrix.md); `supported` is False if it is only the most alike one.
    :param kernel: release that runs, `6.1.0-18-amd64`.
    :param init: what process 1 is called.
    :param python: path of python3, "" without one; `python_version` as `3.11.2`.
    :param ssh_client: address from which the mother is connected, "" when it does not come over SSH.
    :param ssh_address: the server's own address to which it came, and `ssh_port` the port.
    :param admin_environment: the proxy variables of the login, passwords masked.
    :param default_route: the interface of the IPv4 default route, "" without one.
    :param routes: IPv4 destinations with prefix length, the default route left out.
    :param network_stack: what sets up the interfaces: netplan, NetworkManager, systemd-networkd, network-scripts, ifupdown, or "".
    :param ipv6: the kernel has IPv6.
    :param cgroup_options: of the unified hierarchy, or of all of version 1.
    :param selinux: enforcing, permissive, disabled, or "" where there is none.
    :param sshd: effective settings (`sshd -T`), names in lower case, repeated ones joined by newlines; empty if sshd cannot tell.
    :param firewall: the active firewall service, "" without one.
    :param docker: engine version, the client's if the engine does not answer, "" when not installed.
    :param swarm: active, inactive, pending, …; "" if the engine does not answer.
    :param free_root: bytes available on /; `free_var` on /var.
    :param secure_boot: the firmware demands signed kernels and modules.
    :param boot_id: differs after every restart, of containers too.
    :param reboot_required: the host says so, or a newer kernel than the running one is installed.
    :param virtualization: as systemd-detect-virt(1) calls it, `docker`, `kvm`, `none`.
    """

    distribution: str
    name: str
    version: str
    major: int
    codename: str
    family: Family
    column: Column
    supported: bool
    kernel: str
    architecture: str
    init: str
    package_manager: Literal["apt", "dnf", "yum", "apk"]
    python: str
    python_version: str
    ssh_client: str
    ssh_address: str
    ssh_port: int
    admin_environment: Mapping[str, str]
    interfaces: tuple[Interface, ...]
    default_route: str
    routes: tuple[str, ...]
    network_stack: str
    ipv6: bool
    block_devices: tuple[BlockDevice, ...]
    cgroup: Literal["v1", "v2", "hybrid"]
    cgroup_options: tuple[str, ...]
    selinux: str
    apparmor: bool
    sshd: Mapping[str, str]
    sshd_version: str
    firewall: str
    docker: str
    swarm: str
    free_root: int
    free_var: int
    secure_boot: bool
    cloud_init: bool
    boot_id: str
    reboot_required: bool
    virtualization: str

    @classmethod
    def parse(cls, text: str, *, container: bool = False) -> Facts:
        """From what the probe of `facts_operation` printed.

        :param container: in a container, of which the image decides on the distribution.
        :raises HiveError: the host is of no known family, or said nothing that makes sense.
        """
        said = FactsText(text)
        release = said.os_release
        if not release:
            raise HiveError("the host did not tell what it is: /etc/os-release is missing or unreadable")
        version = release.get("VERSION_ID", "")
        place = classify(release.get("ID", ""), version, tuple(release.get("ID_LIKE", "").split()), container=container)
        client, _, address, port = (said.session.get("SSH_CONNECTION", "").split() + [""] * 4)[:4]
        docker, swarm = said.docker
        options, cgroup = said.cgroup
        return cls(
            distribution=release.get("ID", ""),
            name=release.get("PRETTY_NAME") or release.get("NAME", ""),
            version=version,
            major=int(match[0]) if (match := re.match(r"\d+", version)) else 0,
            codename=release.get("VERSION_CODENAME", ""),
            family=place.family,
            column=place.column,
            supported=place.supported,
            kernel=said.file("/proc/sys/kernel/osrelease"),
            architecture=said.word("architecture"),
            init=said.file("/proc/1/comm"),
            package_manager=_package_manager(place.family, said.words.get("manager", [])),
            python=said.word("python"),
            python_version=said.python_version,
            ssh_client=client,
            ssh_address=address,
            ssh_port=int(port) if port else 0,
            admin_environment={name: value for name, value in said.session.items() if name != "SSH_CONNECTION"},
            interfaces=said.interfaces,
            default_route=said.default_route,
            routes=said.routes,
            network_stack=said.network_stack,
            ipv6=bool(said.word("ipv6")),
            block_devices=said.block_devices,
            cgroup=cgroup,
            cgroup_options=options,
            selinux=said.selinux,
            apparmor=said.file("/sys/module/apparmor/parameters/enabled") == "Y",
            sshd=said.sshd,
            sshd_version=said.sshd_version,
            firewall=said.firewall,
            docker=docker,
            swarm=swarm,
            free_root=said.free[0],
            free_var=said.free[1],
            secure_boot=said.word("secure-boot").strip() == "1",
            cloud_init=bool(said.word("cloud-init")),
            boot_id=boot_identity(said.file("/proc/sys/kernel/random/boot_id"), said.file("/proc/1/stat")),
            reboot_required=said.reboot_required,
            virtualization=said.file("/run/systemd/container") or said.word("virtualization") or "none",
        )


def facts_operation() -> Operation:
    """An operation that never changes anything and whose observed text is what `Facts.parse` reads."""
    return Operation("facts", _script(), lambda _observed: None)


@functools.cache
def _script() -> str:
    lines = Path(__file__).with_name("facts.sh").read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if line and not line.startswith("#"))


def _package_manager(family: Family, present: list[str]) -> Literal["apt", "dnf", "yum", "apk"]:
    """The family's own: a tool of the other one may be installed beside it."""
    if family != "el":
        return "apt" if family == "debian" else "apk"
    return "dnf" if "dnf" in present else "yum"
