"""The role ssh-connection on a real server, as if somebody else had made it."""

from __future__ import annotations

from collections.abc import Callable

from hive_nornir import Site
from hive_nornir.tasks.role import Role
from hive_nornir.tasks.servers.ssh_connection import ssh_connection
from tests.hosts.sites import shell

# Without its condition: the sandbox is neither kickstart nor prepared.
foreign = Role(ssh_connection.function, None, "always")


def run(site: Site, *, check: bool = False) -> list[str]:
    """What the role did to the first server."""
    again = Site.open(site.context.root, "private")
    again.nornir.data.dry_run = check
    result = again.nornir.run(task=foreign)[site.inventory.servers[0]]
    again.close()
    if result.failed:
        return [str(result[0].exception)]
    return [str(each.result) for each in result[1:] if each.changed]


def test_a_first_key_is_pinned_and_a_changed_one_refused(make_site: Callable[..., Site]):
    site = make_site(1)
    known = site.context.known_hosts
    address = str(site.inventory.scope(site.inventory.servers[0])["hive_private_ip"])
    assert run(site) == []

    known.unlink()
    assert "pinned on first contact" in run(site, check=True)[0]
    assert not known.exists()
    assert "pinned on first contact" in run(site)[0]
    lines = known.read_text().splitlines()
    assert {line.split()[0] for line in lines} == {f"{site.inventory.servers[0]},{address}"}
    assert {line.split()[1] for line in lines} == {"ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256"}
    assert run(site) == []

    shell(site, "rm /etc/ssh/ssh_host_*; ssh-keygen -A >/dev/null; systemctl restart ssh")
    assert "shows another host key than the pinned one" in run(site)[0]
