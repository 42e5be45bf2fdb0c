"""Images built by roles in containers, in the registry, and roles in running containers; on one server that is hive and repository."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from hive_nornir import Site
from hive_nornir.errors import DefinitionErrors, UsageError
from hive_nornir.inventory.providers.sandbox import engine, image
from hive_nornir.runs.report import RunReport
from tests.hosts.sites import REGISTRY_ROLES, build, changes, errors, setup, shell, write_site

SERVICES = """\
plugin: hive_services
services:
  web:
    image:
      from: debian:bookworm-slim
      roles: [pages, hive-trust-ca, hive_certificate]
      env: {GREETING: "it's me"}
      entrypoint: ["/bin/sh", "-c", 'cat "$0/$1"; exec sleep 600']
      command: "'/srv/it is' index"
      working_dir: /srv
      user: nobody
      stop_signal: SIGKILL
      expose: [8080, "53/udp"]
    initialize_roles: [start-data]
  above:
    image:
      from: "{{ hive_registry }}/image_web"
      roles: [above]
  tiny:
    image:
      from: "{{ hive_registry }}/busybox-alpine:3.20"
      roles: [pages, any-base]
  el:
    image:
      from: "{{ hive_registry }}/el:9"
      roles: [any-base, hive-trust-ca]
  bought:
    image:
      from: debian:trixie-slim
      roles: [pages]
      pull_on: [private]
      pull_from: debian:trixie-slim
"""
VARIABLES = """\
page_title: "the 'title' $HOME"
certificates:
  - {certificate_fqdn: web.example, cert_dest: /etc/ssl/web/cert.pem, key_dest: /etc/ssl/web/key.pem}
"""
ROLES = {
    "pages": """\
        return [
            files.directory("/srv/it is"),
            files.content("/srv/it is/index", host.variables["page_title"] + chr(10)),
            files.content("/srv/it is/b'c \\"d\\" $(e)", "quoted"),
            files.content("/srv/bytes", bytes(range(256))),
        ]
""",
    "above": '        return [files.absent("/srv/bytes"), files.content("/srv/above", host.name)]\n',
    "any_base": """\
        yield [files.content("/etc/family", f"{host.facts.family} {host.os.manager} {host.facts.distribution} {host.facts.architecture}")]
        yield [
            files.line("/etc/passwd", "worker:x:77:77::/:/bin/false"),
            files.link("/etc/also-family", "family"),
            files.directory("/var/worker", mode=0o750, owner="77"),
            commands.command("made once", "echo made >/var/worker/made", creates="/var/worker/made"),
        ]
        if host.facts.family == "el":
            yield [packages.present(host.os.manager, ["tcpdump"])]
""",
    "start_data": """\
        v = host.variables
        yield [files.content("/tmp/started", v["page_title"])]
        yield [commands.command("slow", f"sleep {v['slow_start']}; echo done >/tmp/slow", creates="/tmp/slow")]
""",
}
FAILS = """\
        yield [files.content("/srv/first", "1")]
        yield [commands.command("second", "cat /tmp/mended; touch /srv/second", creates="/srv/second")]
