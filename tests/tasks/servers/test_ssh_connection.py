"""SSHC-1 to SSHC-3: entry, and what becomes of a host key."""

from __future__ import annotations

import paramiko
import pytest

from hive_nornir.connections.ssh import SshTarget, fingerprint
from hive_nornir.errors import HostKeyChanged, OperationFailed
from hive_nornir.inventory.known_hosts import KnownHosts
from hive_nornir.operations.core import Observed
from hive_nornir.tasks.servers.ssh_connection import FirstContact, SshConnectionVariables, ssh_connection
from tests.tasks.servers.servers import server

NAME, ADDRESS = "p-hive0.example.com", "10.1.0.4"


@pytest.fixture(scope="module")
def key():
    return paramiko.ECDSAKey.generate()


def contact(context, *, check=False, wanted=""):
    host = server(context, check=check)
    host.transport.target = SshTarget(ADDRESS, "admin", alias=NAME)
    return FirstContact(host, wanted)


def pins(context):
    known = KnownHosts(context / "known_hosts")
    return [name for name in (NAME, ADDRESS) if known.keys(name)]


def test_a_first_key_is_shown_and_pinned_under_name_and_address(tmp_path, key):
    first = contact(tmp_path)
    operation = first.pinned()
    assert first.accept(NAME, 22, key)
    change = operation.decide(Observed(""))
    assert fingerprint(key) in change.summary
    assert pins(tmp_path) == [NAME, ADDRESS]
    assert contact(tmp_path).pinned().decide(Observed("")) is None


def test_a_dry_run_pins_nothing(tmp_path, key):
    first = contact(tmp_path, check=True)
    assert first.accept(NAME, 22, key)
    assert first.pinned().decide(Observed("")) is not None
    assert pins(tmp_path) == []


def test_with_a_fingerprint_only_that_key_is_accepted(tmp_path, key):
    assert contact(tmp_path, wanted=fingerprint(key).split()[1]).accept(NAME, 22, key)
    assert not contact(tmp_path, wanted="SHA256:another").accept(NAME, 22, paramiko.ECDSAKey.generate())
    assert pins(tmp_path) == [NAME, ADDRESS]


def test_a_changed_key_is_never_pinned(tmp_path, key):
    assert contact(tmp_path).accept(NAME, 22, key)
    with pytest.raises(HostKeyChanged):
        contact(tmp_path).accept(NAME, 22, paramiko.ECDSAKey.generate())


@pytest.mark.parametrize("check", [True, False])
def test_a_key_that_is_known_by_name_is_pinned_by_address_too(tmp_path, key, check):
    KnownHosts(tmp_path / "known_hosts").pin([NAME], key)
    assert contact(tmp_path, check=check).pinned().decide(Observed("")).summary == "pinned under its address too"
    assert pins(tmp_path) == ([NAME] if check else [NAME, ADDRESS])


@pytest.mark.parametrize("check", [True, False])
def test_keys_of_other_types_are_pinned_as_the_server_gives_them(tmp_path, key, check):
    KnownHosts(tmp_path / "known_hosts").pin([NAME, ADDRESS], key)
    other = paramiko.RSAKey.generate(2048)
    shown = f"{key.get_name()} {key.get_base64()}\n{other.get_name()} {other.get_base64()}\nssh-dss AAAA\n"
    operation = contact(tmp_path, check=check).other_types()
    assert operation.decide(Observed(shown)).summary == "pinned ssh-rsa"
    found = KnownHosts(tmp_path / "known_hosts")
    assert [len(found.keys(name)) for name in (NAME, ADDRESS)] == ([1, 1] if check else [2, 2])
    assert (contact(tmp_path).other_types().decide(Observed(shown)) is None) is not check


def test_a_key_file_that_is_not_the_pinned_key_is_never_pinned(tmp_path, key):
    KnownHosts(tmp_path / "known_hosts").pin([NAME, ADDRESS], key)
    another = paramiko.ECDSAKey.generate()
    with pytest.raises(HostKeyChanged):
        contact(tmp_path).other_types().decide(Observed(f"{another.get_name()} {another.get_base64()}\n"))


def entry(context):
    host = server(context)
    host.transport.target = SshTarget(ADDRESS, "admin", alias=NAME)
    operations = next(ssh_connection.function(host, SshConnectionVariables()))
    assert host.transport.target.learn is not None
    return operations[0]


def test_who_cannot_become_root_is_told_how(tmp_path):
    assert entry(tmp_path).decide(Observed("0")) is None
    with pytest.raises(OperationFailed) as failed:
        entry(tmp_path).decide(Observed("1000"))
    assert "sudo" in failed.value.hint


def test_missing_programs_are_named(tmp_path):
    with pytest.raises(OperationFailed, match="lacks findmnt, sed"):
        entry(tmp_path).decide(Observed("0\nfindmnt\nsed"))


@pytest.mark.parametrize(("provider", "applies"), [("prepared", True), ("kickstart", True), ("sandbox", False), ("aws", False)])
def test_it_is_for_machines_that_the_tool_did_not_make(provider, applies):
    assert ssh_connection._when(SshConnectionVariables(hive_provider=provider)) is applies
