"""The repository server: Compose, the registry of images, Zabbix; with the images of the sandbox's mirror."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hive_nornir import Site
from tests.hosts.sites import changes, errors, setup, shell

ROLES = ("docker-compose", "zabbix", "registry")
LOGIN = "printf '%s' '{password}' | docker login -u hive --password-stdin {registry} 2>/dev/null"


@pytest.fixture
def site(repository_site: Site) -> Site:
    """A hive and a repository server, which other tests use too."""
    return repository_site


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
        assert "test/tiny" in repository(site, "runuser -l admin -c 'dxf list-repos'").split()
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


def zabbix(site: Site, script: str) -> Any:
    """What a Python expression says of Zabbix, whose API is `z`, with the token that is on the server."""
    program = f"""
import json
from zabbix_utils import ZabbixAPI
z = ZabbixAPI("http://127.0.0.1:10052/api_jsonrpc.php", token=open("/home/admin/zabbix/secrets/api_token").read().strip())
print(json.dumps({script}))
"""
    return json.loads(repository(site, f"/opt/hive/venv/bin/python - <<'E'{program}E"))


def lets_in(site: Site, password: str) -> bool:
    """Whether the console takes a password of Admin."""
    program = f"""
from zabbix_utils import ZabbixAPI
z = ZabbixAPI("http://127.0.0.1:10052/api_jsonrpc.php")
z.login(user="Admin", password={password!r})
z.logout()
"""
    return repository(site, f"/opt/hive/venv/bin/python - 2>/dev/null <<'E' && echo in || echo out{program}E") == "in\n"


def test_zabbix_runs_with_the_addresses_of_the_plan_and_its_console_on_loopback(site: Site) -> None:
    show = "{{.Name}} {{.State.Status}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    running = repository(site, f"docker inspect -f '{show}' zabbix-server zabbix-web zabbix-db").splitlines()
    assert running == [
        "/zabbix-server running 172.31.255.130",
        "/zabbix-web running 172.31.255.131",
        "/zabbix-db running 172.31.255.132",
    ]
    listening = repository(site, "ss -Hltn | awk '{print $4}' | grep -E ':1005[12]$' | sort -u").split()
    assert "127.0.0.1:10052" in listening
    assert not {"0.0.0.0:10052", "*:10052", "[::]:10052"} & set(listening)
    assert zabbix(site, "str(z.api_version())").startswith("7.0.")
    assert "published zabbix" in repository(site, "iptables -S HIVE-PUBLISHED")


def test_the_factory_password_is_refused_and_the_generated_one_accepted(site: Site) -> None:
    assert not lets_in(site, "zabbix")
    assert lets_in(site, secret(site, "zabbix_admin_password"))


def test_zabbix_secrets_are_in_closed_files_and_nowhere_else(site: Site) -> None:
    modes = repository(site, "cd /home/admin/zabbix; stat -c '%a %u:%G %n' . docker-compose.yml secrets secrets/*").splitlines()
    admin = repository(site, "id -u admin").strip()
    assert modes == [
        f"755 {admin}:admin .",
        "640 0:admin docker-compose.yml",
        "700 0:root secrets",
        "600 0:root secrets/admin_password",
        "600 0:root secrets/api_token",
        "600 1997:root secrets/db_password",
        "600 0:root secrets/db_root_password",
    ]
    names = ("zabbix_admin_password", "zabbix_db_password", "zabbix_db_root_password", "registry_password")
    known = [secret(site, name) for name in names]
    assert len(set(known)) == len(known)
    patterns = " ".join(f"-e {each}" for each in known)
    shown = repository(site, f"{{ docker inspect zabbix-server zabbix-web zabbix-db; cat /etc/hive/*; }} | grep -cF {patterns} || :")
    assert shown == "0\n"
    runs = site.context.context_dir / "runs"
    assert not [file for file in runs.rglob("*") if file.is_file() and any(each in file.read_text() for each in known)]


def test_zabbix_knows_the_servers_with_the_templates_of_what_they_are(site: Site) -> None:
    hosts = zabbix(
        site,
        'z.host.get(output=["host"], selectParentTemplates=["host"], selectHostGroups=["name"], selectInterfaces=["ip", "port", "useip"])',
    )
    found = {
        each["host"]: (
            sorted(template["host"] for template in each["parentTemplates"]),
            sorted(group["name"] for group in each["hostgroups"]),
            [(at["ip"], at["port"], at["useip"]) for at in each["interfaces"]],
        )
        for each in hosts
    }
    own, other = site.inventory.hives[0], site.inventory.repository
    at = {name: [(site.inventory.scope(name)["hive_private_ip"], "10050", "1")] for name in (own, other)}
    linux = "Linux by Zabbix agent"
    assert found == {
        own: (["Hive Server", linux, "SystemD service monitoring template"], ["Hives", "Linux servers"], at[own]),
        other: (["Docker Swarm Services", "Hive Repository Server", linux], ["Linux servers", "Repository server"], at[other]),
    }


def test_the_templates_have_their_items_and_triggers_for_this_hive(site: Site) -> None:
    name = site.inventory.hive_name
    asked = 'z.discoveryrule.get(output=["key_", "delay"], templated=True, search={"key_": "docker"})'
    rules = {each["key_"]: each["delay"] for each in zabbix(site, asked) if each["key_"].endswith(name)}
    assert rules == {
        f"user.discovery.docker-service.{name}": "1h",
        f"user.discovery.docker-standalone-service.{name}": "1h",
        f"user.discovery.docker-innerservice.{name}": "1h",
        f"user.discovery.docker-volume.{name}": "1h",
        f"docker.swarm.service.discovery.{name}": "300s",
    }
    triggers = zabbix(
        site, 'z.trigger.get(output=["description", "priority", "manual_close"], templated=True, search={"description": "SELinux"})'
    )
    assert [(each["priority"], each["manual_close"]) for each in triggers] == [("2", "1")]
    linux = zabbix(site, 'z.template.get(output=["host"], filter={"host": "Linux by Zabbix agent"}, selectMacros=["macro", "value"])')[0]
    [macro] = [each for each in linux["macros"] if each["macro"] == "{$VFS.FS.FSNAME.NOT_MATCHES}"]
    assert macro["value"].startswith("^(/dev|/sys|/run|/proc|.+/shm$|/var/lib/docker")


def test_what_somebody_changed_in_zabbix_is_planned_without_a_touch_and_then_mended(site: Site) -> None:
    own = site.inventory.hives[0]
    zabbix(site, f'z.host.delete(z.host.get(output=["hostid"], filter={{"host": "{own}"}})[0]["hostid"])')
    zabbix(
        site, 'z.item.delete(z.item.get(output=["itemid"], templated=True, filter={"key_": "systemd.service.failed.count"})[0]["itemid"])'
    )
    zabbix(
        site, 'z.template.create(host="Hive Server Old", groups=z.templategroup.get(output=["groupid"], filter={"name": "Templates/Hive"}))'
    )
    plan = changes(setup(site, "zabbix", check=True))
    assert len(plan) == 1, plan
    assert all(word in plan[0] for word in ("template SystemD service monitoring template: changed", f"host {own}: new", "Hive Server Old"))
    assert zabbix(site, f'z.host.get(output=["host"], filter={{"host": "{own}"}})') == []

    setup(site, "zabbix")
    assert zabbix(site, 'len(z.item.get(output=["itemid"], templated=True, filter={"key_": "systemd.service.failed.count"}))') == 1
    assert zabbix(site, 'z.template.get(output=["host"], filter={"host": "Hive Server Old"})') == []
    assert changes(setup(site, "zabbix")) == []


def test_a_lost_token_is_replaced_and_a_stopped_console_started(site: Site) -> None:
    repository(site, "rm /home/admin/zabbix/secrets/api_token; docker stop -t 1 zabbix-web")
    found = changes(setup(site, "zabbix"))
    assert any("start web (it is exited)" in line for line in found), found
    assert zabbix(site, 'len(z.token.get(output=["name"]))') == 1
    assert changes(setup(site, "zabbix")) == []


def test_registries_of_others_are_logged_in_to_once_and_their_passwords_are_shown_nowhere(site: Site) -> None:
    password, file = secret(site, "registry_password"), site.context.inventory_path / "group_vars" / "all.yml"
    old = file.read_text()
    entry = {"repository": address(site), "login_user": "hive", "password": password}
    file.write_text(f"{old}hive_ext_repositories: {json.dumps([entry])}\n")
    site.reload()
    try:
        [line] = changes(setup(site, "zabbix"))
        assert line.endswith(f"zabbix login at {address(site)}: changed as hive")
        assert repository(site, "stat -c %a /root/.docker/config.json") == "600\n"
        assert changes(setup(site, "zabbix")) == []
        newest = max((site.context.context_dir / "runs").iterdir())
        assert not [each for each in newest.rglob("*") if each.is_file() and password in each.read_text()]
    finally:
        file.write_text(old)
        site.reload()
        repository(site, f"docker logout {address(site)}")


def test_the_agents_group_exists_and_the_administrator_is_in_it(site: Site) -> None:
    assert "zabbix" in repository(site, "id -nG admin").split()
    assert int(repository(site, "getent group zabbix | cut -d: -f3")) < 1000


def test_a_second_run_changes_nothing_and_costs_one_round_trip_a_role(site: Site) -> None:
    site.close()  # a connection's round trips before the run count too
    report = setup(site, *ROLES)
    assert changes(report) == []
    connecting, facts, roles = 8, 1, len(report.hosts[site.inventory.repository].roles)
    assert report.hosts[site.inventory.repository].round_trips <= connecting + facts + roles
    plan = setup(site, *ROLES, check=True)
    assert changes(plan) == []