"""
HEAD = '''\
"""A role of the test."""

from hive_nornir.operations import commands, files, packages
from hive_nornir.tasks.role import Variables, role


class Nothing(Variables):
    """Reads nothing that is declared."""


@role()
def {name}(host, v: Nothing):
    """Do it."""
    if host.name:
'''
# Debian's own busybox, with Alpine's os-release: the shell and programs that an Alpine image has, without apk.
BUSYBOX = """\
apt-get -q install -y busybox-static >/dev/null
mkdir -p /root/tiny/bin /root/tiny/etc /root/tiny/tmp /root/tiny/var /root/tiny/srv && cd /root/tiny
cp /bin/busybox bin/ && for program in $(bin/busybox --list); do [ -e "bin/$program" ] || ln -s busybox "bin/$program"; done
printf 'ID=alpine\\nVERSION_ID=3.20.3\\nPRETTY_NAME=busybox\\n' >etc/os-release
echo root:x:0:0:root:/root:/bin/sh >etc/passwd; echo root:x:0: >etc/group
"""


def write_role(site: Site, name: str, text: str) -> None:
    (site.context.root / "roles" / f"{name}.py").write_text(HEAD.format(name=name) + text)


def registry(site: Site) -> str:
    return f"{site.inventory.repository}:5000"


def logged_in(site: Site, script: str) -> str:
    """What a script prints on the server while it is logged in at the registry."""
    password = (site.context.context_dir / "registry_password").read_text().strip()
    login = f"printf %s {password} | docker login -u hive --password-stdin {registry(site)} >/dev/null 2>&1"
    return shell(site, f"{login} || exit 1; ( {script} ); code=$?; docker logout {registry(site)} >/dev/null; exit $code")


def load_el(site: Site, reference: str) -> None:
    """The sandbox's el-9, whose dnf and rpm are real, as an image of the server's engine."""
    url = engine.start()
    with engine.connect(url) as client:
        tag = image.ensure(client, image.recipe("el-9"), engine.quiet)
        [container] = [each.name for each in client.containers.list(filters={"name": site.inventory.hive_name})]
    docker = [str(shutil.which("docker")), "-H", url]
    with subprocess.Popen([*docker, "save", tag], stdout=subprocess.PIPE) as saved:
        subprocess.run([*docker, "exec", "-i", container, "docker", "load", "-q"], stdin=saved.stdout, check=True, timeout=300)
    shell(site, f"docker tag {tag} {reference} && docker rmi {tag} >/dev/null")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server that is a swarm and has a registry with two base images; no image of the site is built yet."""
    made = write_site(tmp_path_factory.mktemp("images") / "site", 1, image="debian-13", mirror=True)
    root = made.context.root
    (root / "inventory" / "services.yml").write_text(SERVICES)
    (root / "inventory" / "group_vars" / "services.yml").write_text("slow_start: 0\n" + VARIABLES)
    (root / "inventory" / "group_vars" / "images.yml").write_text(VARIABLES)
    (root / "roles").mkdir()
    for name, text in ROLES.items():
        write_role(made, name, text)
    made.context.prepare()
    (made.context.context_dir / "tag-mapping.json").write_text('{"debian:bookworm-slim": "debian:trixie-slim", "nobody:1": "else:2"}')
    try:
        build(made)
        setup(made, *REGISTRY_ROLES, "swarm")
        tiny, el = f"{registry(made)}/busybox-alpine:3.20", f"{registry(made)}/el:9"
        shell(made, f"{BUSYBOX}tar -c . | docker import - {tiny} >/dev/null")
        load_el(made, el)
        logged_in(made, f"docker push -q {tiny} && docker push -q {el} && docker rmi {tiny} {el} >/dev/null")
        yield made
        made.close()
    finally:
        made.run("build-infra", destroy=True)


def built(site: Site, **options: Any) -> RunReport:
    report = site.run("build-images", **options)
    assert report.ok, errors(report)
    return report


def configuration(site: Site, reference: str) -> dict[str, Any]:
    """An image's configuration as the registry has it."""
    logged_in(site, f"docker rmi -f {reference} >/dev/null 2>&1; docker pull -q {reference} >/dev/null")
    found: dict[str, Any] = json.loads(shell(site, f"docker image inspect -f '{{{{json .Config}}}}' {reference}"))
    return found


def inside(site: Site, reference: str, script: str) -> str:
    return shell(site, f"docker run --rm -i -u 0 --entrypoint /bin/sh {reference} <<'EOS'\n{script}\nEOS")


def latest(site: Site, service: str) -> str:
    return f"{registry(site)}/image_{service}:latest"


def test_a_plan_says_what_would_be_built_and_touches_nothing(site: Site) -> None:
    report = built(site, check=True)
    assert [line.partition(": ")[2] for line in changes(report)] == ["would-change build: never built"] * 4
    assert report.hosts["image_bought"].roles["image"].status == "skipped"
    assert report.notes == ["tag-mapping.json: nothing uses nobody:1"]
    assert shell(site, "docker ps -aq --filter name=build_") == ""


