"""The repository server: Compose, the registry of images, Zabbix; with the images of the sandbox's mirror."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from hive_nornir import Site
from tests.hosts.sites import build, changes, errors, setup, shell, write_site

BEFORE = ("base", "hostsfile", "iptables", "pip-venv", "tls-certificate", "docker")
LOGIN = "printf '%s' '{password}' | docker login -u hive --password-stdin {registry} 2>/dev/null"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A hive and a repository server."""
    made = write_site(tmp_path_factory.mktemp("repository") / "site", 2, image="debian-13", mirror=True)
    try:
        build(made)
        setup(made, *BEFORE, "repository")
        yield made
        made.close()
    finally:
        made.run("build-infra", destroy=True)


def repository(site: Site, script: str) -> str:
    return shell(site, script, site.inventory.repository)


def hive(site: Site, script: str) -> str:
    return shell(site, script, site.inventory.hives[0])


def secret(site: Site, name: str) -> str:
    return (site.context.context_dir / name).read_text().strip()


def address(site: Site) -> str:
    """The registry's, as images are named after it."""
    return f"{site.inventory.repository}:5000"


def test_compose_is_version_2_for_the_administrator(site: Site) -> None:
    assert int(repository(site, "runuser -u admin -- docker compose version --short").split(".")[0]) >= 2
    assert repository(site, "pip3 list 2>/dev/null | grep -i docker-compose || echo none") == "none\n"


def test_the_mirrors_images_run_as_those_of_docker_hub_do(site: Site) -> None:
    assert hive(site, "docker run --rm -q debian:trixie-slim cat /etc/debian_version").startswith("13")
    hive(site, "docker run -d --name front -p 127.0.0.1:8081:80 -q nginx:stable")
    try:
        assert "nginx" in hive(site, "wget -q -O - --tries 20 --retry-connrefused --waitretry 1 http://127.0.0.1:8081/")
    finally:
        hive(site, "docker rm -fv front")


def test_the_registry_wants_a_password_over_tls_that_the_host_trusts(site: Site) -> None:
    url = f"https://{address(site)}/v2/"
    assert "401 Unauthorized" in hive(site, f"wget -S -O /dev/null {url} 2>&1 || :")
    rc = f"umask 077; cat >/root/.wgetrc <<'E'\nuser = hive\npassword = {secret(site, 'registry_password')}\nE\n"
    assert "200 OK" in hive(site, f"{rc}wget -S -O /dev/null {url} 2>&1; rm /root/.wgetrc")
    assert "let in" not in hive(site, LOGIN.format(password="wrong", registry=address(site)) + " && echo let in || :")


def test_what_one_hive_pushes_another_server_pulls(site: Site) -> None:
    login, name = LOGIN.format(password=secret(site, "registry_password"), registry=address(site)), f"{address(site)}/test/tiny"
    hive(site, f"{login}; echo pushed >/root/tiny; tar -C /root -c tiny | docker import - {name} && docker push -q {name}")
    try:
        assert "test/tiny" in repository(site, "runuser -u admin -- dxf list-repos").split()
        repository(
            site, f"{login}; docker pull -q {name}; docker create --name tiny {name} none; docker cp tiny:tiny /root/tiny; docker rm tiny"
        )
        assert repository(site, "cat /root/tiny") == "pushed\n"
    finally:
        for each in (hive, repository):
            each(site, f"docker rmi -f {name}; docker logout {address(site)}; rm -f /root/tiny")


def test_the_registry_is_closed_to_whoever_is_no_server_of_the_stage(site: Site) -> None:
    rules = repository(site, "iptables -S HIVE-PUBLISHED | grep 'published registry'").splitlines()
    assert [rule.split()[3] for rule in rules[:-1]] == [
        f"{site.inventory.scope(name)['hive_private_ip']}/32" for name in site.inventory.servers
    ]
    assert "REJECT" in rules[-1]


def test_the_registrys_files_are_for_those_who_need_them(site: Site) -> None:
    modes = repository(site, "cd /home/admin/registry; stat -c '%a %U:%G %n' . *").splitlines()
    assert modes == [
        "755 admin:admin .",
        "600 admin:admin credentials.json",
        "640 root:admin docker-compose.yml",
        "640 root:admin htpasswd",
    ]
    mounts = json.loads(repository(site, "docker inspect -f '{{json .Mounts}}' registry"))
    assert [mount["Name"] for mount in mounts if mount["Type"] == "volume"] == ["registry_regdata"]
    assert all(not mount["RW"] for mount in mounts if mount["Type"] == "bind")
    assert len(mounts) == 4
    network = repository(site, "docker network inspect -f '{{range .IPAM.Config}}{{.Subnet}}{{end}}' registry_default")
    assert network == "172.31.255.0/25\n"
    everywhere = repository(site, f"grep -rlF -e {secret(site, 'registry_password')} /home /etc /opt /var/lib/hive-nornir 2>/dev/null || :")
    assert everywhere.split() == ["/home/admin/registry/credentials.json"]


def test_a_renewed_certificate_and_a_rotated_password_reach_the_running_registry(site: Site) -> None:
    name, file = site.inventory.repository, site.context.context_dir / "registry_password"
    repository(site, f"rm /etc/ssl/hive/certs/{name}-registry_cert.pem")
    old, before = file.read_text(), served(site)
    file.write_text("another15letter")
    site.reload()
    try:
        found = changes(setup(site, "registry"))
        assert any("containers of registry: changed" in line for line in found), found
        assert served(site) != before
        assert served(site) == repository(
            site, f"openssl x509 -noout -fingerprint -sha256 -in /etc/ssl/hive/certs/{name}-registry_cert.pem"
        )
        assert repository(site, "runuser -u admin -- dxf list-repos >/dev/null && echo in") == "in\n"
        assert "let in" not in hive(site, LOGIN.format(password=old.strip(), registry=address(site)) + " && echo let in || :")
    finally:
        file.write_text(old)
        site.reload()
        setup(site, "registry")


def served(site: Site) -> str:
    """The fingerprint of the certificate that the registry presents."""
    return repository(site, f"openssl s_client -connect {address(site)} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256")


def test_a_stopped_registry_is_started_and_a_changed_one_made_anew(site: Site) -> None:
    repository(site, "docker stop -t 1 registry")
    assert any("start registry (it is exited)" in line for line in changes(setup(site, "registry")))
    repository(site, "docker rm -f registry; docker run -d --name registry --restart no -q registry:2.8.3")
    report = site.run("setup-hosts", roles=["registry"])
    assert errors(report), "another container has the name"
    repository(site, "docker rm -fv registry")
    setup(site, "registry")


def test_a_second_run_changes_nothing_and_costs_one_round_trip_a_role(site: Site) -> None:
    report = setup(site, "repository")
    assert changes(report) == []
    connecting, facts, roles = 8, 1, len(report.hosts[site.inventory.repository].roles)
    assert report.hosts[site.inventory.repository].round_trips <= connecting + facts + roles
    plan = setup(site, "repository", check=True)
    assert changes(plan) == []
