from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from hive_nornir.inventory.ssh_files import SshHost, write_ssh_config
from tests.cli.support import argv, call, environment, run

CONFIG = ".hive/private/ssh_config"


@pytest.fixture
def built(site: Path) -> Path:
    """The site as after build-infra: with an ssh_config."""
    (site / ".hive" / "private").mkdir(parents=True)
    hosts = [SshHost(f"p-hive{number}.shop.example", f"192.168.56.{4 + number}", "admin") for number in range(4)]
    write_ssh_config(site / CONFIG, hosts, site / ".hive" / "private" / "known_hosts")
    return site


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH on which ssh and scp only say what they were called with, and exit with 7."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("ssh", "scp"):
        (folder / name).write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nexit 7\n')
        (folder / name).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ([], ["p-hive3.shop.example"]),
        (["p-hive1"], ["p-hive1.shop.example"]),
        (["p-hive1.shop.example"], ["p-hive1.shop.example"]),
        (["-t", "p-hive0", "uptime", "-p"], ["p-hive0.shop.example", "uptime", "-p"]),
        (["p-hive0", "ls", "-l", "a b"], ["p-hive0.shop.example", "ls", "-l", "a b"]),
        (["-L", "1:a:1", "-L", "2:b:2", "p-hive0"], ["-L", "1:a:1", "-L", "2:b:2", "p-hive0.shop.example"]),
        (["-z"], ["-L", "localhost:10052:127.0.0.1:10052", "p-hive3.shop.example"]),
        (["--foward_zabbix", "-Z", "8080"], ["-L", "localhost:8080:127.0.0.1:10052", "p-hive3.shop.example"]),
        (["--forward-zabbix-port", "8080"], ["-L", "localhost:8080:127.0.0.1:10052", "p-hive3.shop.example"]),
    ],
)
def test_ssh_becomes_openssh_with_the_stages_configuration(built: Path, path: str, words: list[str], arguments: list[str]) -> None:
    done = run("-r", str(built), "ssh", *words, PATH=path)
    assert done.stdout.splitlines() == ["-F", str(built / CONFIG), *arguments]
    assert done.returncode == 7
    assert done.stderr == ""


def test_stored_forwards_are_used_and_can_be_switched_off(built: Path, path: str) -> None:
    for name, value in (("foward_zabbix", "true"), ("port_forwarding", "1:a:1")):
        call("-r", str(built), "set", name, value)
    stored = run("-r", str(built), "ssh", PATH=path).stdout.splitlines()[2:]
    assert stored == ["-L", "1:a:1", "-L", "localhost:10052:127.0.0.1:10052", "p-hive3.shop.example"]
    off = run("-r", str(built), "ssh", "--no-forward-zabbix", "-L", "2:b:2", PATH=path).stdout.splitlines()[2:]
    assert off == ["-L", "2:b:2", "p-hive3.shop.example"]


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (["p-hiv1"], "stage private has no host 'p-hiv1'", "did you mean 'p-hive1'?"),
        (["p-hive1", "-L", "1:a:1"], "'-L' stands behind the host", "options go before it"),
    ],
)
def test_a_wrong_call_never_reaches_ssh(built: Path, words: list[str], error: str, hint: str) -> None:
    result = call("-r", str(built), "ssh", *words)
    assert result.exit_code == 2
    assert result.stderr == f"error: {error}\nhint: {hint}\n"


def test_before_build_infra_there_is_nobody_to_log_in_to(site: Path) -> None:
    result = call("-r", str(site), "ssh")
    assert result.exit_code == 1
    assert "`hive-nornir run build-infra` makes them" in result.stderr
    assert not (site / ".hive").exists()


def test_without_openssh_it_says_so(built: Path, tmp_path: Path) -> None:
    done = run("-r", str(built), "ssh", PATH=str(tmp_path))
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, "error: there is no ssh on this machine")


def test_scp_knows_short_names(built: Path, path: str) -> None:
    done = run("-r", str(built), "scp", "-r", "p-hive0:/etc/hosts", "./a:b", "p-hive1.shop.example:", PATH=path)
    assert done.stdout.splitlines()[2:] == ["-r", "p-hive0.shop.example:/etc/hosts", "./a:b", "p-hive1.shop.example:"]
    assert done.returncode == 7


def test_the_console_asks_for_no_port_that_a_run_may_have(built: Path, tmp_path: Path) -> None:
    hosts = [SshHost("p-hive3.shop.example", "192.168.56.7", "admin", remote_forward=(3128, "proxy.example:8080"))]
    write_ssh_config(built / CONFIG, hosts, built / ".hive" / "private" / "known_hosts")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "ssh").write_text('#!/bin/sh\ncat "$2"\n')
    (folder / "ssh").chmod(0o755)
    shown = run("-r", str(built), "console", "zabbix", PATH=f"{folder}:{os.environ['PATH']}").stdout
    assert shown == (built / CONFIG).read_text().replace("  RemoteForward 3128 proxy.example:8080\n", "")
    assert "HostName 192.168.56.7" in shown


def test_the_console_opens_only_the_tunnel_and_ends_cleanly(built: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sleeping"
    folder.mkdir()
    (folder / "ssh").write_text('#!/bin/sh\necho "$*"\nexec sleep 60\n')
    (folder / "ssh").chmod(0o755)
    env = environment(PATH=f"{folder}:{os.environ['PATH']}")
    with subprocess.Popen(
        argv("-r", str(built), "console", "zabbix"), env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "http://localhost:10052/" in process.stderr.readline()
        words = process.stdout.readline().split()
        assert " ".join(words[2:]) == "-N -o ExitOnForwardFailure=yes -L localhost:10052:127.0.0.1:10052 p-hive3.shop.example"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""