def test_the_roles_of_images_are_not_those_of_servers(site: Site) -> None:
    report = site.run("setup-hosts", roles=["setup-hosts"], check=True)
    assert not {"pages", "above", "any-base", "start-data"} & set(report.hosts[site.inventory.repository].roles)


def test_images_are_built_and_a_second_run_changes_nothing(site: Site) -> None:
    report = built(site)
    lines = changes(report)
    assert len([line for line in lines if line.endswith("changed build: never built")]) == 4, lines
    started = time.monotonic()
    assert changes(built(site)) == []
    assert changes(built(site, check=True)) == []
    assert time.monotonic() - started < 20


def test_the_pushed_image_says_what_its_definition_says(site: Site) -> None:
    found = configuration(site, latest(site, "web"))
    assert found["Entrypoint"] == ["/bin/sh", "-c", 'cat "$0/$1"; exec sleep 600']
    assert found["Cmd"] == ["/srv/it is", "index"]
    assert (found["WorkingDir"], found["User"], found["StopSignal"]) == ("/srv", "nobody", "SIGKILL")
    assert set(found["ExposedPorts"]) == {"8080/tcp", "53/udp"}
    assert [each for each in found["Env"] if not each.startswith("PATH=")] == ["GREETING=it's me"]
    run = f"docker run -d --name run-web {latest(site, 'web')} >/dev/null; sleep 1; docker logs run-web; docker rm -f run-web >/dev/null"
    assert shell(site, run) == "the 'title' $HOME\n"


def test_what_roles_write_is_in_the_image_and_nothing_of_ours(site: Site) -> None:
    listed = inside(
        site,
        latest(site, "web"),
        "cd '/srv/it is'; for f in *; do echo \"[$f]\"; done; sha256sum </srv/bytes; ls -d /run/hive* /var/lib/hive* 2>/dev/null || :",
    )
    assert listed.splitlines()[:2] == ['[b\'c "d" $(e)]', "[index]"]
    assert listed.splitlines()[2].startswith("40aff2e9d2d8922e47afd4648e6967497158785fbd1da870e7110266bf944880")
    assert len(listed.splitlines()) == 3


def test_an_image_may_start_from_another_one_of_the_site(site: Site) -> None:
    found = configuration(site, latest(site, "above"))
    assert (found["Entrypoint"][0], found["Cmd"]) == ("/bin/sh", ["/srv/it is", "index"])
    assert inside(site, latest(site, "above"), "cat /srv/above; ls /srv") == "image_aboveabove\nit is\n"


def test_busybox_is_enough(site: Site) -> None:
    tiny = latest(site, "tiny")
    assert configuration(site, tiny)["Entrypoint"] == ["/bin/sh", "-c", 'exec "$@"', "sh"]  # its base has neither entrypoint nor command
    script = "cat /etc/also-family; tail -n 1 /etc/passwd; stat -c '%a %u' /var/worker; cat /var/worker/made; sha256sum </srv/bytes"
    assert inside(site, tiny, script).splitlines()[:-1] == [
        f"alpine apk alpine {shell(site, 'uname -m').strip()}worker:x:77:77::/:/bin/false",
        "750 77",
        "made",
    ]
    assert shell(site, f"docker run --rm {tiny} echo said") == "said\n"


def test_a_base_of_the_el_family(site: Site) -> None:
    el = latest(site, "el")
    assert inside(site, el, "cat /etc/family; rpm -q tcpdump").startswith("el dnf ")
    anchor = inside(site, el, "cat /etc/pki/ca-trust/source/anchors/cacert.pem /etc/cacert_pip.pem | sort -u | sha256sum")
    assert anchor.split()[0] == shell_sum(site)


def shell_sum(site: Site) -> str:
    file = site.context.context_dir / "ca" / "cacert.pem"
    done = subprocess.run(
        ["sh", "-c", f"sort -u {file} | LC_ALL=C sort -u | sha256sum"],
        capture_output=True,
        check=True,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    )
    return done.stdout.decode().split()[0]


