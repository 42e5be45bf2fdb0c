"""A site's own roles of Ansible on a real server, and in the running container of a service; by ansible-core, as they are."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hive_nornir import Site
from hive_nornir.ansible.roles import ansible_version
from tests.hosts.sites import REGISTRY_ROLES, build, changes, errors, setup, shell, transport, write_site

pytestmark = pytest.mark.skipif(not ansible_version(), reason="ansible-core is an extra")

VARIABLES = """\
page_title: "a {{ 1 + 1 }} title"
braces: "{% raw %}{{ kept }}{% endraw %}"
password: "{{ lookup('password', hive_context_dir + '/site_password length=15 chars=ascii_letters,digits') }}"
"""
SERVICES = """\
plugin: hive_services
services:
  web:
    image: debian:trixie-slim
    environment: {GREETING: hello}
    initialize_roles: [python-aptk, first-data]
  pages:
    image:
      from: debian:trixie-slim
      roles: [python-aptk, old-pages]
      env: {GREETING: hello}
"""
PAGE = "{{ inventory_hostname }}: {{ page_title }}, {{ braces }}, {{ groups['hives'] | length }}, {{ ansible_facts.distribution }}\n"
ADDON = {
    "defaults/main.yml": "colour: blue\n",
    "files/motd": "hello\n",
    "templates/page.j2": PAGE,
    "handlers/main.yml": "- {name: colours, command: touch /etc/site/handled}\n",
    "tasks/main.yml": """\
- name: folder
  file: {path: /etc/site, state: directory}
- name: a file
  copy: {src: motd, dest: /etc/site/motd, mode: "0640"}
- name: a line
  lineinfile: {path: /etc/site/conf, line: "colour = {{ colour }}", create: true}
  notify: colours
- name: a page
  template: {src: page.j2, dest: /etc/site/page}
- name: a secret
  copy: {content: "{{ password }}", dest: /etc/site/secret, mode: "0600"}
- name: once
  command: touch /etc/site/once
  args: {creates: /etc/site/once}
- name: only elsewhere
  file: {path: /etc/site/never, state: touch}
  when: ansible_facts.distribution == 'Gentoo'
- name: with a way out
  when: not ansible_check_mode
  block:
    - {name: breaks, command: /bin/false}
  rescue:
    - {name: goes on, debug: {msg: mended}}
""",
}
FIRST_DATA = {
    "files/records": "one\ntwo\n",
    "tasks/main.yml": """\
- name: records
  copy: {src: records, dest: /srv/records}
- name: title
  lineinfile: {path: /srv/title, line: "{{ page_title }} of {{ inventory_hostname }}", create: true}
- name: by the shell
  shell: echo "$GREETING" >/srv/greeting
  args: {creates: /srv/greeting}
""",
}

OLD_PAGES = {
    "files/logo": "logo\n",
    "tasks/main.yml": """\
- name: folder
  file: {path: /srv/pages, state: directory}
- name: page
  copy: {content: "{{ page_title }} for {{ hostvars['pages'].hive_image_name }}\\n", dest: /srv/pages/index}
- name: logo
  copy: {src: logo, dest: /srv/pages/logo}
- name: by the shell
  shell: echo "$GREETING" >/srv/pages/greeting
  args: {creates: /srv/pages/greeting}
""",
}


def write_role(site: Site, name: str, texts: dict[str, str]) -> None:
    for path, text in texts.items():
        file = site.context.root / "roles" / name / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server as it is when it is built."""
    made = write_site(tmp_path_factory.mktemp("ansible") / "site", 1, image="debian-13", mirror=True)
    root = made.context.root
    (root / "inventory" / "services.yml").write_text(SERVICES)
    for group in ("servers", "services", "images"):
        (root / "inventory" / "group_vars" / f"{group}.yml").write_text(VARIABLES)
    write_role(made, "addon", ADDON)
    write_role(made, "first-data", FIRST_DATA)
    write_role(made, "old-pages", OLD_PAGES)
    try:
        build(made)
        yield made
        made.close()
    finally:
        made.run("build-infra", destroy=True)


