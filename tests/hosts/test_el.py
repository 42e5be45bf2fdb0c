"""Enterprise Linux: the whole of setup-hosts on a hive and a repository server that speak dnf, and where that family keeps things."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator

import pytest

from hive_nornir import Site
from hive_nornir.operations.core import quote
from tests.hosts.makers import fingerprint, key_of, makers
from tests.hosts.pair import until
from tests.hosts.sites import build, changes, errors, restart, setup, shell, write_site

VARIABLES = """\
hive_timezone: Asia/Tokyo
hive_locale: ja_JP.UTF-8
hive_ntp_servers: [192.0.2.1]
hive_user_groups: {{site.ops: {{gid: 2000}}}}
hive_users: {{alice: {{uid: 3001, group: 2000, id_rsa_pub: '{key}'}}}}
hive_ssh_source_ips: [10.0.0.0/8]
"""
HOOK = "echo $HIVE_HOST $HIVE_FAMILY $HIVE_DISTRIBUTION >/root/finished\n"
SOURCES = re.compile(r"(?m)^hive_(docker|zabbix)_source: .*\n")
# Not without a disk, an interface or a provider of their own.
LEFT_OUT = {"ssh-connection", "get-public-ip", "internal-network", "drbd"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A hive and a repository server on which everything has run once, with packages of Docker's and Zabbix' makers and logs over TLS."""
    folder = tmp_path_factory.mktemp("el")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "alice"], check=True, timeout=20)
    key = (folder / "alice.pub").read_text().strip()
    site = write_site(folder / "site", 2, image="el-9", mirror=True, variables=VARIABLES.format(key=key))
    variables = site.context.inventory_path / "group_vars" / "all.yml"
    variables.write_text(SOURCES.sub("", variables.read_text()))
    hook = site.context.root / "roles" / "addon2.d" / "finish.sh"
    hook.parent.mkdir(parents=True)
    hook.write_text(HOOK)
    site.context.persistents.set("tls_logging", "true")
    site.reload()
    try:
        build(site)
        with makers(key_of(site, "docker-ce"), key_of(site, "zabbix")):
            report = setup(site)
            statuses = {host.name: {role.role: role.status for role in host.roles.values()} for host in report.hosts.values()}
            assert {role for host in statuses.values() for role in host if host[role] == "skipped"} == LEFT_OUT, statuses
            yield site
        site.close()
    finally:
        site.run("build-infra", destroy=True)


def repository(site: Site, script: str) -> str:
    return shell(site, script, site.inventory.repository)


def hive(site: Site, script: str) -> str:
    return shell(site, script, site.inventory.hives[0])


def everywhere(site: Site, script: str) -> dict[str, str]:
    """Server -> what a script prints there."""
    return {name: shell(site, script, name) for name in site.inventory.servers}


def test_a_second_run_and_a_plan_change_nothing(site: Site):
    assert changes(setup(site)) == []
    assert changes(setup(site, check=True)) == []


def test_a_restarted_server_is_as_it_was(site: Site):
    rules = "iptables-save -t filter | grep -e '-A HIVE' | LC_ALL=C sort"
    before = hive(site, rules)
    restart(site)
    assert hive(site, rules) == before
    until(lambda: hive(site, "docker node inspect -f '{{.Status.State}}' self 2>&1 || :") == "ready\n", 60)
    assert hive(site, "systemctl --failed --no-legend --plain") == ""
    assert changes(setup(site)) == []


def test_the_makers_packages_are_signed_and_left_alone_by_upgrades(site: Site):
    origin = "dnf -q --disableexcludes=all list --installed docker-ce docker-compose-plugin zabbix-agent | awk 'NR > 1 {print $1, $3}'"
    keys = {
        "docker-ce": ("docker", "/etc/pki/rpm-gpg/RPM-GPG-KEY-docker"),
        "zabbix": ("zabbix", "/etc/pki/rpm-gpg/RPM-GPG-KEY-ZABBIX-B5333005"),
    }
    for name in site.inventory.servers:
        assert shell(site, origin, name).splitlines() == [
            "docker-ce.x86_64 @docker-ce-stable",
            "docker-compose-plugin.x86_64 @docker-ce-stable",
            "zabbix-agent.x86_64 @zabbix",
        ]
        for repository, (source, path) in keys.items():
            text = shell(site, f"cat /etc/yum.repos.d/{source}.repo", name).splitlines()
            assert {"gpgcheck=1", f"gpgkey=file://{path}"} <= set(text)
            assert fingerprint(site, path, name) == key_of(site, repository).fingerprint
        [excluded] = shell(site, "grep ^exclude= /etc/dnf/dnf.conf", name).splitlines()
        assert {"kernel*", "docker-ce", "containerd.io"} <= set(excluded.partition("=")[2].split())


