"""The role docker on real servers: the API answers the site's own servers over TLS, and nobody else."""

import shutil
from collections.abc import Callable, Iterator

import pytest

from hive_nornir import Site
from hive_nornir.inventory.authorities import Authorities
from hive_nornir.inventory.leaf import Leaf
from hive_nornir.operations import files
from hive_nornir.operations.core import quote
from hive_nornir.tasks.role import Steps, Target, Variables, role
from hive_nornir.tasks.servers.api_client import api_client
from tests.hosts.sites import build, changes, errors, setup, shell, write_site
from tests.support.clock import days_from_now

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


class NoVariables(Variables):
    """Nothing."""


@role()
def client(host: Target, v: NoVariables) -> Steps:
    """What the administrator needs to use the Docker API of all servers."""
    folder = "/home/admin/.docker"
    ours = api_client(host, "admin", folder)
    outcomes = yield [files.directory(folder, mode=0o700, owner="admin", group="admin"), *ours.operations]
    ours.note(outcomes)


def apply_client(site: Site, *, check: bool = False) -> list[str]:
    """Run the role above on both servers; what it changed."""
    own = Site.open(site.context.root, site.context.stage)
    own.nornir.data.dry_run = check
    done = own.nornir.run(task=client)
    own.close()
    assert not done.failed, [str(each.exception) for host in done.values() for each in host if each.exception]
    return [f"{name.split('.')[0]} {each.name}" for name, host in done.items() for each in host[1:] if each.changed]


CLIENT = "-cert /home/admin/.docker/cert.pem -key /home/admin/.docker/key.pem"


def is_refused(said: str) -> bool:
    """Whether it was the engine that hung up because of the certificate."""
    return "ApiVersion" not in said and "alert" in said and "certificate" in said


def test_the_api_answers_its_own_clients_and_nobody_else(site: Site):
    first, second = site.inventory.servers
    assert len(apply_client(site, check=True)) == 10
    assert shell(site, "ls -d /home/admin/.docker 2>&1 || :", second).startswith("ls: ")
    assert len(apply_client(site)) == 10
    assert apply_client(site) == []
    assert shell(site, "stat -c '%n %a %U' /home/admin/.docker/*; stat -c '%a %U' /home/admin/.docker", second).splitlines() == [
        "/home/admin/.docker/ca.pem 600 admin",
        "/home/admin/.docker/cert.pem 600 admin",
        "/home/admin/.docker/key.pem 600 admin",
        "700 admin",
    ]
    # As operators use it: the engine's own client, which verifies the server too.
    ask_version = f"docker --tlsverify -H tcp://{first}:2376 version --format '{{{{.Server.APIVersion}}}}'"
    assert shell(site, f"su admin -c {quote(ask_version)}", second)[0].isdigit()
    assert '"ApiVersion"' in ask(site, CLIENT)

    assert is_refused(ask(site, ""))
    # The server's own, which is good for clients too, but of the site's CA.
    server = f"-cert /etc/ssl/hive/certs/{second}_cert.pem -key /etc/ssl/hive/private/{second}_key.pem"
    assert is_refused(ask(site, server))
    # What a service has, whose CA the site's own vouches for.
    service = Leaf("web.example", dns=("web.example",))
    authorities = Authorities(site.context.context_dir, site.inventory.hive_name)
    applications = authorities.applications(create=True)
    assert applications is not None
    request = shell(site, "openssl req -new -newkey rsa:2048 -nodes -keyout /tmp/s.key -subj /CN=web.example 2>/dev/null", second)
    shell(site, f"cat >/tmp/s.pem <<'E'\n{applications.sign(request.encode(), service).decode()}E", second)
    anchor = f"/usr/local/share/ca-certificates/hive-{site.inventory.hive_name}.crt"
    shell(site, f"openssl verify -untrusted /tmp/s.pem -CAfile {anchor} /tmp/s.pem", second)
    assert is_refused(ask(site, "-cert /tmp/s.pem -cert_chain /tmp/s.pem -key /tmp/s.key"))
    foreign = "openssl req -x509 -newkey rsa:2048 -nodes -keyout /tmp/f.key -out /tmp/f.pem -days 1 -subj /CN=foreign 2>/dev/null"
    shell(site, foreign, second)
    assert is_refused(ask(site, "-cert /tmp/f.pem -key /tmp/f.key"))


def test_another_ca_of_clients_locks_nobody_out(site: Site):
    first, second = site.inventory.servers
    apply_client(site)
    shell(site, "cp -r /home/admin/.docker /root/former", second)
    former = CLIENT.replace("/home/admin/.docker", "/root/former")
    shutil.rmtree(site.context.context_dir / "ca" / "api-client")
    found = setup(site, "docker", limit=[first])
    assert [line.split(": ")[0].split(" docker ", 1)[1] for line in changes(found)] == [
        "file /etc/ssl/hive/certs/hive-api-client-ca.pem",
        "service docker.service",
    ]
    assert "the CA of the Docker API's clients is being replaced" in " ".join(found.notices())
    assert '"ApiVersion"' in ask(site, CLIENT)
    assert not [line for line in apply_client(site) if "p-hive0" in line]  # the second engine would not let it in
    setup(site, "docker")
    assert [line for line in apply_client(site) if "p-hive0" in line]
    assert '"ApiVersion"' in ask(site, CLIENT)
    setup(site, "docker")
    assert '"ApiVersion"' in ask(site, CLIENT)
    assert is_refused(ask(site, former))
    found = setup(site, "docker")
    assert (changes(found), found.notices(), apply_client(site)) == ([], [], [])


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


def test_a_renewed_certificate_is_what_docker_presents(site: Site, monkeypatch: pytest.MonkeyPatch):
    first = site.inventory.servers[0]
    days_from_now(monkeypatch, -300)
    shell(site, f"rm /etc/ssl/hive/certs/{first}_cert.pem")
    setup(site, "tls-certificate", limit=[first])
    monkeypatch.undo()
    before = presented(site)
    found = changes(setup(site, "tls-certificate", limit=[first]))
    assert any("issue: the present one expires" in line for line in found)
    assert any("restart of docker.service" in line for line in found)
    assert presented(site) == shell(site, f"openssl x509 -noout -serial -in /etc/ssl/hive/certs/{first}_cert.pem")
    assert presented(site) != before


def presented(site: Site) -> str:
    """The serial number of the certificate that the first server's Docker shows, once it answers."""
    first, second = site.inventory.servers
    address = site.inventory.scope(first)["hive_private_ip"]
    look = f"openssl s_client -connect {address}:2376 </dev/null 2>/dev/null | openssl x509 -noout -serial 2>/dev/null"
    return shell(site, f"n=0; until {look} || [ $n = 50 ]; do n=$((n+1)); sleep 0.2; done", second)


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