def test_certificates_of_the_site_verify_in_the_image(site: Site) -> None:
    web = latest(site, "web")
    assert inside(site, web, "stat -c '%a %U' /etc/ssl/web/key.pem; readlink /etc/cacert_pip.pem").splitlines() == [
        "600 root",
        f"/usr/local/share/ca-certificates/hive-{site.inventory.hive_name}.crt",
    ]
    names_of = inside(site, web, "grep -c BEGIN /etc/ssl/web/cert.pem; cat /etc/ssl/web/cert.pem")
    assert names_of.splitlines()[0] == "2"  # its own, and that of the application authority
    checked = inside(
        site, web, "command -v openssl >/dev/null && openssl verify -untrusted /etc/ssl/web/cert.pem /etc/ssl/web/cert.pem || echo none"
    )
    assert "OK" in checked or checked == "none\n", checked


def test_a_changed_role_file_builds_anew_in_a_fresh_container(site: Site) -> None:
    before = shell(site, "docker inspect -f '{{.Id}}' build_image_tiny")
    write_role(site, "pages", '        return [files.content("/srv/other", host.variables["page_title"])]\n')
    try:
        site.reload()
        planned = changes(built(site, limit=["tiny"], check=True))
        assert [line.rpartition(": ")[2] for line in planned] == ["role files changed"]
        built(site, limit=["tiny"])
        assert shell(site, "docker inspect -f '{{.Id}}' build_image_tiny") != before
        assert inside(site, latest(site, "tiny"), "ls /srv") == "other\n"
    finally:
        write_role(site, "pages", ROLES["pages"])
        site.reload()
    assert [line.rpartition(": ")[2] for line in changes(built(site, limit=["tiny"])) if "build" in line] == ["role files changed"]


def test_a_variable_that_a_role_reads_builds_anew(site: Site) -> None:
    built(site, limit=["tiny"])
    file = site.context.root / "inventory" / "host_vars" / "image_tiny.yml"
    file.parent.mkdir(exist_ok=True)
    file.write_text("page_title: another\n")
    try:
        site.reload()
        lines = changes(built(site, limit=["tiny"], check=True))
        assert [line.rpartition(": ")[2] for line in lines] == ["variables of its roles changed"]
    finally:
        file.unlink()
        site.reload()


def test_no_cache_builds_without_a_reason(site: Site) -> None:
    tags = f"docker image ls --format '{{{{.Tag}}}}' {registry(site)}/image_tiny"
    before = set(shell(site, tags).split())
    lines = changes(built(site, limit=["tiny"], no_cache=True))
    assert any(line.endswith("build: --no-cache") for line in lines)
    [new] = set(shell(site, tags).split()) - before
    assert re.fullmatch(r"\d{8}T\d{6}Z", new)
    assert configuration(site, f"{registry(site)}/image_tiny:{new}")["Labels"] == configuration(site, latest(site, "tiny"))["Labels"]


def test_a_failed_build_keeps_its_container_and_goes_on_in_it(site: Site) -> None:
    write_role(site, "any_base", FAILS)
    try:
        site.reload()
        published = shell(site, f"docker image inspect -f '{{{{.Id}}}}' {latest(site, 'tiny')}")
        report = site.run("build-images", limit=["tiny"])
        [error] = errors(report)
        assert "role any-base: second: run: exit code 1" in error
        assert "`hive-nornir image shell tiny` enters it" in error
        assert shell(site, "docker exec build_image_tiny cat /srv/first") == "1"
        assert shell(site, f"docker image inspect -f '{{{{.Id}}}}' {latest(site, 'tiny')}") == published
        identity = shell(site, "docker exec build_image_tiny touch /tmp/mended; docker inspect -f '{{.Id}}' build_image_tiny")
        lines = changes(built(site, limit=["tiny"]))
        assert not any("/srv/first" in line for line in lines), lines
        assert shell(site, "docker inspect -f '{{.Id}}' build_image_tiny") == identity
    finally:
        write_role(site, "any_base", ROLES["any_base"])
        site.reload()


