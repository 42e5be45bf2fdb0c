"""Restricting who may reach sshd and moving it, on a real server; and trying to lock ourselves out with it."""

from __future__ import annotations

from collections.abc import Callable

from hive_nornir import Site
from hive_nornir.inventory.ssh_files import read_ssh_config
from tests.hosts.sites import changes, errors, setup, shell


def _variables(site: Site, text: str) -> None:
    file = site.context.root / "inventory" / "group_vars" / "all.yml"
    file.write_text(f"hive_docker_source: distribution\n{text}")
    site.reload()


def test_only_the_sources_reach_sshd_on_its_new_port(make_site: Callable[..., Site]):
    site = make_site(1)
    name = site.inventory.servers[0]
    setup(site, "iptables")
    client = shell(site, "tr '\\0' '\\n' </proc/$PPID/environ | sed -n 's/^SSH_CONNECTION=//p'").split()
    own = client[0] if client else str(site.inventory.scope(name)["hive_private_ip"]).rsplit(".", 1)[0] + ".1"

    # L-2: sources that do not have us.
    _variables(site, "hive_ssh_source_ips: [192.0.2.0/24]\n")
    report = site.run("setup-hosts", roles=["strict-source-ip"])
    assert report.exit_code == 1
    assert "does not let in" in errors(report)[0]
    assert "192.0.2.0/24" not in shell(site, "iptables-save")

    # Every source counts, live and persisted, and nobody else gets in (SSI-1, SSI-2); sshd moves (SSI-3), and so does what we know (SSI-4).
    _variables(site, f"hive_ssh_source_ips: [{own}, 192.0.2.0/24, '2001:db8::/32']\nhive_sshd_port: 2222\n")
    planned = setup(site, "strict-source-ip", check=True)
    assert planned.exit_code == 3
    assert read_ssh_config(site.context.ssh_config)[name].port == 22
    setup(site, "strict-source-ip")
    assert read_ssh_config(site.context.ssh_config)[name].port == 2222
    assert f"[{name}]:2222" in site.context.known_hosts.read_text()
    site.reload()
    assert shell(site, "sshd -T | grep '^port '") == "port 2222\n"
    assert shell(site, "ss -Hltn 'sport = :22'") == ""
    rules = shell(site, "iptables-save -t filter; ip6tables-save -t filter").splitlines()
    live = [line for line in rules if "-p tcp" in line and "--dport" in line]
    assert sorted(line.split(" -p ")[0].rpartition(" ")[2] for line in live) == sorted([f"{own}/32", "192.0.2.0/24", "2001:db8::/32"])
    assert all("--dport 2222" in line and "limit" in line for line in live)
    persisted = shell(site, "cat /etc/iptables/rules.v4 /etc/iptables/rules.v6")
    assert persisted.count("--dport 2222") == 3
    assert "--dport 22 " not in persisted
    assert changes(setup(site, "iptables", "strict-source-ip")) == []

    # L-1: the server's own files make sshd listen elsewhere too; the change undoes itself, and we get in.
    shell(site, "echo 'Port 2200' >/etc/ssh/sshd_config.d/90-other.conf")
    _variables(site, f"hive_ssh_source_ips: [{own}]\nhive_sshd_port: 2022\n")
    report = site.run("setup-hosts", roles=["strict-source-ip"])
    assert report.exit_code == 1
    site.reload()
    assert "port 2222" in shell(site, "sshd -T | grep '^port '")
    shell(site, "rm /etc/ssh/sshd_config.d/90-other.conf; systemctl reload ssh")

    # M-3: without sources everybody may again, on the port where sshd is.
    _variables(site, "hive_sshd_port: 2222\n")
    setup(site, "iptables", "strict-source-ip")
    opened = shell(site, "iptables-save -t filter")
    assert "-A HIVE-INPUT -p tcp -m conntrack --ctstate NEW -m tcp --dport 2222 -j ACCEPT" in opened
    assert own not in opened
