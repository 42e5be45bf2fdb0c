"""Backups on real servers: the registry, Zabbix, and a service of the swarm on another host; taken, spoilt, and put back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from hive_nornir import Site
from hive_nornir.operations.core import quote
from tests.hosts.pair import until
from tests.hosts.sites import changes, setup, shell

IMAGE = "debian:trixie-slim"
SERVICES = """\
plugin: hive_services
services:
  store:
    image: debian:trixie-slim
    endpoint_mode: dnsrr
    backup_scripts:
      - name: store-files
        directory: /srv/the data
        cleanup_days_before: 3
      - name: store-dump
        ext: txt
        batch_scripts: ["echo batch >>/srv/notes"]
        backup_command: cat /srv/notes && [ ! -e /srv/broken ]
        restore_command: cat >/srv/restored
        cleanup_days_before: 3
"""


def repository(site: Site, script: str) -> str:
    return shell(site, script, site.inventory.repository)


def hive(site: Site, script: str) -> str:
    return shell(site, script, site.inventory.hives[0])


def backup(site: Site, options: str, code: int = 0) -> str:
    """What the runner says, as the administrator; its exit code must be this one."""
    said = repository(site, f'cd /; runuser -u admin -- env HOME=/home/admin hive-backup.sh {options} 2>&1; echo "code $?"')
    assert said.endswith(f"code {code}\n"), said
    return said


def result(site: Site) -> dict[str, Any]:
    """What the monitoring reads of the last backups, by entry."""
    found = json.loads(repository(site, "runuser -u nobody -- cat /var/lib/hive-backup/result.json"))
    return {each["entry"]: each for each in found["entries"]} | {"failed": found["failed"]}


def in_service(site: Site, script: str) -> str:
    return repository(site, f"runuser -u admin -- env HOME=/home/admin dexec -n store sh -c {quote(script)}")


@pytest.fixture(scope="module")
def site(repository_site: Site) -> Iterator[Site]:
    """The shared hive and repository, with a service that has something to back up."""
    file = repository_site.context.root / "inventory" / "services.yml"
    before = file.read_text()
    file.write_text(SERVICES)
    repository_site.reload()
    setup(repository_site, "backup-tools")
    hive(repository_site, f"docker service create -q --detach --name store --endpoint-mode dnsrr --no-resolve-image {IMAGE} sleep infinity")
    try:
        until(lambda: "1/1" in hive(repository_site, "docker service ls --filter name=store --format '{{.Replicas}}'"), 60)
        yield repository_site
    finally:
        hive(repository_site, "docker service rm store")
        file.write_text(before)
        repository_site.reload()
        setup(repository_site, "backup-tools")
        assert repository(repository_site, "ls /var/lib/hive-backup.d") == ""
        repository(repository_site, "rm -f /home/admin/backup/backup-*")


def test_files_and_units_are_as_specified(site: Site) -> None:
    modes = repository(
        site, "stat -L -c '%a %U:%G %n' /home/admin/backup /var/lib/hive-backup.d /var/lib/hive-backup.d/store /usr/bin/hive-backup.sh"
    )
    assert modes.splitlines() == [
        "700 admin:admin /home/admin/backup",
        "750 root:admin /var/lib/hive-backup.d",
        "640 root:admin /var/lib/hive-backup.d/store",
        "755 root:root /usr/bin/hive-backup.sh",
    ]
    assert "01:00:00" in repository(site, "systemctl list-timers --no-pager backup.timer")
    assert repository(site, "systemctl is-enabled backup.timer; systemctl is-active backup.timer") == "enabled\nactive\n"
    shown = repository(site, "systemctl show -p User,Group,WorkingDirectory,Type backup.service").split()
    assert {"User=admin", "Group=admin", "WorkingDirectory=/home/admin", "Type=oneshot"} == set(shown)
    assert "Persistent=yes" in repository(site, "systemctl show -p Persistent backup.timer")


def test_the_timers_service_backs_up_everything(site: Site) -> None:
    in_service(site, "mkdir -p '/srv/the data/.hidden' && echo kept >'/srv/the data/.hidden/a file'; echo notes >/srv/notes")
    repository(site, "systemctl start backup.service")
    found = result(site)
    assert found.pop("failed") == 0
    assert found.keys() == {"hive-zabbix", "hive-registry", "store-files", "store-dump"}
    assert {each["status"] for each in found.values()} == {"ok"}
    for entry in found.values():
        line = repository(site, f"cd /home/admin/backup; sha256sum {entry['file']}; stat -c '%a %U %s' {entry['file']}").split()
        assert line == [entry["sha256"], entry["file"], "600", "admin", str(entry["size"])]
    links = repository(site, "cd /home/admin/backup; readlink backup-*-latest.*").split()
    assert sorted(links) == sorted(each["file"] for each in found.values())
    assert "Dump completed" in repository(site, "zcat /home/admin/backup/backup-hive-zabbix-latest.sql.gz | tail -n 1")
    assert repository(site, "cat /home/admin/backup/backup-store-dump-latest.txt") == "notes\nbatch\n"


def test_a_service_on_another_host_is_restored(site: Site) -> None:
    in_service(
        site, "mkdir -p '/srv/the data'; rm -rf '/srv/the data/.hidden'; echo as-it-was >'/srv/the data/file'; echo notes >/srv/notes"
    )
    backup(site, "-l store")
    in_service(site, "echo changed >'/srv/the data/file'; echo later >'/srv/the data/later'")
    said = backup(site, "-r -l store", code=1)
    assert "say --yes" in said
    backup(site, "-r --yes -l store")
    assert in_service(site, "ls -A '/srv/the data'; cat '/srv/the data/file' /srv/restored").split() == [
        "file",
        "as-it-was",
        "notes",
        "batch",
    ]


def test_what_fails_keeps_the_last_good_one_and_is_told(site: Site) -> None:
    backup(site, "-l store")
    before = result(site)["store-dump"]
    in_service(site, "touch /srv/broken")
    try:
        said = backup(site, "-l store", code=1)
        assert "FAIL store-dump: exit code 1" in said
        assert "END store-files" in said
        found = result(site)
        assert (found["failed"], found["store-dump"]["status"], found["store-files"]["status"]) == (1, "failed", "ok")
        assert found["store-dump"]["last_success"] == before["time"]
        assert repository(site, "readlink /home/admin/backup/backup-store-dump-latest.txt").strip() == before["file"]
        assert repository(site, "systemctl start backup.service 2>/dev/null || systemctl is-failed backup.service") == "failed\n"
    finally:
        in_service(site, "rm /srv/broken")
        repository(site, "systemctl reset-failed backup.service || :")
    backup(site, "-l store")
    assert result(site)["failed"] == 0
    assert repository(site, "find /home/admin/backup -name '.*' -type f") == ""


def test_what_is_not_known_or_not_there(site: Site) -> None:
    assert "there is no nope" in backup(site, "-l nope", code=1)
    assert "usage:" in backup(site, "-h", code=1)
    repository(site, "rm -f /home/admin/backup/backup-store-*")
    assert "SKIP store-files: there is no backup" in backup(site, "-r --yes -l store", code=2)
    assert "back up store-files to backup-store-files-" in backup(site, "--dry-run -l store")
    assert repository(site, "ls /home/admin/backup | grep -c store || :") == "0\n"


def test_the_registry_is_restored(site: Site) -> None:
    name = f"{site.inventory.repository}:5000"
    password = (site.context.context_dir / "registry_password").read_text().strip()
    login = f"printf %s {password} | docker login -u hive --password-stdin {name} 2>/dev/null"
    push = "echo {0} >/root/{0}; tar -C /root -c {0} | docker import - {1}/test/{0} && docker push -q {1}/test/{0}"
    try:
        hive(site, f"{login}; {push.format('kept', name)}")
        backup(site, "-l hive-registry")
        hive(site, push.format("later", name))
        repository(site, "docker exec registry rm -rf /var/lib/registry/docker/registry/v2/repositories/test/kept")
        backup(site, "-r --yes -l hive-registry")
        until(
            lambda: "kept" in hive(site, f"docker rmi -f {name}/test/kept >/dev/null 2>&1; docker pull -q {name}/test/kept 2>&1 || :"), 30
        )
        hive(site, f"docker create --name kept {name}/test/kept none >/dev/null; docker cp kept:kept /root/again; docker rm kept")
        assert hive(site, "cat /root/again") == "kept\n"
        assert "not found" in hive(site, f"docker rmi -f {name}/test/later >/dev/null; docker pull {name}/test/later 2>&1 || :")
        assert repository(site, "docker exec registry ls -A /var/lib/registry") == "docker\n"
    finally:
        hive(site, f"docker rmi -f {name}/test/kept {name}/test/later; docker logout {name}; rm -f /root/kept /root/later /root/again")
        repository(site, "docker exec registry rm -rf /var/lib/registry/docker; docker restart registry")
    assert changes(setup(site, "registry")) == []


def sql(site: Site, statements: str) -> list[str]:
    """What Zabbix' database answers."""
    client = "docker exec -i -u 0 zabbix-db sh -c 'MYSQL_PWD=$(cat /run/secrets/db_root_password) mariadb -N -u root zabbix'"
    return repository(site, f"{client} <<'E'\n{statements}\nE").splitlines()


