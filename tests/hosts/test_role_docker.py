"""The role docker on real servers: the API answers the site's own servers over TLS, and nobody else."""

from collections.abc import Callable, Iterator

import pytest

from hive_nornir import Site
from tests.hosts.sites import build, changes, errors, setup, shell, write_site

SiteMaker = Callable[..., Site]
ROLES = ("hostsfile", "iptables", "tls-certificate", "docker")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two servers with Docker."""
    made = write_site(tmp_path_factory.mktemp("docker") / "site", 2)
    try:
        build(made)
        setup(made, *ROLES)
        yield made
        made.close()
    finally:
        made.run("build-infra", destroy=True)


def ask(site: Site, options: str) -> str:
    """What the second server hears when it asks the first one's Docker for its version over TLS."""
    first, second = site.inventory.servers
    address = site.inventory.scope(first)["hive_private_ip"]
    client = f"timeout 10 openssl s_client -quiet -connect {address}:2376 -verify_return_error -verify_hostname {first} {options}"
    return shell(site, f"{{ printf 'GET /version HTTP/1.0\\r\\n\\r\\n'; sleep 1; }} | {client} 2>&1 || :", second)


def test_the_api_answers_another_server_with_a_certificate_and_nobody_without(site: Site):
    pair = f"-cert /etc/ssl/hive/certs/{site.inventory.servers[1]}_cert.pem -key /etc/ssl/hive/private/{site.inventory.servers[1]}_key.pem"
    assert '"ApiVersion"' in ask(site, pair)
    refused = ask(site, "")
    assert "ApiVersion" not in refused
    assert "certificate required" in refused or "bad certificate" in refused
    foreign = "openssl req -x509 -newkey rsa:2048 -nodes -keyout /tmp/f.key -out /tmp/f.pem -days 1 -subj /CN=foreign 2>/dev/null"
    shell(site, foreign, site.inventory.servers[1])
    refused = ask(site, "-cert /tmp/f.pem -key /tmp/f.key")
    assert "ApiVersion" not in refused
    assert "certificate" in refused


def test_docker_is_as_specified(site: Site):
    modes = shell(site, "stat -c '%a %U %n' /etc/docker /etc/docker/daemon.json; ls -l --time-style=+ /run/docker.sock").splitlines()
    assert modes[:2] == ["700 root /etc/docker", "600 root /etc/docker/daemon.json"]
    assert modes[2].startswith("srw-rw---- 1 root docker")
    assert shell(site, "ip -4 -o addr show docker0").split()[3] == "172.31.254.129/25"
    listeners = shell(site, "ss -Hltn sport = :2376").split()
    assert listeners[3] == f"{site.inventory.scope(site.inventory.servers[0])['hive_private_ip']}:2376"
    assert shell(site, "systemctl is-enabled docker; systemctl is-active docker") == "enabled\nactive\n"
    assert "RestartUSec=15s" in shell(site, "systemctl show -p RestartUSec docker")
    assert "docker" in shell(site, "id -Gn admin").split()
    rules = shell(site, "iptables -S HIVE-SERVICE").splitlines()
    for server in site.inventory.servers:
        source = site.inventory.scope(server)["hive_private_ip"]
        assert len([rule for rule in rules if f"-s {source}/32" in rule]) == 2


def test_a_second_run_of_these_roles_changes_nothing_though_docker_has_rules_of_its_own(site: Site):
    before = shell(site, "iptables-save | grep -c DOCKER")
    assert changes(setup(site, *ROLES)) == []
    assert shell(site, "iptables-save | grep -c DOCKER") == before
    assert shell(site, "grep DOCKER /etc/iptables/rules.v4") == ":DOCKER-USER - [0:0]\n-A DOCKER-USER -j HIVE-PUBLISHED\n"


def test_the_firewall_can_be_mended_under_a_running_docker(site: Site):
    started = shell(site, "systemctl show -p ActiveEnterTimestampMonotonic docker")
    nat = shell(site, "iptables-save -t nat | grep -v '^[#:]'")
    shell(site, "iptables -F HIVE-SERVICE; iptables -A HIVE-INPUT -p tcp --dport 9999 -j ACCEPT")
    found = changes(setup(site, "iptables", "docker", limit=[site.inventory.servers[0]]))
    assert any("live IPv4 rules" in line for line in found)
    assert "allow docker_api_swarm" in shell(site, "iptables -S HIVE-SERVICE")
    assert "9999" not in shell(site, "iptables -S")
    assert shell(site, "systemctl show -p ActiveEnterTimestampMonotonic docker") == started
    assert shell(site, "iptables-save -t nat | grep -v '^[#:]'") == nat


def test_a_changed_configuration_restarts_docker(site: Site):
    path = site.context.inventory_path / "group_vars" / "all.yml"
    old = path.read_text()
    path.write_text(old + "hive_registry_mirror: https://mirror.example\n")
    site.reload()
    try:
        found = changes(setup(site, "docker", limit=[site.inventory.servers[0]]))
        assert [line.split(": ")[0].split(" docker ", 1)[1] for line in found] == ["file /etc/docker/daemon.json", "service docker.service"]
        assert "https://mirror.example/" in shell(site, "docker info")
    finally:
        path.write_text(old)
        site.reload()
        setup(site, "docker")


def test_a_new_certificate_restarts_docker(site: Site):
    first = site.inventory.servers[0]
    shell(site, f"rm /etc/ssl/hive/certs/{first}_cert.pem")
    started = shell(site, "systemctl show -p ActiveEnterTimestampMonotonic docker")
    assert any("restart of docker.service" in line for line in changes(setup(site, "tls-certificate", limit=[first])))
    assert shell(site, "systemctl show -p ActiveEnterTimestampMonotonic docker") != started


def test_a_range_that_the_server_reaches_otherwise_is_refused_before_anything_is_done(site: Site):
    first = site.inventory.servers[0]
    shell(site, "ip route add 172.31.253.0/24 dev eth0; echo x >>/etc/docker/daemon.json")
    try:
        report = site.run("setup-hosts", roles=["docker"], limit=[first])
        assert any("hive_internal_cidr 172.31.252.0/22 overlaps the route 172.31.253.0/24" in error for error in errors(report))
        assert shell(site, "tail -n 1 /etc/docker/daemon.json") == "x\n"
    finally:
        shell(site, "ip route del 172.31.253.0/24")
        setup(site, "docker")


def test_without_certificate_or_rules_it_names_the_role_to_run_first(make_site: SiteMaker):
    site = make_site(1)
    report = site.run("setup-hosts", roles=["docker"])
    assert any("run the role tls-certificate first" in error for error in errors(report)), errors(report)
    setup(site, "tls-certificate")
    report = site.run("setup-hosts", roles=["docker"])
    assert any("run the role iptables first" in error for error in errors(report)), errors(report)
    assert shell(site, "command -v docker || :") == ""
    plan = setup(site, "docker", check=True)
    assert any("the role iptables makes it" in line for line in changes(plan))
