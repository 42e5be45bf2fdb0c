"""Debian 13: the roles that make a server on one server, what is so afterwards, and that nothing is left to do."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hive_nornir import Site
from hive_nornir.tasks.role import gather_facts
from hive_nornir.tasks.servers.pip_venv import VENV, lock_for, locked_versions
from tests.hosts.sites import build, changes, setup, shell, transport, write_site

VARIABLES = """\
hive_timezone: Asia/Tokyo
hive_locale: ja_JP.UTF-8
hive_ntp_servers: [192.0.2.1]
hive_user_groups: {{site.ops: {{gid: 2000}}}}
hive_users: {{alice: {{uid: 3001, group: 2000, id_rsa_pub: '{key}'}}}}
"""
HOOK = "# check: yes\n[ $HIVE_CHECK = 0 ] || { echo would greet; exit; }\necho $HIVE_HOST $HIVE_FAMILY >/root/greeted\n"
# Of one server alone; what makes a site of several is tested where there are several.
ROLES = ("base", "hostsfile", "ntp-client", "iptables", "pip-venv", "addon", "users", "tls-certificate", "docker")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server on which the roles have run once."""
    folder = tmp_path_factory.mktemp("debian-13")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "alice"], check=True, timeout=20)
    key = (folder / "alice.pub").read_text().strip()
    site = write_site(folder / "site", 1, image="debian-13", variables=VARIABLES.format(key=key))
    hook = site.context.root / "roles" / "addon.d" / "greet.sh"
    hook.parent.mkdir(parents=True)
    hook.write_text(HOOK)
    try:
        build(site)
        report = setup(site, *ROLES)
        done = report.hosts[site.inventory.servers[0]].roles
        assert {role: done[role].status for role in ROLES} == dict.fromkeys(ROLES, "changed")
        yield site
        site.close()
    finally:
        site.run("build-infra", destroy=True)


def test_a_second_run_and_a_plan_change_nothing(site: Site):
    assert changes(setup(site, *ROLES)) == []
    assert changes(setup(site, *ROLES, check=True)) == []


def test_it_is_debian_13_with_its_own_docker(site: Site):
    facts = gather_facts(transport(site), "test")
    assert (facts.column, facts.supported) == ("D13", True)
    assert facts.docker.startswith("26.1.")
    assert shell(site, "dpkg-query -W -f '${Package} ' docker.io docker-cli docker-compose") == "docker-cli docker-compose docker.io "
    assert shell(site, "ip -4 -o addr show docker0").split()[3] == "172.31.254.129/25"
    address = site.inventory.scope(site.inventory.servers[0])["hive_private_ip"]
    assert shell(site, "ss -Hltn sport = :2376").split()[3] == f"{address}:2376"


def test_the_baseline(site: Site):
    assert shell(site, "hostname; date +%Z").split() == ["p-hive0", "JST"]
    assert "LANG=ja_JP.UTF-8" in shell(site, "cat /etc/default/locale")
    assert shell(site, "LC_ALL=ja_JP.UTF-8 date +%A -d 2026-01-04").strip() == "日曜日"
    assert {"passwordauthentication no", "usedns no", "permitrootlogin no"} <= set(shell(site, "sshd -T").splitlines())
    units = ("sysstat", "chrony", "docker", "netfilter-persistent", "rsyslog")
    assert shell(site, f"systemctl is-active {' '.join(units)}").split() == ["active"] * len(units)
    sources = shell(site, "chronyc -n sources | sed -n 's/^^[^ ]* *\\([^ ]*\\).*/\\1/p'").split()
    assert sources == ["192.0.2.1"]
    assert shell(site, "systemctl is-enabled apt-daily-upgrade.timer || :").strip() == "disabled"
    assert shell(site, "systemctl --failed --no-legend --plain") == ""


def test_who_comes_in(site: Site):
    name = site.inventory.servers[0]
    alice = Path(site.context.root).parent / "alice"
    ssh = ["ssh", "-F", site.context.ssh_config, "-i", alice, "-o", "IdentitiesOnly=yes", "-l", "alice", name, "sudo -n id -u"]
    done = subprocess.run(ssh, capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout == "0\n", done.stderr
    rules = shell(site, "iptables -S HIVE-INPUT")
    assert "--dport 22" in rules
    assert "REJECT" in rules.splitlines()[-1]


def test_the_environment_hosts_and_hooks(site: Site):
    name = site.inventory.servers[0]
    version = shell(site, f"{VENV}/bin/python -c 'import sys; print(sys.version.split()[0])'").strip()
    frozen = shell(site, f"{VENV}/bin/python -m pip --disable-pip-version-check list --format=freeze").lower().split()
    assert version.startswith("3.13.")
    assert dict(line.split("==") for line in frozen) == locked_versions(lock_for(version))
    assert shell(site, f"getent hosts {name}").split()[0] == site.inventory.scope(name)["hive_private_ip"]
    assert shell(site, "cat /root/greeted") == f"{name} debian\n"
    certificate = f"/etc/ssl/hive/certs/{name}_cert.pem"
    assert shell(site, f"openssl verify -CAfile /etc/ssl/certs/ca-certificates.crt {certificate}") == f"{certificate}: OK\n"
