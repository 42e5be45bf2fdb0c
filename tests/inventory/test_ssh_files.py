"""`ssh_config` is understood by ssh(1) and by us (spec build-infra.md 1)."""

import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hive_nornir.errors import UsageError
from hive_nornir.inventory.ssh_files import JumpHost, SshHost, read_ssh_config, set_port, write_ssh_config

needs_ssh = pytest.mark.skipif(not shutil.which("ssh"), reason="needs ssh(1)")


def hosts(tmp_path):
    return [
        SshHost("p-hive0.x", "10.0.0.4", "admin", identity_file=tmp_path / "id_rsa"),
        SshHost("p-hive1.x", "fe80::1", "admin", 2222, tmp_path / "my keys" / "100%", remote_forward=(3128, "proxy.example:8080")),
    ]


def as_ssh_sees_it(config, host):
    done = subprocess.run(["ssh", "-G", "-F", str(config), host], capture_output=True, text=True, timeout=20, check=True)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def test_what_is_written_is_read_back_in_order(tmp_path):
    config = tmp_path / "ssh_config"
    assert write_ssh_config(config, hosts(tmp_path), tmp_path / "known_hosts")
    assert list(read_ssh_config(config).values()) == hosts(tmp_path)
    assert stat.S_IMODE(config.stat().st_mode) == 0o644
    assert not write_ssh_config(config, hosts(tmp_path), tmp_path / "known_hosts")


def test_servers_that_are_gone_disappear(tmp_path):
    config = tmp_path / "ssh_config"
    write_ssh_config(config, hosts(tmp_path), tmp_path / "known_hosts")
    write_ssh_config(config, hosts(tmp_path)[1:], tmp_path / "known_hosts")
    assert list(read_ssh_config(config)) == ["p-hive1.x"]


@needs_ssh
def test_ssh_understands_it(tmp_path):
    config = tmp_path / "ssh_config"
    write_ssh_config(config, hosts(tmp_path), tmp_path / "known hosts")
    first, second = as_ssh_sees_it(config, "p-hive0.x"), as_ssh_sees_it(config, "p-hive1.x")
    assert (first["hostname"], first["port"], first["user"], first["hostkeyalias"]) == ("10.0.0.4", "22", "admin", "p-hive0.x")
    assert (first["stricthostkeychecking"], first["passwordauthentication"], first["identitiesonly"]) == ("true", "no", "yes")
    assert (first["serveraliveinterval"], first["serveralivecountmax"], first["connecttimeout"]) == ("15", "4", "10")
    assert (second["hostname"], second["port"], second["hostkeyalias"]) == ("fe80::1", "2222", "[p-hive1.x]:2222")
    assert second["identityfile"].replace("%%", "%") == str(tmp_path / "my keys" / "100%")
    assert second["remoteforward"] == "3128 [proxy.example]:8080"
    assert str(tmp_path / "known hosts") in second["userknownhostsfile"].replace('"', "").replace("\\ ", " ")


def test_hive_builders_file_is_read(tmp_path):
    (tmp_path / "ssh_config").write_text(
        "# BEGIN ANSIBLE MANAGED BLOCK for hive0.x\nHost hive0.x\n  HostName 203.0.113.5\n  UserKnownHostsFile /s/known_hosts\n"
        "  StrictHostKeyChecking yes\n  User ec2-user\n  PasswordAuthentication no\n  IdentityFile /s/id_rsa\n  IdentitiesOnly yes\n"
        "  LogLevel FATAL\n# END ANSIBLE MANAGED BLOCK for hive0.x\nHost hive1.x\n  HostName localhost\n  Port 2222\n"
    )
    assert list(read_ssh_config(tmp_path / "ssh_config").values()) == [
        SshHost("hive0.x", "203.0.113.5", "ec2-user", 22, Path("/s/id_rsa")),
        SshHost("hive1.x", "localhost", "", 2222),
    ]


