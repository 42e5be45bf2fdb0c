"""Host keys are pinned once and never replaced in silence (design.md 4)."""

import shutil
import subprocess
import threading

import pytest
from paramiko import ECDSAKey, HostKeys
from paramiko.ed25519key import Ed25519Key

from hive_nornir.errors import HostKeyChanged, UsageError
from hive_nornir.inventory.known_hosts import KnownHosts

ED1 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
ED2 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJKKGkcw5g5BOJQ1FfKrz7zJb8mDAS7qtW4ZkmnQGQ0x"


@pytest.fixture
def pins(tmp_path):
    return KnownHosts(tmp_path / "known_hosts")


def text(key):
    return f"{key.get_name()} {key.get_base64()}"


def test_a_key_is_pinned_under_all_names_and_only_once(pins):
    assert pins.keys("hive0.x") == []
    assert pins.pin(["hive0.x", "10.0.0.4"], f"{ED1} root@hive0")
    assert not pins.pin(["hive0.x"], ED1)
    assert pins.pin(["hive0.x", "10.0.0.9"], ED1)
    assert pins.file.read_text() == f"hive0.x,10.0.0.4 {ED1}\n10.0.0.9 {ED1}\n"
    assert [text(key) for key in pins.keys("10.0.0.4")] == [ED1]
    assert isinstance(pins.keys("hive0.x")[0], Ed25519Key)
    assert oct(pins.file.stat().st_mode)[-3:] == "644"


def test_another_port_is_another_host(pins):
    pins.pin(["localhost"], ED1, port=2222)
    assert pins.file.read_text() == f"[localhost]:2222 {ED1}\n"
    assert (len(pins.keys("localhost", 2222)), pins.keys("localhost")) == (1, [])
    pins.pin(["localhost"], ED2)


def test_another_key_is_refused_until_the_old_one_is_removed(pins):
    pins.pin(["hive0.x", "10.0.0.4"], ED1)
    with pytest.raises(HostKeyChanged, match=r"10\.0\.0\.4 has another ssh-ed25519 key.*rebuilt"):
        pins.pin(["new.x", "10.0.0.4"], ED2)
    assert pins.keys("new.x") == []
    assert pins.remove(["10.0.0.4"])
    assert pins.file.read_text() == f"hive0.x {ED1}\n"
    assert pins.remove(["hive0.x"])
    assert not pins.remove(["hive0.x"])
    assert pins.pin(["hive0.x", "10.0.0.4"], ED2)


def test_keys_of_other_types_stand_beside_each_other(pins):
    ecdsa = ECDSAKey.generate()
    pins.pin(["hive0.x"], ED1)
    pins.pin(["hive0.x"], ecdsa)
    assert {key.get_name() for key in pins.keys("hive0.x")} == {"ssh-ed25519", "ecdsa-sha2-nistp256"}


def test_foreign_lines_stay_and_hashed_names_count(pins):
    hashed = f"{HostKeys.hash_host('hive1.x')} {ED1}"
    pins.file.write_text(f"# a comment\n@revoked * {ED2}\n{hashed}\nbroken line\n")
    assert [text(key) for key in pins.keys("hive1.x")] == [ED1]
    assert not pins.pin(["hive1.x"], ED1)
    with pytest.raises(HostKeyChanged, match="revoked"):
        pins.pin(["hive0.x"], ED2)
    pins.remove(["hive1.x"])
    assert pins.file.read_text() == f"# a comment\n@revoked * {ED2}\nbroken line\n"


@pytest.mark.parametrize("key", ["", "ssh-ed25519", "ssh-ed25519 AAAA", "nonsense AAAA", "ssh-ed25519 !!!!"])
def test_what_is_no_key_is_refused(pins, key):
    with pytest.raises(UsageError, match="not a public host key"):
        pins.pin(["hive0.x"], key)
    assert not pins.file.exists()


def test_many_hosts_can_be_pinned_at_once(pins):
    names = [f"hive{number}.x" for number in range(12)]
    threads = [threading.Thread(target=KnownHosts(pins.file).pin, args=([name], ED1)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert all(pins.keys(name) for name in names)
    assert len(pins.file.read_text().splitlines()) == 12


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="needs ssh-keygen(1)")
def test_openssh_finds_what_we_pin(pins):
    pins.pin(["hive0.x"], ED1)
    pins.pin(["localhost"], ED2, port=2222)
    for name in ("hive0.x", "[localhost]:2222"):
        subprocess.run(["ssh-keygen", "-F", name, "-f", str(pins.file)], check=True, capture_output=True, timeout=20)
