"""Which keys a host may show."""

from __future__ import annotations

import subprocess

import paramiko
import pytest

from hive_nornir.connections.host_keys import HostKeys, fingerprint
from hive_nornir.connections.ssh import SshTarget
from hive_nornir.errors import ConnectionFailed, HostKeyChanged
from hive_nornir.inventory.known_hosts import KnownHosts


def key(bits=256):
    return paramiko.ECDSAKey.generate(bits=bits)


def host_keys(tmp_path, **options):
    return HostKeys(SshTarget("192.0.2.1", "admin", alias="p-hive0.x", known_hosts=tmp_path / "known_hosts", **options))


def test_the_pins_of_the_port_come_before_those_of_the_host(tmp_path):
    known, here, elsewhere = KnownHosts(tmp_path / "known_hosts"), key(), key()
    known.pin(["p-hive0.x"], here)
    assert host_keys(tmp_path, port=2222).pinned == [here]
    known.pin(["p-hive0.x"], elsewhere, port=2222)
    assert host_keys(tmp_path, port=2222).pinned == [elsewhere]
    assert host_keys(tmp_path).pinned == [here]


def test_a_revoked_key_is_no_pin_and_never_learnt(tmp_path):
    shown, asked = key(), []
    KnownHosts(tmp_path / "known_hosts").pin(["p-hive0.x"], shown)
    with (tmp_path / "known_hosts").open("a") as file:
        file.write(f"@revoked * {shown.get_name()} {shown.get_base64()}\n")
    keys = host_keys(tmp_path, learn=lambda *all: asked.append(all) or True)
    assert keys.pinned == []
    with pytest.raises(HostKeyChanged, match="revoked"):
        keys.missing_host_key(None, "p-hive0.x", shown)
    assert not asked


def test_who_is_asked_decides(tmp_path):
    shown = key()
    host_keys(tmp_path, learn=lambda *told: told == ("p-hive0.x", 22, shown)).missing_host_key(None, "p-hive0.x", shown)
    with pytest.raises(ConnectionFailed, match=r"not accepted.*SHA256:"):
        host_keys(tmp_path, learn=lambda *_: False).missing_host_key(None, "p-hive0.x", shown)
    with pytest.raises(ConnectionFailed, match=r"no host key is pinned.*SHA256:.*run build-infra"):
        host_keys(tmp_path).missing_host_key(None, "p-hive0.x", shown)


def test_no_file_and_a_damaged_line_are_no_pins(tmp_path):
    assert HostKeys(SshTarget("192.0.2.1", "admin")).pinned == []
    assert host_keys(tmp_path).pinned == []
    (tmp_path / "known_hosts").write_text("p-hive0.x ssh-rsa AAAAB3NzaC1yc2EA\np-hive0.x rubbish\n\n")
    assert host_keys(tmp_path).pinned == []


def test_the_fingerprint_is_that_of_ssh_keygen(tmp_path):
    shown = key()
    (tmp_path / "key.pub").write_text(f"{shown.get_name()} {shown.get_base64()}\n")
    done = subprocess.run(["ssh-keygen", "-lf", tmp_path / "key.pub"], capture_output=True, text=True, timeout=20, check=True)
    assert fingerprint(shown) == f"{shown.get_name()} {done.stdout.split()[1]}"