def test_no_file_is_no_hosts_and_a_damaged_one_is_an_error(tmp_path):
    assert read_ssh_config(tmp_path / "none") == {}
    (tmp_path / "bad").write_text("Host a\n  Port many\n")
    with pytest.raises(UsageError, match=r"bad:2: 'many' is not a port"):
        read_ssh_config(tmp_path / "bad")


@pytest.mark.parametrize("user", ["", 'a"b', "a\nProxyCommand evil", "a\\b"])
def test_what_would_break_out_of_its_line_is_refused(tmp_path, user):
    with pytest.raises(UsageError, match="cannot stand in an ssh_config"):
        write_ssh_config(tmp_path / "c", [SshHost("h", "10.0.0.1", user)], tmp_path / "k")
    assert not [*tmp_path.iterdir()]


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"], exclude_characters='"\\/'), min_size=1, max_size=20).filter(str.strip))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_path_comes_back(tmp_path, name):
    host = SshHost("h", "10.0.0.1", "admin", 22, Path("/keys") / name)
    write_ssh_config(tmp_path / "c", [host], tmp_path / "k")
    assert read_ssh_config(tmp_path / "c") == {"h": host}


def test_a_jump_host_is_no_server_and_ssh_knows_how_to_log_in_to_it(tmp_path):
    config, known = tmp_path / "ssh_config", tmp_path / "known_hosts"
    behind = SshHost("p-hive0.x", "10.0.0.4", "admin", identity_file=tmp_path / "id_rsa", jump=JumpHost("gate.example", "ops", 2222))
    last = SshHost("p-repository.x", "10.0.0.5", "admin")
    write_ssh_config(config, [behind, last], known)
    assert list(read_ssh_config(config).values()) == [behind, last]
    if shutil.which("ssh"):
        seen, gate = as_ssh_sees_it(config, "p-hive0.x"), as_ssh_sees_it(config, "gate.example")
        assert seen["proxyjump"] == "ops@gate.example:2222"
        assert "proxyjump" not in as_ssh_sees_it(config, "p-repository.x")
        assert (gate["userknownhostsfile"], gate["stricthostkeychecking"]) == (str(known), "true")
        assert gate["identityfile"] == str(tmp_path / "id_rsa")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("gate", JumpHost("gate", "me")),
        ("ops@gate.example:2222", JumpHost("gate.example", "ops", 2222)),
        ("192.0.2.1:22", JumpHost("192.0.2.1", "me")),
        ("ops@[fe80::1]:2222", JumpHost("fe80::1", "ops", 2222)),
        ("fe80::1", JumpHost("fe80::1", "me")),
    ],
)
def test_jump_hosts_as_they_are_written(text, wanted):
    assert JumpHost.parse(text, "me") == wanted
    assert JumpHost.parse(str(wanted), "") == wanted


@pytest.mark.parametrize(
    "text", ["", "ops@", "gate:0", "gate:70000", "gate:ssh", "a b", "a,b", "-oProxyCommand=id@gate", "ops@-v", "a@b@c"]
)
def test_what_is_no_jump_host(text):
    with pytest.raises(UsageError, match="user@host:port"):
        JumpHost.parse(text, "me")


def test_another_port_of_a_server_leaves_the_rest_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "ssh_config"
    hosts = [SshHost("a.example", "10.0.0.4", "admin", remote_forward=(3128, "proxy:8080")), SshHost("b.example", "10.0.0.5", "admin")]
    write_ssh_config(file, hosts, tmp_path / "known_hosts")
    before = file.read_text()
    assert set_port(file, "a.example", 2222)
    assert read_ssh_config(file)["a.example"].port == 2222
    assert read_ssh_config(file)["b.example"].port == 22
    assert "HostKeyAlias [a.example]:2222" in file.read_text().replace('"', "")
    assert not set_port(file, "a.example", 2222)
    assert not set_port(file, "c.example", 2222)
    assert set_port(file, "a.example", 22)
    assert file.read_text() == before
