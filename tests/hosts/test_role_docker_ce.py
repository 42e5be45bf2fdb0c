"""Docker from its makers' repository, tried on the server that speaks dnf, with a key and a repository of the test."""

import functools
import http.server
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hive_nornir import Site
from hive_nornir.tasks import os as os_module
from hive_nornir.tasks.os_model import OsData
from hive_nornir.tasks.servers.docker import source
from tests.hosts.sites import changes, errors, setup, shell

pytestmark = pytest.mark.skipif(shutil.which("gpg") is None, reason="makes a signing key with gpg")
SiteMaker = Callable[..., Site]


def new_key(folder: Path) -> tuple[str, str]:
    """A signing key: its armoured public half, and its fingerprint."""
    folder.mkdir(mode=0o700)

    def gpg(*arguments: str) -> str:
        command = ["gpg", "--homedir", str(folder), "--batch", "--quiet", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    gpg("--passphrase", "", "--quick-generate-key", "docker@example.com", "rsa2048", "sign", "never")
    lines = gpg("--with-colons", "--list-keys").splitlines()
    subprocess.run(["gpgconf", "--homedir", str(folder), "--kill", "gpg-agent"], check=False, timeout=20)
    return gpg("--armor", "--export"), next(line.split(":")[9] for line in lines if line.startswith("fpr:"))


@pytest.fixture
def key_server(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A folder that this machine serves, and on which port."""
    folder = tmp_path / "served"
    folder.mkdir()
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with http.server.ThreadingHTTPServer(("0.0.0.0", 0), functools.partial(quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, server.server_port
        server.shutdown()


def test_only_the_pinned_key_and_what_it_signed_is_installed(
    make_site: SiteMaker, key_server: tuple[Path, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    site = make_site(1, image="el-9")
    (site.context.inventory_path / "group_vars" / "all.yml").write_text("hive_docker_source: docker-ce\n")
    site.reload()
    folder, port = key_server
    right, fingerprint = new_key(tmp_path / "right")
    gateway = str(site.inventory.scope(site.inventory.servers[0])["hive_private_ip"]).rsplit(".", 1)[0] + ".1"
    _point_at(monkeypatch, f"http://{gateway}:{port}/gpg", fingerprint)
    setup(site, "iptables", "tls-certificate")

    (folder / "gpg").write_text(new_key(tmp_path / "wrong")[0])
    report = site.run("setup-hosts", roles=["docker"])
    assert any(f"is not the key {fingerprint}" in error for error in errors(report)), errors(report)
    assert shell(site, "ls /etc/pki/rpm-gpg /etc/yum.repos.d").split().count("docker.repo") == 0

    (folder / "gpg").write_text(right)
    report = site.run("setup-hosts", roles=["docker"])
    assert any("is not signed" in error for error in errors(report)), errors(report)
    assert shell(site, "command -v dockerd || :") == ""

    # The sandbox's packages carry no signature at all.
    monkeypatch.setattr(source, "_RPM", source._RPM.replace("gpgcheck=1", "gpgcheck=0"))
    setup(site, "docker")
    assert shell(site, "systemctl is-active docker; ip -4 -o addr show docker0").split()[0] == "active"
    assert "172.31.254.129/25" in shell(site, "ip -4 -o addr show docker0")
    assert "exclude=" in shell(site, "cat /etc/dnf/dnf.conf")
    assert changes(setup(site, "iptables", "tls-certificate", "docker")) == []


def _point_at(monkeypatch: pytest.MonkeyPatch, key_url: str, fingerprint: str) -> None:
    """Docker's makers are this machine, their packages those that the sandbox's server has on its disk."""
    real = os_module._os_data

    def ours(*about: object) -> OsData:
        data = real(*about)  # type: ignore[arg-type]
        there = {"key_url": key_url, "key_fingerprint": fingerprint, "repository_url": "file:///srv/rpms"}
        return data.model_copy(update={"docker": data.docker.model_copy(update=there)})

    monkeypatch.setattr(os_module, "_os_data", ours)
