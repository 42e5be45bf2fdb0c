"""The role users on real servers: operators get in, root does not, and who is not listed any more does not either."""

import functools
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hive_nornir import Site
from hive_nornir.operations.core import Guard
from hive_nornir.tasks.servers import sshd
from hive_nornir.tasks.servers import users as users_module
from tests.hosts.sites import changes, errors, setup, shell

SiteMaker = Callable[..., Site]


def key_of(folder: Path, user: str) -> str:
    """A new key pair; the public half."""
    file = folder / user
    if not file.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True, timeout=20)
    return (folder / f"{user}.pub").read_text().strip()


def listed(folder: Path, **keys: str) -> str:
    """The variables of a site with users: name to the file of its key."""
    lines = [f"  {name}: {{uid: {3000 + ord(name[0])}, group: 2000, id_rsa_pub: '{key_of(folder, key)}'}}" for name, key in keys.items()]
    return "hive_user_groups: {site.ops: {gid: 2000}}\nhive_users:\n" + "\n".join(lines) + "\n" if lines else "hive_users: {}\n"


def give(site: Site, variables: str) -> None:
    (site.context.inventory_path / "group_vars" / "all.yml").write_text(f"hive_docker_source: distribution\n{variables}")
    site.reload()


def enter(site: Site, folder: Path, user: str, key: str, command: str) -> subprocess.CompletedProcess[str]:
    """Log in with OpenSSH itself, as an operator would."""
    address = site.inventory.scope(site.inventory.servers[0])["hive_private_ip"]
    options = [
        "-o",
        "BatchMode=yes",
        "-o",
        "IdentitiesOnly=yes",
        "-o",
        "ControlPath=none",
        "-o",
        f"HostKeyAlias={site.inventory.servers[0]}",
    ]
    pins = ["-o", f"UserKnownHostsFile={site.context.known_hosts}", "-o", "StrictHostKeyChecking=yes"]
    ssh = ["ssh", "-F", "none", *options, *pins, "-i", str(folder / key), f"{user}@{address}", command]
    return subprocess.run(ssh, capture_output=True, text=True, timeout=30, check=False)


def test_operators_come_and_go(make_site: SiteMaker, tmp_path: Path):
    site = make_site(2, variables=listed(tmp_path, alice="alice", bob="bob"))
    setup(site, "users")

    for user in ("alice", "bob"):
        assert enter(site, tmp_path, user, user, "sudo -n id -u").stdout == "0\n"
    other = site.inventory.servers[1]
    for name in (other, site.inventory.scope(other)["hive_private_ip"]):
        assert enter(site, tmp_path, "alice", "alice", f"ssh-keygen -F {name} | grep -vc '^#'").stdout == "3\n"
    modes = shell(site, "cd /home/alice/.ssh; stat -c '%n %a %U:%G' . *; stat -c '%n %a %U:%G' /etc/sudoers.d/site_ops")
    assert modes.splitlines() == [
        ". 700 alice:site.ops",
        "authorized_keys 600 alice:site.ops",
        "known_hosts 600 alice:site.ops",
        "/etc/sudoers.d/site_ops 440 root:root",
    ]
    assert shell(site, "id -u alice; id -g alice; getent shadow alice | cut -d: -f2") == "3097\n2000\n*\n"
    assert "permitrootlogin no\n" in shell(site, "sshd -T")
    assert changes(setup(site, "users")) == []

    give(site, listed(tmp_path, alice="alice2"))
    assert any("take away user bob" in line for line in changes(setup(site, "users")))
    assert enter(site, tmp_path, "alice", "alice2", "sudo -n id -u").stdout == "0\n"
    assert "Permission denied" in enter(site, tmp_path, "alice", "alice", "id").stderr
    assert "Permission denied" in enter(site, tmp_path, "bob", "bob", "id").stderr
    assert shell(site, "id -Gn bob; ls -d /home/bob").split() == ["nogroup", "/home/bob"]
    assert changes(setup(site, "users")) == []

    give(site, listed(tmp_path, alice="alice2", bob="bob"))
    setup(site, "users")
    assert enter(site, tmp_path, "bob", "bob", "sudo -n id -u").stdout == "0\n"

    give(site, listed(tmp_path))
    setup(site, "users")
    for user, key in (("alice", "alice2"), ("bob", "bob")):
        assert "Permission denied" in enter(site, tmp_path, user, key, "id").stderr
    assert shell(site, "ls /etc/sudoers.d; cat /etc/hive-nornir/users").split() == ["README", "hive-admin"]


def test_a_change_that_locks_the_administrator_out_undoes_itself(make_site: SiteMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    site = make_site(1, variables=listed(tmp_path, alice="alice"))
    monkeypatch.setattr(users_module, "ROOT_LOGIN", {"PermitRootLogin": "no", "AllowUsers": "nobody"})
    monkeypatch.setattr(sshd, "Guard", functools.partial(Guard, seconds=12))
    report = site.run("setup-hosts", roles=["users"])
    assert any("nobody gets in any more" in error for error in errors(report)), errors(report)
    site.close()
    assert shell(site, "ls /etc/ssh/sshd_config.d; sshd -T | grep -c '^allowusers' || :") == "0\n"

    monkeypatch.undo()
    setup(site, "users")
    assert "permitrootlogin no\n" in shell(site, "sshd -T")


def test_nothing_is_refused_to_root_while_we_are_root(make_site: SiteMaker, tmp_path: Path):
    site = make_site(1, variables=listed(tmp_path, alice="alice"))
    shell(site, "mkdir -p -m 700 /root/.ssh; cp ~admin/.ssh/authorized_keys /root/.ssh/; chown root: /root/.ssh/authorized_keys")
    site.close()
    site.nornir.inventory.hosts[site.inventory.servers[0]].username = "root"
    report = site.run("setup-hosts", roles=["users"])
    assert any("while hive-nornir itself logs in as root" in error for error in errors(report))
    assert "permitrootlogin no\n" not in shell(site, "sshd -T")
    assert enter(site, tmp_path, "alice", "alice", "sudo -n id -u").stdout == "0\n"
