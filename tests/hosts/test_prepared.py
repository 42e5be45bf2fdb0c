"""Sandbox servers, as if they were somebody's: no admin account, only root."""

import secrets
import stat

import pytest

from hive_nornir.connections.shell import SshTransport
from hive_nornir.errors import HostKeyChanged, ProviderError
from hive_nornir.inventory.known_hosts import KnownHosts
from hive_nornir.inventory.providers.base import ProviderSite, ServerSpec
from hive_nornir.inventory.providers.prepared import Prepared
from tests.hosts.sandbox import as_root, built, sandbox_site

pytestmark = pytest.mark.hosts

FORGET_ADMIN = """
for user in admin ops; do
    id -u $user >/dev/null 2>&1 && { pkill -KILL -u $user || :; userdel -rf $user; }
done
for group in admin operators; do
    getent group $group >/dev/null && groupdel $group
done
rm -rf /etc/sudoers.d/hive-admin /root/.ssh
usermod -p '*' root
rm -f /etc/ssh/sshd_config.d/test.conf
"""
ROOT_PASSWORD = "usermod -p \"$(openssl passwd -6 '{}' 2>/dev/null || perl -e 'print crypt(shift, shift)' '{}' '$6$salt$')\" root; "
ALLOW = """
echo 'PermitRootLogin yes\nPasswordAuthentication yes' >/etc/ssh/sshd_config.d/test.conf
systemctl reset-failed ssh; systemctl restart ssh
"""


@pytest.fixture(scope="module", params=["debian-12", "el-9"])
def servers(request, tmp_path_factory):
    with built(sandbox_site(tmp_path_factory.mktemp("cloud"), 1, variables={"hive_vm_image_name": request.param})) as site:
        yield site


@pytest.fixture
def machine(servers):
    """Runs a script as root on the server, without its sshd."""
    as_root(servers, servers.servers[0], FORGET_ADMIN)
    return lambda script: as_root(servers, servers.servers[0], script)


@pytest.fixture
def password(machine):
    """Root's password, by which sshd lets root in."""
    secret = secrets.token_hex(16)
    machine(ROOT_PASSWORD.format(secret, secret) + ALLOW)
    return secret


@pytest.fixture
def site(servers, tmp_path):
    """The site whose prepared server this is; another one than the sandbox's."""
    said = []

    def make(**variables):
        server = ServerSpec("p-hive0.mine", servers.servers[0].private_ip, ("hives",), variables)
        context = tmp_path / ".hive" / "private"
        made = ProviderSite("mine", "private", tmp_path, context, [server], {}, lambda name, text: said.append(f"{name} {text}"))
        make.said = said
        return made

    return make


def entered(site, user):
    """What the admin sees who logs in with the key, and the pinned host key."""
    from hive_nornir.connections.ssh import SshTarget

    server = site.servers[0]
    target = SshTarget(
        server.private_ip, user, alias=server.name, known_hosts=site.context_dir / "known_hosts", key_files=(site.context_dir / "id_rsa",)
    )
    transport = SshTransport(target)
    try:
        return transport.run(f"id -u; id {user}", deadline=20).stdout.decode().split("\n")
    finally:
        transport.close()


def test_the_root_password_makes_the_admin_account_once(site, machine, password):
    mine = site(hive_root_password=password, hive_admin="ops", hive_admin_group="operators", hive_admin_uid=3000, hive_admin_gid=3001)

    assert Prepared().build(mine) is True
    assert entered(mine, "ops")[:2] == ["0", "uid=3000(ops) gid=3001(operators) groups=3001(operators)"]
    modes = machine("stat -c '%a %U:%G' /etc/sudoers.d/hive-admin /home/ops/.ssh /home/ops/.ssh/authorized_keys; ls -A /etc/sudoers.d")
    assert modes.splitlines()[:3] == ["440 root:root", "700 ops:operators", "600 ops:operators"]
    assert not [name for name in modes.splitlines()[3:] if name.startswith(".")]
    assert any("first contact" in line and "SHA256:" in line for line in site.said)
    assert any("remove it from the definitions" in line for line in site.said)
    assert not [line for line in site.said if password in line]

    machine("usermod -p '*' root")
    assert Prepared().build(mine) is False
    assert [entry.state for entry in Prepared().plan(mine)] == ["present"]