def test_the_baseline(site: Site):
    units = "sysstat chronyd sshd crond rsyslog iptables ip6tables docker zabbix-agent"
    for name in site.inventory.servers:
        assert shell(site, "hostname; date +%Z; grep LANG= /etc/locale.conf", name).split() == [
            name.split(".")[0],
            "JST",
            "LANG=ja_JP.UTF-8",
        ]
        assert shell(site, f"systemctl is-active {units}", name).split() == ["active"] * len(units.split())
        assert shell(site, "systemctl is-enabled chronyd rsyslog iptables ip6tables docker zabbix-agent", name).split() == ["enabled"] * 6
        assert shell(site, "chronyc -n sources | sed -n 's/^^[^ ]* *\\([^ ]*\\).*/\\1/p'", name) == "192.0.2.1\n"
        assert {"passwordauthentication no", "permitrootlogin no"} <= set(shell(site, "sshd -T", name).splitlines())
        assert shell(site, f"getent hosts {name}; cat /root/finished", name).split()[-3:] == [name, "el", "almalinux"]
    assert set(everywhere(site, "systemctl --failed --no-legend --plain").values()) == {""}


def test_the_packet_filter_is_in_sysconfig_and_live(site: Site):
    for name in site.inventory.servers:
        saved = set(shell(site, "grep -h -e '-A HIVE' /etc/sysconfig/iptables", name).splitlines())
        live = set(shell(site, "iptables-save -t filter | grep -e '-A HIVE'", name).splitlines())
        assert saved == live
        assert any("-s 10.0.0.0/8 -p tcp" in rule and "--dport 22" in rule for rule in live)
        assert shell(site, "grep -c -e '-A HIVE-INPUT.*REJECT' /etc/sysconfig/ip6tables; rpm -q firewalld || :", name).split()[0] == "1"


def test_operators_come_in_with_their_keys(site: Site):
    for name in site.inventory.servers:
        ssh = ["ssh", "-F", site.context.ssh_config, "-i", site.context.root.parent / "alice", "-o", "IdentitiesOnly=yes", "-l", "alice"]
        done = subprocess.run([*ssh, name, "sudo -n id -u"], capture_output=True, text=True, timeout=30, check=False)
        assert done.stdout == "0\n", done.stderr


def test_certificates_are_in_pki_and_trusted_by_the_system(site: Site):
    tls = "/etc/pki/tls"
    for name in site.inventory.servers:
        modes = shell(site, f"cd {tls}; stat -c '%a %U:%G' private private/{name}_key.pem certs/{name}_cert.pem", name)
        assert modes.splitlines() == ["700 root:root", "600 root:root", "644 root:root"]
        assert "OK" in shell(site, f"openssl verify -x509_strict -CAfile {tls}/certs/ca-bundle.crt {tls}/certs/{name}_cert.pem", name)
        ours = (site.context.context_dir / "ca" / "cacert.pem").read_text()
        assert shell(site, "cat /etc/pki/ca-trust/source/anchors/cacert.pem", name) == ours
    ask = f"docker --tlsverify -H tcp://{site.inventory.hives[0]}:2376 info -f '{{{{.Name}}}}'"
    assert repository(site, f"runuser -u admin -- env HOME=/home/admin {ask}") == "p-hive0\n"


def test_the_hive_is_a_swarm_with_its_labels_and_its_daemon(site: Site):
    assert hive(site, "docker node ls --format '{{.Hostname}} {{.Status}} {{.ManagerStatus}}'") == "p-hive0 Ready Leader\n"
    assert '"first_hive":"true"' in hive(site, "docker node inspect -f '{{json .Spec.Labels}}' self")
    assert hive(site, "docker network inspect -f '{{range .IPAM.Config}}{{.Subnet}}{{end}}' docker_gwbridge") == "172.31.254.0/25\n"
    assert hive(site, "systemctl is-active follow-swarm-service; hive-vip status >/dev/null && echo answers") == "active\nanswers\n"


def test_the_registry_takes_images_and_is_backed_up(site: Site):
    registry, password = f"{site.inventory.repository}:5000", (site.context.context_dir / "registry_password").read_text().strip()
    login = f"printf %s {quote(password)} | docker login -u hive --password-stdin {registry} >/dev/null 2>&1"
    hive(site, f"{login}; tar -C /etc -c hostname | docker import - {registry}/test/tiny && docker push -q {registry}/test/tiny")
    hive(site, f"docker rmi -f {registry}/test/tiny; docker logout {registry}")
    assert "test/tiny" in repository(site, "runuser -u admin -- dxf list-repos").split()
    assert int(repository(site, "runuser -u admin -- docker compose version --short").split(".")[0]) >= 2
    assert (
        repository(site, "systemctl is-active backup.timer; systemctl show -p NextElapseUSecRealtime backup.timer").split()[0] == "active"
    )


