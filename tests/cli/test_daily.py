"""The daily commands become ssh with the right words; what they do on servers is shown in tests/hosts."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from hive_nornir import Site
from hive_nornir.inventory.ssh_files import SshHost, write_ssh_config
from hive_nornir.tasks.cluster.service_states import ServiceState, ServiceStates, TaskState
from tests.cli.support import call, run

REPOSITORY = "p-hive3.shop.example"
SERVICES = """
plugin: hive_services
services:
  web: {image: nginx, ports: [{target_port: 80, published_port: 8080, mode: host}]}
  app:
    image: {from: debian, roles: []}
"""


@pytest.fixture
def built(site: Path) -> Path:
    (site / "inventory" / "services.yml").write_text(SERVICES)
    (site / ".hive" / "private").mkdir(parents=True)
    hosts = [SshHost(f"p-hive{number}.shop.example", f"192.168.56.{4 + number}", "admin") for number in range(4)]
    write_ssh_config(site / ".hive/private/ssh_config", hosts, site / ".hive/private/known_hosts")
    return site


def words(built: Path, tmp_path: Path, *arguments: str) -> list[str]:
    """What ssh was called with, behind its configuration."""
    (tmp_path / "ssh").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "ssh").chmod(0o755)
    done = run("-r", str(built), *arguments, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[2:]


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["backup"], "hive-backup.sh"),
        (["backup", "web", "hive-registry"], "hive-backup.sh -l web,hive-registry"),
        (["backup", "--list"], "hive-backup.sh --list"),
        (["backup", "-C", "web"], "hive-backup.sh --dry-run -l web"),
        (["restore", "web"], "hive-backup.sh -r -l web"),
        (["restore", "-C", "web"], "hive-backup.sh -r --dry-run -l web"),
        (["restore", "--yes", "web"], "hive-backup.sh -r --yes -l web"),
    ],
)
def test_backups_are_the_repositorys_own_command(built: Path, tmp_path: Path, arguments: list[str], command: str) -> None:
    assert words(built, tmp_path, *arguments) == [REPOSITORY, command]


def test_logs_are_the_file_of_the_service(built: Path, tmp_path: Path) -> None:
    host, command = words(built, tmp_path, "logs", "web", "-n", "5", "-f")
    assert host == REPOSITORY
    assert shlex.split(command) == ["sudo", "-n", "sh", "-c", "exec tail -n 5 -F /var/log/services/web.log"]
    [*_, script] = shlex.split(words(built, tmp_path, "logs", "web")[1])
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "web has written nothing yet" in done.stderr


def test_the_shell_of_an_image_is_that_of_its_container(built: Path, tmp_path: Path) -> None:
    terminal, host, command = words(built, tmp_path, "image", "shell", "app")
    assert (terminal, host) == ("-t", REPOSITORY)
    assert "docker exec -it build_image_app sh -c" in command
    refused = call("-r", str(built), "image", "shell", "web")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "builds no image of 'web'" in refused.stderr


@pytest.mark.parametrize("arguments", [["logs", "wbe"], ["backup", "wbe"], ["restore", "wbe"]])
def test_an_unknown_service_is_refused_with_the_nearest(built: Path, arguments: list[str]) -> None:
    refused = call("-r", str(built), *arguments)
    assert refused.exit_code == 2
    assert "no service 'wbe'" in refused.stderr
    assert "web" in refused.stderr


def test_ps_counts_tasks_and_says_what_is_missing(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = TaskState(1, "p-hive0", "failed", "exit code 1")
    states = [ServiceState("web", "nginx:stable", "replicated", 2, 1, (failed, TaskState(2, "p-hive1", "running", "")))]
    monkeypatch.setattr(Site, "services", lambda _site: ServiceStates(states))
    shown = call("-r", str(built), "ps")
    assert shown.exit_code == 1
    assert shown.stdout.splitlines()[1].split() == ["web", "replicated", "1/2", "192.168.56.5:8080", "nginx:stable"]
    assert "app is not deployed" in shown.stderr
    tasks = call("-r", str(built), "ps", "web").stdout.splitlines()
    assert tasks[1].split() == ["web", "1", "p-hive0", "failed", "exit", "code", "1"]