@pytest.fixture(scope="module")
def with_python(site: Site) -> Site:
    """It has Python, which in a whole run the role pip-venv installs before addon."""
    script = "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends python3"
    done = transport(site).run(script, deadline=300)
    assert done.exit_code == 0, done.stderr
    return site


def traces(site: Site) -> str:
    """What Ansible could leave behind on the server, and here."""
    there = shell(site, "ls -d /root/.ansible /home/*/.ansible /tmp/ansible* /tmp/.ansible* 2>/dev/null || :")
    return there + "".join(private_folders(site))


def private_folders(site: Site) -> list[str]:
    """Those of this site; others may be at work on this machine too."""
    found = []
    for file in Path(tempfile.gettempdir()).glob("hive-nornir-*/inventory.yml"):
        with contextlib.suppress(FileNotFoundError):
            if site.inventory.hive_name in file.read_text():
                found.append(str(file.parent))
    return found


def test_a_server_without_python_is_told_with_the_role_that_installs_it(site: Site) -> None:
    [error] = errors(site.run("setup-hosts", roles=["addon"]))
    assert "has no Python, which Ansible needs" in error
    assert "pip-venv" in error


def test_a_dry_run_tells_every_task_and_touches_nothing(with_python: Site) -> None:
    report = with_python.plan("setup-hosts", roles=["addon"])
    assert report.ok, errors(report)
    told = [line.partition(" addon addon : ")[2] for line in changes(report)]
    assert told[:4] == [
        "folder: would-change file /etc/site",
        "a file: would-change copy",
        "a line: would-change lineinfile",
        "a page: would-change template",
    ]
    assert shell(with_python, "ls -d /etc/site 2>/dev/null || :") == ""
    assert traces(with_python) == ""


def test_each_task_is_an_outcome_with_its_difference_and_without_secrets(with_python: Site) -> None:
    report = with_python.run("setup-hosts", roles=["addon"])
    assert report.ok, errors(report)
    [host] = report.hosts.values()
    found = {outcome.operation.name: outcome for outcome in host.roles["addon"].outcomes}
    assert found["addon : a page"].status == "changed"
    assert "a 2 title, {{ kept }}, 1, Debian" in found["addon : a page"].diff
    assert found["addon : only elsewhere"].summary == "skipped: its condition is not met"
    assert (found["addon : breaks"].status, found["addon : breaks"].error) == ("unchanged", None)
    assert found["addon : colours"].status == "changed"
    name = with_python.select_hosts(None)[0]
    assert shell(with_python, "cat /etc/site/page") == f"{name}: a 2 title, {{{{ kept }}}}, 1, Debian\n"
    assert shell(with_python, "stat -c %a /etc/site/motd; cat /etc/site/conf") == "640\ncolour = blue\n"
    password = (with_python.context.context_dir / "site_password").read_text().strip()
    assert shell(with_python, "cat /etc/site/secret") == password
    assert password not in str([(outcome.summary, outcome.diff, outcome.stderr) for outcome in found.values()])
    assert traces(with_python) == ""


def test_a_second_run_changes_nothing_but_what_ansible_always_changes(with_python: Site) -> None:
    for check in (False, True):
        report = with_python.run("setup-hosts", roles=["addon"], check=check)
        assert report.ok, errors(report)
        assert changes(report) == []


def test_a_failed_task_is_the_roles_error_with_what_the_server_said(with_python: Site) -> None:
    tasks = with_python.context.root / "roles" / "addon" / "tasks" / "main.yml"
    before = tasks.read_text()
    tasks.write_text("- {name: breaks, shell: 'echo so much for that >&2; exit 3'}\n- {name: never, command: touch /etc/site/never}\n")
    try:
        report = with_python.run("setup-hosts", roles=["addon"])
        assert ["addon : breaks: non-zero return code" in error for error in errors(report)] == [True]
        [host] = report.hosts.values()
        assert host.roles["addon"].stderr == "so much for that"
        tasks.write_text("- {name: unknown, no_such_module: {}}\n")
        [error] = errors(with_python.run("setup-hosts", roles=["addon"]))
        assert "Ansible's module no_such_module is not part of ansible-core" in error
    finally:
        tasks.write_text(before)


