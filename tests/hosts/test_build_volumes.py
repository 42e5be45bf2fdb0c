"""The phase build-volumes on two real hives: Docker's own drivers and the sandbox's file service."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from hive_nornir import Site
from hive_nornir.errors import UsageError
from hive_nornir.runs.report import RunReport
from tests.hosts.pair import until
from tests.hosts.sites import build, changes, errors, setup, shell, write_site
from tests.hosts.test_swarm import IMAGE, SERVICE

SERVICES = """\
plugin: hive_services
services:
  web:
    image: nginx:stable
    volumes:
      - {{source: plain, target: /data, type: volume, driver: local}}
      - source: memory
        target: /memory
        type: volume
        driver: local
        driver_opts: {{type: tmpfs, device: tmpfs, o: "size={size}"}}
      - {{source: pages, target: /pages, type: volume, nfs: {{}}}}
{more}"""
DRBD = "      - {source: mirrored, target: /mirrored, type: volume, drbd: {size: 100M, fstype: ext4}}\n"
FILES = "/mnt/hive_files"


def define(site: Site, size: str = "10m", more: str = "") -> Site:
    (site.context.root / "inventory" / "services.yml").write_text(SERVICES.format(size=size, more=more))
    site.reload()
    return site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two hives in a swarm, the second of which is the repository too."""
    folder = tmp_path_factory.mktemp("volumes") / "site"
    made = write_site(folder, 2, image="debian-13")
    hive = folder / "inventory" / "hive.yml"
    hive.write_text(hive.read_text().replace("separate_repository: true", "separate_repository: false"))
    try:
        build(define(made))
        setup(made, "hostsfile", "iptables", "pip-venv", "tls-certificate", "docker", "docker-client", "swarm")
        for name in made.inventory.hives:
            shell(made, IMAGE, name)
        yield made
        made.close()
    finally:
        made.run("build-infra", destroy=True)


def volumes(site: Site, name: str) -> dict[str, dict[str, object]]:
    """The server's volumes: name -> driver and options."""
    text = shell(site, "docker volume ls -q | xargs -r docker volume inspect || echo []", name)
    return {each["Name"]: {"driver": each["Driver"], **(each["Options"] or {})} for each in json.loads(text or "[]")}


def made(site: Site, **options: object) -> RunReport:
    report = site.run("build-volumes", **options)  # type: ignore[arg-type]
    assert report.ok, errors(report)
    return report


def why(site: Site, **options: object) -> str:
    """Why the phase failed."""
    report = site.run("build-volumes", **options)  # type: ignore[arg-type]
    assert not report.ok
    return " ".join(errors(report))


WANTED = {
    "plain": {"driver": "local"},
    "memory": {"driver": "local", "type": "tmpfs", "device": "tmpfs", "o": "size=10m"},
    "pages": {"driver": "local", "type": "none", "o": "bind", "device": f"{FILES}/pages"},
}


def test_a_plan_makes_nothing(site: Site) -> None:
    define(site)
    planned = changes(made(site, check=True))
    assert len(planned) == 7
    assert any("folder /mnt/hive_files/pages: would-change" in change for change in planned)
    assert [volumes(site, name) for name in site.inventory.hives] == [{}, {}]
    assert shell(site, f"ls {FILES}") == ""


def test_a_hive_may_be_chosen(site: Site) -> None:
    first, second = site.inventory.hives
    made(define(site), limit=["plain"], servers=["p-hive1"])
    assert (list(volumes(site, first)), list(volumes(site, second))) == ([], ["plain"])
    with pytest.raises(UsageError, match="did you mean 'plain'"):
        site.run("build-volumes", limit=["plane"])


def test_every_volume_is_on_every_hive_and_a_second_run_changes_nothing(site: Site) -> None:
    made(define(site))
    assert [volumes(site, name) for name in site.inventory.hives] == [WANTED, WANTED]
    assert changes(made(site)) == []
    assert changes(made(site, check=True)) == []


def test_what_one_hive_writes_to_the_file_service_is_on_the_other(site: Site) -> None:
    made(define(site))
    first, second = site.inventory.hives
    write = "busybox mkdir /v/sub; echo kept >/v/sub/word; busybox chown 1234:1234 /v; busybox chmod 2770 /v"
    shell(site, f"docker run --rm -v pages:/v box:1 sh -c '{write}'", first)
    assert shell(site, "docker run --rm -v pages:/v box:1 cat /v/sub/word", second) == "kept\n"
    assert changes(made(site)) == []
    assert shell(site, f"stat -c '%a %u' {FILES}/pages", second) == "2770 1234\n", "its owner is the service's business"


