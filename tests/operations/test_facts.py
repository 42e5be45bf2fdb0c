"""From what facts.sh printed to facts. Debian's recordings are real; AlmaLinux' and CentOS' are composed after the programs' manuals."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_nornir.errors import HiveError
from hive_nornir.operations.facts import BlockDevice, Facts, Interface, facts_operation
from tests.operations.recorded import recording

RECORDINGS = ["facts/debian-12.txt", "facts/debian-12-docker.txt", "facts/almalinux-9.txt", "facts/centos-7.txt"]


def facts(name: str) -> Facts:
    return Facts.parse(recording(f"facts/{name}.txt"))


def test_a_debian_server_of_the_sandbox() -> None:
    seen = facts("debian-12")
    assert (seen.distribution, seen.version, seen.major, seen.codename, seen.family, seen.column) == (
        "debian",
        "12",
        12,
        "bookworm",
        "debian",
        "D12",
    )
    assert (seen.package_manager, seen.init, seen.virtualization, seen.architecture) == ("apt", "systemd", "docker", "x86_64")
    assert (seen.ssh_client, seen.ssh_address, seen.ssh_port) == ("10.83.0.1", "10.83.0.5", 22)
    assert (seen.default_route, seen.routes) == ("eth0", ("10.83.0.0/24",))
    assert Interface("eth0", "02:42:0a:53:00:05", True, ("10.83.0.5/24",)) in seen.interfaces
    assert (seen.python, seen.docker, seen.swarm, seen.firewall) == ("", "", "", "")
    assert seen.sshd["passwordauthentication"] in ("yes", "no")
    assert seen.sshd_version == "9.2"
    assert seen.cgroup == "hybrid"
    assert seen.free_root > 10**9


def test_docker_and_the_state_of_its_swarm() -> None:
    seen = facts("debian-12-docker")
    assert (seen.docker, seen.swarm, seen.firewall) == ("20.10.24+dfsg1", "active", "iptables")
    assert seen.routes == ("10.83.0.0/24", "172.17.0.0/16", "172.18.0.0/16")


def test_an_installed_docker_that_does_not_answer_has_a_version_and_no_swarm() -> None:
    assert (facts("centos-7").docker, facts("centos-7").swarm) == ("26.1.4", "")


def test_an_el_server_with_two_disks_and_ipv6() -> None:
    seen = facts("almalinux-9")
    assert (seen.family, seen.column, seen.supported, seen.package_manager) == ("el", "EL9", True, "dnf")
    assert (seen.ssh_client, seen.ssh_address, seen.ssh_port) == ("2001:db8::7", "2001:db8::104", 10022)
    assert (seen.selinux, seen.apparmor, seen.secure_boot, seen.cloud_init) == ("enforcing", False, True, True)
    assert (seen.python, seen.python_version, seen.sshd_version) == ("/usr/bin/python3", "3.9.18", "8.7p1")
    assert seen.firewall == "firewalld"
    assert (seen.cgroup, "nsdelegate" in seen.cgroup_options) == ("v2", True)
    assert (seen.free_root, seen.free_var) == (15968256 * 1024, 51993600 * 1024)
    assert seen.block_devices[1] == BlockDevice("vda1", "vda", "part", 1073741824, "xfs", "/boot", "", "")
    assert seen.block_devices[-1] == BlockDevice("vdb", "", "disk", 107374182400, "", "", "QEMU HARDDISK", "drbd0")
    assert [interface.up for interface in seen.interfaces] == [True, False, True]
    assert seen.interfaces[0].addresses == ("10.0.0.4/24", "2001:db8::104/64", "fe80::5054:ff:fe12:3456/64")
    assert seen.routes == ("10.0.0.0/24", "192.0.2.7/32", "198.51.100.0/24")
    assert seen.sshd["listenaddress"] == "[::]:10022\n0.0.0.0:10022"
    assert seen.admin_environment == {"http_proxy": "http://***@10.0.0.4:3128", "no_proxy": "localhost,127.0.0.1,p-hive0.example"}


def test_a_newer_kernel_than_the_running_one_asks_for_a_restart() -> None:
    text = recording("facts/almalinux-9.txt")
    assert Facts.parse(text).reboot_required
    # 427.13 is newer than 427.9, although "9" sorts after "1".
    assert not Facts.parse(text.replace("kernel=5.14.0-503.11.1.el9_5.x86_64\n", "")).reboot_required
    assert not facts("debian-12").reboot_required


def test_a_small_host_is_disabled_and_v1() -> None:
    seen = facts("centos-7")
    assert (seen.column, seen.package_manager, seen.selinux, seen.cgroup, seen.ipv6) == ("EL7", "yum", "disabled", "v1", False)


def test_the_boot_differs_when_process_1_was_started_anew() -> None:
    text = recording("facts/debian-12.txt")
    start = Facts.parse(text).boot_id.rpartition(".")[2]
    assert Facts.parse(text.replace(f" {start} ", " 999999 ")).boot_id != Facts.parse(text).boot_id


def test_a_host_that_does_not_say_what_it_is() -> None:
    with pytest.raises(HiveError, match="os-release"):
        Facts.parse("")


@given(st.sampled_from(RECORDINGS), st.integers(0, 9000))
def test_what_is_cut_off_is_an_empty_fact_or_a_plain_error(name: str, at: int) -> None:
    text = recording(name)[:at]
    try:
        assert Facts.parse(text).family in ("debian", "el")
    except HiveError:
        assert not re.search(r"^/etc/os-release:ID=\S+\n", text, re.MULTILINE)


def test_the_script_runs_in_a_plain_posix_shell_and_says_nothing_but_facts() -> None:
    shell = shutil.which("dash") or "/bin/sh"
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    done = subprocess.run(
        [shell, "-c", facts_operation().probe], env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, b"")
    seen = Facts.parse(done.stdout.decode("utf-8", "surrogateescape"))
    assert seen.kernel == Path("/proc/sys/kernel/osrelease").read_text().strip()
    assert any("127.0.0.1/8" in interface.addresses for interface in seen.interfaces) or not seen.interfaces


@pytest.mark.parametrize(
    ("words", "services", "stack"),
    [
        ("", [], ""),
        ("network=/sbin/ifup", [], "ifupdown"),
        ("", ["inactive", "active"], "systemd-networkd"),
        ("network=/etc/netplan/50-cloud-init.yaml", ["inactive", "active"], "netplan"),
        ("network=/etc/sysconfig/network-scripts/ifup\nnetwork=/sbin/ifup", ["active", "inactive"], "NetworkManager"),
        ("network=/etc/sysconfig/network-scripts/ifup\nnetwork=/sbin/ifup", ["inactive", "inactive"], "network-scripts"),
    ],
)
def test_what_sets_up_the_interfaces(words: str, services: list[str], stack: str) -> None:
    text = recording("facts/debian-12.txt").replace("@@words\n", f"@@words\n{words}\n", 1)
    head, _, tail = text.partition("@@firewall\n")
    states = "\n".join(["inactive"] * 5 + services)
    assert Facts.parse(f"{head}@@firewall\n{states}\n{tail[tail.index('@@') :]}").network_stack == stack