def test_an_interruption_ends_ansible_here(with_python: Site) -> None:
    tasks = with_python.context.root / "roles" / "addon" / "tasks" / "main.yml"
    before = tasks.read_text()
    tasks.write_text("- {name: slow, command: sleep 300}\n")
    command = [sys.executable, "-m", "hive_nornir", "--root", str(with_python.context.root), "run", "setup-hosts", "--roles", "addon"]
    try:
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as process:
            give_up = time.monotonic() + 40
            while "sleep 300" not in shell(with_python, "ps -eo args 2>/dev/null || cat /proc/*/cmdline | tr '\\0' ' '"):
                assert time.monotonic() < give_up
                time.sleep(0.5)
            os.kill(process.pid, signal.SIGINT)
            assert process.wait(10) == 130
        root = str(with_python.context.root)
        time.sleep(1)  # what was killed is gone a moment later
        left = subprocess.run(["pgrep", "-f", "ansible.playbook"], capture_output=True, text=True, check=False).stdout.split()
        assert [pid for pid in left if root in environment_of(pid)] == []
        assert private_folders(with_python) == []
    finally:
        tasks.write_text(before)
        shell(
            with_python,
            "for f in /proc/[0-9]*; do case $(tr '\\0' ' ' <$f/cmdline) in 'sleep 300 ') kill ${f#/proc/} ;; esac; done 2>/dev/null || :",
        )


def environment_of(pid: str) -> str:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/environ").read_bytes().decode("utf-8", "replace")
    return ""


@pytest.fixture(scope="module")
def swarm(with_python: Site) -> Site:
    """The server is a swarm with a registry."""
    setup(with_python, *REGISTRY_ROLES, "swarm")
    return with_python


def test_an_image_is_built_by_a_role_of_ansible_and_anew_when_its_files_change(swarm: Site) -> None:
    report = swarm.run("build-images")
    assert report.ok, errors(report)
    told = [line.partition(" old-pages : ")[2] for line in changes(report) if " old-pages : " in line]
    assert [line.partition(":")[0] for line in told] == ["folder", "page", "logo", "by the shell"]
    look = "cat /srv/pages/*; ls -d /root/.ansible /tmp/ansible* 2>/dev/null || :"
    image = f"{swarm.inventory.repository}:5000/image_pages:latest"
    assert shell(swarm, f'docker run --rm {image} sh -c "{look}"') == "hello\na 2 title for image_pages\nlogo\n"
    again = swarm.run("build-images")
    assert again.ok, errors(again)
    assert changes(again) == []
    write_role(swarm, "old-pages", {"files/logo": "another\n"})
    [line] = changes(swarm.plan("build-images"))
    assert line.endswith("would-change build: role files changed")


@pytest.fixture(scope="module")
def service(swarm: Site) -> Iterator[Site]:
    """The service web runs."""
    command = "sh -c 'trap exit TERM; while :; do sleep 1; done'"
    shell(swarm, f"docker service create -d -q --name web --env GREETING=hello debian:trixie-slim {command} >/dev/null")
    yield swarm
    shell(swarm, "docker service rm web")


def test_an_initialize_role_works_in_the_running_container_and_a_second_time_changes_nothing(service: Site) -> None:
    report = service.run("initialize-services")
    assert report.ok, errors(report)
    told = [line.partition(" first-data : ")[2] for line in changes(report) if " first-data : " in line]
    assert told == ["records: changed copy /srv/records", "title: changed lineinfile", "by the shell: changed shell"]
    container = shell(service, "docker ps -q --filter label=com.docker.swarm.service.name=web").strip()
    look = "cat /srv/records /srv/title /srv/greeting; ls -d /root/.ansible /tmp/ansible* 2>/dev/null || :"
    assert shell(service, f'docker exec {container} sh -c "{look}"') == "one\ntwo\na 2 title of web\nhello\n"
    for check in (True, False):
        again = service.run("initialize-services", check=check)
        assert again.ok, errors(again)
        assert changes(again) == []