def test_a_volume_that_only_mounts_is_made_anew_with_its_new_options(site: Site) -> None:
    made(define(site))
    [first, second] = changes(made(define(site, size="20m")))
    assert "volume memory on p-hive0: changed make it anew" in first
    assert "volume memory on p-hive1: changed" in second
    assert volumes(site, site.inventory.hives[1])["memory"]["o"] == "size=20m"


def test_a_volume_that_may_hold_data_is_not_made_anew(site: Site) -> None:
    """Docker makes a plain one by itself for a service that comes before its volume."""
    made(define(site))
    first, second = site.inventory.hives
    shell(site, "docker volume rm memory; docker run --rm -v memory:/v box:1 sh -c 'echo kept >/v/word'", first)
    said = why(site)
    assert "volume memory on p-hive0 differs from its definition and may hold data" in said
    assert "+ device tmpfs" in said
    assert shell(site, "docker run --rm -v memory:/v box:1 cat /v/word", first) == "kept\n"
    assert volumes(site, first)["memory"] == {"driver": "local"}
    assert volumes(site, second)["memory"] == WANTED["memory"]
    shell(site, "docker volume rm memory", first)
    assert len(changes(made(site))) == 1


def test_a_volume_in_use_is_neither_changed_nor_destroyed(site: Site) -> None:
    made(define(site))
    second = site.inventory.hives[1]
    mount = "--mount type=volume,source=memory,target=/m --mount type=volume,source=pages,target=/p"
    shell(site, f"{SERVICE} --name holder --constraint node.hostname==p-hive1 {mount} box:1 sleep 1000000")
    try:
        until(lambda: "holder" in shell(site, "docker ps --format '{{.Names}}'", second), 60)
        said = why(define(site, size="30m"))
        assert "volume memory on p-hive0 differs from its definition and cannot be changed while it is used by service holder" in said
        for check in (True, False):
            said = why(site, destroy=True, limit=["pages", "memory"], check=check)
            assert "volume pages is used by service holder" in said
        define(site)
        assert [volumes(site, name) for name in site.inventory.hives] == [WANTED, WANTED]
        assert shell(site, f"cat {FILES}/pages/sub/word") == "kept\n"
    finally:
        shell(site, "docker service rm holder")
        until(lambda: "holder" not in shell(site, "docker ps -a --format '{{.Names}}'", second), 60)


def test_a_replicated_volume_is_refused_before_anything_is_touched(site: Site) -> None:
    made(define(site))
    for check in (True, False):
        said = why(define(site, more=DRBD), check=check)
        assert "volume mirrored" in said
        assert "container" in said
        assert "nfs: {}" in said
    assert "mirrored" not in volumes(site, site.inventory.hives[0])
    define(site)


def test_destroy_removes_the_volumes_and_their_data(site: Site) -> None:
    made(define(site))
    planned = changes(made(site, destroy=True, check=True))
    assert any("no folder /mnt/hive_files/pages: would-change delete it" in change for change in planned)
    assert [volumes(site, name) for name in site.inventory.hives] == [WANTED, WANTED]

    made(site, destroy=True, limit=["pages"], servers=["p-hive0"])
    assert shell(site, f"ls {FILES}") == "pages\n", "the other hive's volume is there still"
    made(site, destroy=True)
    assert [volumes(site, name) for name in site.inventory.hives] == [{}, {}]
    assert shell(site, f"ls {FILES}", site.inventory.hives[1]) == ""
    assert changes(made(site, destroy=True)) == []


def test_a_server_without_the_file_service_is_told(site: Site) -> None:
    """As one is that an earlier version made."""
    shell(site, f"umount {FILES}")
    assert "p-hive0 was made before the sandbox had a file service" in why(define(site), limit=["pages"])
    assert volumes(site, site.inventory.hives[1]) == {}


def test_the_servers_end_takes_the_file_service_along(site: Site) -> None:
    """The engine's volume has the stage's labels, by which the provider finds what is its own."""
    from hive_nornir.inventory.providers.sandbox import engine, names

    provider_site = site.provider_site()
    with engine.connect(engine.find() or "") as client:
        assert names.is_mine(provider_site, client.volumes.get(names.files(provider_site)).attrs["Labels"])