def test_wrong_names_are_refused_before_anything_is_touched(site: Site) -> None:
    with pytest.raises(UsageError, match="no service with an image of its own 'wbe'"):
        site.run("build-images", limit=["wbe"])
    file = site.context.root / "inventory" / "services.yml"
    file.write_text(SERVICES.replace("roles: [above]", "roles: [abve]"))
    try:
        site.reload()
        with pytest.raises(DefinitionErrors) as error:
            site.run("build-images")
        [problem] = error.value.problems
        assert (problem.file, problem.line) == (file, SERVICES.splitlines().index("      roles: [above]") + 1)
        assert "there is no role 'abve'" in problem.message
        assert "did you mean 'above'?" in problem.hint
    finally:
        file.write_text(SERVICES)
        site.reload()


def removed(site: Site) -> None:
    """The service web is gone, its containers too."""
    label = "label=com.docker.swarm.service.name=web"
    shell(site, f'docker service rm web; while [ "$(docker ps -aq --filter {label})" ]; do sleep 0.2; done')


@pytest.fixture
def service(site: Site) -> Iterator[str]:
    """The service web, which runs."""
    logged_in(site, f"docker service create -d -q --with-registry-auth --name web -u 0 {latest(site, 'web')} >/dev/null")
    yield "web"
    removed(site)


def test_roles_work_in_the_running_container_and_a_second_time_do_nothing(site: Site, service: str) -> None:
    report = site.run("initialize-services")
    assert report.ok, errors(report)
    assert len(changes(report)) == 2
    container = shell(site, "docker ps -q --filter label=com.docker.swarm.service.name=web").strip()
    assert shell(site, f"docker exec {container} cat /tmp/started /tmp/slow") == "the 'title' $HOMEdone\n"
    for check in (True, False):
        again = site.run("initialize-services", limit=["web"], check=check)
        assert again.ok, errors(again)
        assert changes(again) == []


def test_a_plan_only_looks_into_the_container(site: Site, service: str) -> None:
    give_up = time.monotonic() + 30
    while not (report := site.run("initialize-services", check=True)).ok:
        assert time.monotonic() < give_up, errors(report)
        time.sleep(0.5)
    assert [line.split(": ")[1] for line in changes(report)] == ["would-change new", "would-change run"]
    container = shell(site, "docker ps -q --filter label=com.docker.swarm.service.name=web").strip()
    assert shell(site, f"docker exec {container} ls /tmp") == ""


def test_a_task_that_is_replaced_meanwhile_is_told_with_the_way_on(site: Site, service: str) -> None:
    file = site.context.root / "inventory" / "host_vars" / "web.yml"
    file.parent.mkdir(exist_ok=True)
    file.write_text("slow_start: 60\n")
    container = ""
    try:
        site.reload()
        reports: list[RunReport] = []
        other = Site.open(site.context.root, "private")
        run = threading.Thread(target=lambda: reports.append(other.run("initialize-services")))
        run.start()
        give_up = time.monotonic() + 60
        while not container or "started" not in shell(site, f"docker exec {container} ls /tmp"):
            assert time.monotonic() < give_up
            container = shell(site, "docker ps -q --filter label=com.docker.swarm.service.name=web").strip()
            time.sleep(0.3)
        shell(site, f"docker kill {container}")
        run.join(60)
        [error] = errors(reports[0])
        assert "was replaced while role start-data worked in it" in error
        assert "`hive-nornir run initialize-services --limit web` goes on" in error
        other.close()
    finally:
        file.unlink()
        site.reload()


def test_a_service_without_a_running_task_is_told_with_its_state(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hive_nornir.tasks.services.initialize.WAIT_SECONDS", 3.0)
    [error] = errors(site.run("initialize-services"))
    assert "service web is not deployed" in error
    shell(site, f"docker service create -d -q --name web --constraint node.labels.no==yes {latest(site, 'web')} >/dev/null 2>&1")
    try:
        [error] = errors(site.run("initialize-services"))
        assert "a task is pending: " in error
        assert "no suitable node" in error
    finally:
        removed(site)
