"""Sites for the tests, on real sandbox servers, each with a range of addresses of its own."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import time
from pathlib import Path

from hive_nornir import Site
from hive_nornir.connections.shell import SshTransport
from hive_nornir.errors import ConnectionLost, HiveError
from hive_nornir.runs.report import RunReport

REPOSITORY = Path(__file__).parents[2]
# Runs side by side, and the workers of one run, differ by their process ids; each has room for 64 sites.
_numbers = itertools.count(os.getpid() * 64)

HIVE = """\
plugin: hive_inventory
name: {name}
stages:
  private:
    provider: sandbox
    cidr: {cidr}
    number_of_hosts: {count}
    separate_repository: {separate}
{more}"""
# What a server needs to be a swarm with a registry, but for the swarm itself.
REGISTRY_ROLES = (
    "base",
    "hostsfile",
    "iptables",
    "pip-venv",
    "tls-certificate",
    "docker",
    "docker-client",
    "docker-compose",
    "registry",
)


def free_cidr() -> str:
    """A range that no other test uses at the moment."""
    number = next(_numbers)
    return f"10.{78 + number // 256 % 40}.{number % 256}.0/24"


def write_site(folder: Path, count: int, *, image: str = "debian-12", variables: str = "", mirror: bool = False) -> Site:
    """A site's folder with so many servers.

    :param variables: YAML text of group_vars/all.yml, beside what every sandbox needs.
    :param mirror: whether its Docker finds images of Docker Hub in the sandbox's mirror.
    """
    inventory = folder / "inventory"
    (inventory / "group_vars").mkdir(parents=True)
    name = f"t{os.getpid()}-{next(_numbers)}.test"
    more = f"    image_name: {image}\n    internal_cidr: 172.31.252.0/22\n"
    cidr = free_cidr()
    text = HIVE.format(name=name, cidr=cidr, count=count, separate=str(count > 1).lower(), more=more)
    (inventory / "hive.yml").write_text(text)
    (inventory / "services.yml").write_text("plugin: hive_services\nservices:\n  web:\n    image: nginx:stable\n    ports: ['8080:80']\n")
    given = f"hive_registry_mirror: http://{cidr.removesuffix('0/24')}3:5000\n" if mirror else ""
    sources = "hive_docker_source: distribution\nhive_zabbix_source: distribution\n"
    (inventory / "group_vars" / "all.yml").write_text(f"{sources}{given}{variables}")
    return Site.open(folder, "private")


def copy_example(folder: Path) -> Site:
    """The example site with a range of its own, so that it can stand beside the demo."""
    shutil.copytree(REPOSITORY / "site", folder, ignore=shutil.ignore_patterns(".hive"))
    cidr = free_cidr()
    for file in (folder / "inventory").rglob("*.yml"):
        text = file.read_text().replace("10.77.0.0/24", cidr).replace("10.77.0.", cidr.removesuffix("0/24"))
        file.write_text(text.replace("example.site", f"example{os.getpid()}.site"))
    return Site.open(folder, "private")


def build(site: Site) -> RunReport:
    """Build the servers, and stop the test if that fails."""
    report = site.run("build-infra")
    assert report.ok, report.as_dict() | {"errors": errors(report)}
    return report


def errors(report: RunReport) -> list[str]:
    """What went wrong, for the message of an assertion."""
    return [
        f"{host.name} {role.role}: {role.error} {role.stderr}"
        for host in report.hosts.values()
        for role in host.roles.values()
        if role.status not in ("ok", "changed", "would-change", "skipped")
    ]


def setup(site: Site, *roles: str, check: bool = False, limit: list[str] | None = None) -> RunReport:
    """Run roles, and stop the test if one fails."""
    report = site.run("setup-hosts", roles=list(roles) or None, check=check, limit=limit)
    assert report.ok, errors(report)
    return report


def changes(report: RunReport) -> list[str]:
    """Every operation that changed something or would, as `host role operation: summary`."""
    return [
        f"{host.name.split('.')[0]} {role.role} {outcome.operation.name}: {outcome.status} {outcome.summary}"
        for host in report.hosts.values()
        for role in host.roles.values()
        for outcome in role.outcomes
        if outcome.status not in ("unchanged", "not-run")
    ]


def transport(site: Site, host: str | None = None) -> SshTransport:
    """A root shell on a server; the first one without a name."""
    name = site.select_hosts([host] if host else None)[0]
    connection = site.nornir.inventory.hosts[name].get_connection("hive", site.nornir.config)
    assert isinstance(connection, SshTransport)
    return connection


def restart(site: Site) -> None:
    """Restart the first server and wait until it is up again."""
    started = shell(site, "stat -c %Y /proc/1")
    with contextlib.suppress(ConnectionLost):
        transport(site).run("systemctl reboot", deadline=20)
    give_up = time.monotonic() + 60
    while True:
        site.close()
        with contextlib.suppress(HiveError, AssertionError):
            if shell(site, "stat -c %Y /proc/1") != started:
                break
        assert time.monotonic() < give_up, "the server did not come back"
        time.sleep(0.2)
    shell(site, "systemctl is-system-running --wait || :")


def shell(site: Site, script: str, host: str | None = None) -> str:
    """What a script prints on a server; it must succeed."""
    done = transport(site, host).run(script, deadline=60)
    assert done.exit_code == 0, (script, done.stderr.decode())
    return done.stdout.decode()