def test_logs_come_over_tls_by_way_of_the_journal(site: Site):
    say = "docker run --rm --log-driver syslog --log-opt syslog-facility=local0 --log-opt tag=web tiny /tini-static --version"
    hive(site, f"tar -C /usr/bin -c tini-static | docker import - tiny; {say}; docker rmi tiny; logger -p user.info by-the-hive")
    until(lambda: "tini version" in repository(site, "cat /var/log/services/web.log 2>/dev/null || :"), 30)
    until(lambda: "by-the-hive" in repository(site, "cat /var/log/service-other-facility.log"), 30)
    assert "by-the-hive" in hive(site, "cat /var/log/messages")
    assert repository(site, "stat -c '%a %U:%G' /var/log/services/web.log") == "640 root:zabbix\n"


def test_the_agent_reads_the_system_log_also_after_its_rotation(site: Site):
    repository(site, "logger before-rotation")
    until(lambda: "before-rotation" in repository(site, "runuser -u zabbix -- cat /var/log/messages"), 20)
    repository(site, "logrotate -f /etc/logrotate.conf; logger after-rotation")
    until(lambda: "after-rotation" in repository(site, "runuser -u zabbix -- cat /var/log/messages"), 20)
    assert "before-rotation" not in repository(site, "cat /var/log/messages")
    assert repository(site, "stat -c '%a %U:%G' /var/log/messages") == "640 root:zabbix\n"


def test_the_agent_is_laid_out_as_its_makers_do(site: Site):
    for name in site.inventory.servers:
        text = shell(site, "cat /etc/zabbix/zabbix_agentd.conf", name).splitlines()
        assert {"LogFile=/var/log/zabbix/zabbix_agentd.log", "Include=/etc/zabbix/zabbix_agentd.d/*.conf", f"Hostname={name}"} <= set(text)
        assert shell(
            site, '[ "$(cat /run/zabbix/zabbix_agentd.pid)" = "$(systemctl show -p MainPID --value zabbix-agent)" ] && echo same', name
        )
        assert shell(site, "stat -c %U:%G /var/log/zabbix/zabbix_agentd.log", name) == "zabbix:zabbix\n"
    assert "chronyd.service" in hive(site, "runuser -u zabbix -- zabbix_agentd -t systemd.service.discovery")
    managers = f"docker.swarm.managers.reachable.{site.inventory.hive_name}"
    assert "[t|1]" in repository(site, f"runuser -u zabbix -- zabbix_agentd -t {managers}")
    ask = "import sys, zabbix_utils; print(zabbix_utils.Getter(sys.argv[1], timeout=10).get('agent.hostname').value)"
    assert repository(site, f'/opt/hive/venv/bin/python -c "{ask}" {site.inventory.hives[0]}') == f"{site.inventory.hives[0]}\n"


def test_networkmanager_gives_the_second_interface_its_address(make_site: Callable[..., Site]):
    wanted = "hive_internal_net_if: int0\nhive_internal_net_addr: 10.99.0.0\nhive_internal_net_cidr: 24\n"
    site = make_site(1, image="el-9", variables=wanted)
    [name] = site.inventory.servers
    folder = site.context.root / "inventory" / "host_vars"
    folder.mkdir()
    (folder / f"{name}.yml").write_text("hive_private_ip: 10.99.0.4\n")
    site.reload()
    shell(site, "ip link add int0 type veth peer name far0; ip link set far0 up")
    addresses = "ip -o -4 addr show dev int0 | awk '{print $4}'"

    setup(site, "iptables", "internal-network")
    assert shell(site, addresses) == "10.99.0.4/24\n"
    assert shell(site, "nmcli -g GENERAL.CONNECTION device show int0") == "internal_net\n"
    assert "eth0" in shell(site, "ip route show default")
    assert changes(setup(site, "iptables", "internal-network")) == []

    shell(site, "ip addr add 10.99.0.77/24 dev int0")
    setup(site, "internal-network")
    assert shell(site, addresses) == "10.99.0.4/24\n"
    shell(site, "nmcli connection modify internal_net ipv4.addresses 10.99.0.5/24")
    [mended] = [line for line in changes(setup(site, "internal-network")) if "connection internal_net" in line]
    assert "ipv4.addresses" in mended
    assert shell(site, addresses) == "10.99.0.4/24\n"

    (folder / f"{name}.yml").write_text("hive_private_ip: 10.99.0.4\nhive_internal_net_if: eth0\n")
    site.reload()
    report = site.run("setup-hosts", roles=["internal-network"])
    assert "eth0 of " in errors(report)[0]
    assert shell(site, "nmcli -g connection.interface-name connection show internal_net") == "int0\n"