def test_a_key_that_root_takes_makes_the_admin_account(site, machine):
    from hive_nornir.inventory.keys import ensure_admin_key

    mine = site()
    public = ensure_admin_key(mine.context_dir).with_suffix(".pub").read_text().strip()
    machine(f"install -d -m 700 /root/.ssh; echo '{public}' >/root/.ssh/authorized_keys")

    assert Prepared().build(mine) is True
    assert entered(mine, "admin")[0] == "0"


def test_an_account_that_is_there_keeps_its_keys(site, machine, password):
    machine(
        "useradd -m admin; install -d -m 700 -o admin -g admin /home/admin/.ssh;"
        "printf 'ssh-ed25519 AAAA theirs' >/home/admin/.ssh/authorized_keys"
    )
    mine = site(hive_root_password=password)

    assert Prepared().build(mine) is True
    keys = machine("cat /home/admin/.ssh/authorized_keys").splitlines()
    assert keys[0] == "ssh-ed25519 AAAA theirs"
    assert keys[1] == (mine.context_dir / "id_rsa.pub").read_text().strip()
    assert len(keys) == 2


def test_key_login_without_sudo_is_not_enough(site, machine, password):
    mine = site(hive_root_password=password)
    assert Prepared().build(mine) is True
    machine("rm /etc/sudoers.d/hive-admin")

    assert Prepared().plan(mine)[0].state == "missing"
    assert Prepared().build(mine) is True
    assert entered(mine, "admin")[0] == "0"


def test_a_wrong_password_says_so_and_does_not_show_it(site, machine, password):
    wrong = "wrong-" + password

    with pytest.raises(ProviderError, match=r"root does not let us in either.*check root_password") as raised:
        Prepared().build(site(hive_root_password=wrong))
    assert wrong not in str(raised.value)


def test_an_account_with_another_uid_is_not_taken_over(site, machine, password):
    machine("useradd -m -u 4000 admin")

    with pytest.raises(ProviderError, match="account admin is there with another uid than 3000"):
        Prepared().build(site(hive_root_password=password, hive_admin_uid=3000))


def test_a_server_with_another_host_key_than_the_pinned_one_is_not_told_the_password(site, machine, password):
    mine = site(hive_root_password=password)
    assert Prepared().build(mine) is True
    pinned = (mine.context_dir / "known_hosts").read_text()
    assert stat.S_IMODE((mine.context_dir / "id_rsa").stat().st_mode) == 0o600
    machine(
        FORGET_ADMIN
        + "rm /etc/ssh/ssh_host_*; ssh-keygen -A; systemctl reset-failed ssh; systemctl restart ssh; journalctl --rotate --vacuum-time=1s"
    )

    with pytest.raises(HostKeyChanged, match="another host key than the pinned one"):
        Prepared().build(mine)
    assert (mine.context_dir / "known_hosts").read_text() == pinned
    assert "password" not in machine("journalctl -u ssh --no-pager").lower()
    assert KnownHosts(mine.context_dir / "known_hosts").keys("p-hive0.mine")


def test_a_server_behind_another_is_prepared_through_it(site, machine, password):
    first = site(hive_root_password=password)
    assert Prepared().build(first) is True
    address = first.servers[0].private_ip
    # Seen from itself, the server is also at an address that this machine does not reach.
    behind = ServerSpec(
        "p-hive1.mine", "127.0.0.1", ("hives",), {"hive_admin": "ops", "hive_root_password": password, "hive_ssh_jump": f"admin@{address}"}
    )
    second = ProviderSite("mine", "private", first.root, first.context_dir, [behind], {})

    assert [entry.state for entry in Prepared().plan(second)] == ["missing"]
    assert Prepared().build(second) is True
    assert "ops" in machine("getent passwd ops")
    assert [entry.state for entry in Prepared().plan(second)] == ["present"]