@contextmanager
def watched(site: Site, text: str) -> Iterator[None]:
    """While no process on the repository may have a text in its arguments."""
    watch = "while [ -e /run/watched ]; do grep -lasFf /run/watched /proc/[0-9]*/cmdline; done >/run/seen 2>/dev/null"
    repository(site, f"umask 077; printf '%s\\n' {text} >/run/watched; setsid sh -c {quote(watch)} </dev/null >/dev/null 2>&1 &")
    try:
        yield
        assert repository(site, "cat /run/seen") == ""
        # It would have been seen.
        repository(site, f"sh -c 'sleep 5; : {text}' & until grep -qasFf /run/watched /proc/$!/cmdline; do :; done; kill $!")
    finally:
        repository(site, "rm -f /run/watched /run/seen")


def test_zabbix_is_restored_and_no_process_shows_its_password(site: Site) -> None:
    count = "select count(*) from hosts; select count(*) from information_schema.TRIGGERS where TRIGGER_SCHEMA = 'zabbix';"
    before = sql(site, count)
    with watched(site, (site.context.context_dir / "zabbix_db_root_password").read_text().strip()):
        backup(site, "-l hive-zabbix")
        sql(site, "update hosts set name = 'spoilt'; drop table history_text;")
        backup(site, "-r --yes -l hive-zabbix")
    assert sql(site, count) == before
    assert sql(site, "select count(*) from hosts where name = 'spoilt'; select count(*) < 0 from history_text;") == ["0", "0"]
    assert sql(site, "show databases like '%restored';") == []
    assert repository(site, "docker inspect -f '{{.State.Running}}' zabbix-server zabbix-web") == "true\ntrue\n"
    setup(site, "zabbix")  # its API answers again


def test_a_second_run_changes_nothing_and_neither_does_a_plan(site: Site) -> None:
    assert changes(setup(site, "backup-tools")) == []
    assert changes(setup(site, "backup-tools", check=True)) == []
