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
from tests.hosts.makers import Key, key_of, makers
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


def test_only_the_pinned_key_and_what_it_signed_is_installed(make_site: SiteMaker, key_server: tuple[Path, int], tmp_path: Path):
    site = make_site(1, image="el-9")
    (site.context.inventory_path / "group_vars" / "all.yml").write_text("hive_docker_source: docker-ce\n")
    site.reload()
    folder, port = key_server
    url = f"http://{str(site.inventory.scope(site.inventory.servers[0])['hive_private_ip']).rsplit('.', 1)[0]}.1:{port}/gpg"
    setup(site, "iptables", "tls-certificate")

    real = key_of(site, "docker-ce")
    other, others = new_key(tmp_path / "other")
    with makers(Key(url, others), real):
        (folder / "gpg").write_text(new_key(tmp_path / "wrong")[0])
        report = site.run("setup-hosts", roles=["docker"])
        assert any(f"is not the key {others}" in error for error in errors(report)), errors(report)
        assert shell(site, "ls /etc/pki/rpm-gpg /etc/yum.repos.d").split().count("docker.repo") == 0

        (folder / "gpg").write_text(other)
        report = site.run("setup-hosts", roles=["docker"])
        assert any("GPG" in error for error in errors(report)), errors(report)
        assert shell(site, "command -v dockerd || :") == ""

    (folder / "gpg").write_text(shell(site, f"cat {real.url.removeprefix('file://')}"))
    with makers(Key(url, real.fingerprint), real):
        setup(site, "docker")
        assert shell(site, "systemctl is-active docker; ip -4 -o addr show docker0").split()[0] == "active"
        assert "172.31.254.129/25" in shell(site, "ip -4 -o addr show docker0")
        assert "exclude=" in shell(site, "cat /etc/dnf/dnf.conf")
        assert changes(setup(site, "iptables", "tls-certificate", "docker")) == []
