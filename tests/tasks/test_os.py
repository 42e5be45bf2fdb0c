"""What differs between distributions is the table of spec os-matrix.md, and stands nowhere else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hive_nornir.errors import UsageError
from hive_nornir.operations.distributions import COLUMNS, Column
from hive_nornir.tasks.os import os_data
from tests.operations.recorded import facts_like

ROOT = Path(__file__).parent.parent.parent
GOLDEN: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "tests/data/os-golden.yaml").read_text())

# The distribution that stands for its column in the golden table.
STANDS_FOR: dict[Column, tuple[str, str]] = {
    "EL7": ("centos", "7"),
    "EL8": ("almalinux", "8.10"),
    "EL9": ("almalinux", "9.4"),
    "EL10": ("almalinux", "10.0"),
    "A2": ("amzn", "2"),
    "A23": ("amzn", "2023"),
    "D12": ("debian", "12"),
    "D13": ("debian", "13"),
    "U22": ("ubuntu", "22.04"),
    "U24": ("ubuntu", "24.04"),
}

# Names that only one family, or one column, has.
FORBIDDEN = (
    *(
        "vim-enhanced",
        "conntrack-tools",
        "nfs-utils",
        "nfs-common",
        "policycoreutils",
        "libselinux-python",
        "python3-libselinux",
        "langpack",
        "python39",
        "python3-venv",
    ),
    *("iptables-services", "iptables-nft-services", "iptables-persistent", "netfilter-persistent", "firewalld", "ufw.service"),
    *(
        "docker-ce-cli",
        "docker.io",
        "docker-cli",
        "containerd.io",
        "podman-docker",
        "download.docker.com",
        "linux-image",
        "kernel-modules-extra",
    ),
    *("sshd.service", "ssh.service", "ssh.socket", "chronyd", "chrony.service", "dnf-automatic", "apt-daily", "unattended-upgrades"),
    *("dnf-makecache", "yum-cron", "systemd-timesyncd", "NetworkManager-wait-online"),
    *("/etc/sysconfig", "/etc/pki", "/etc/iptables", "/etc/chrony", "/etc/ssl/hive", "/etc/yum", "/etc/dnf", "/etc/apt"),
    *("/usr/local/share/ca-certificates", "/etc/ssl/certs", "update-ca-trust", "update-ca-certificates", "/etc/locale.gen"),
    *("/etc/locale.conf", "/etc/default/", "/var/log/messages", "/var/log/syslog", "/var/log/secure", "/var/log/auth.log"),
    *("KbdInteractiveAuthentication", "ChallengeResponseAuthentication", "needs-restarting", "169.254.169.123"),
)


def flat(tree: dict[str, Any], under: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from flat(value, f"{under}{key}/")
        else:
            yield under + key, value


@pytest.mark.parametrize("column", COLUMNS)
def test_every_value_of_a_column_is_as_in_the_golden_table(column: Column) -> None:
    data = os_data(facts_like(*STANDS_FOR[column]))
    left = COLUMNS[: COLUMNS.index(column) + 1]
    wanted = {item: next(row[name] for name in reversed(left) if name in row) for item, row in GOLDEN.items()}
    rendered = dict(flat(data.model_dump(mode="json")))
    assert rendered.pop("column") == column
    assert rendered == wanted


def test_red_hat_takes_docker_from_its_own_repository() -> None:
    assert os_data(facts_like("rhel", "9.4")).docker.repository_url == "https://download.docker.com/linux/rhel/9/$basearch/stable"
    assert os_data(facts_like("rocky", "9.4")).docker.repository_url == "https://download.docker.com/linux/centos/9/$basearch/stable"


def test_centos_8_is_known_to_be_at_its_end_although_its_column_is_not() -> None:
    assert os_data(facts_like("centos", "8")).end_of_life == "2024-05"
    assert os_data(facts_like("almalinux", "8.10")).end_of_life == ""


def test_names_with_a_placeholder_are_filled_in() -> None:
    ubuntu = os_data(facts_like("ubuntu", "24.04"))
    assert ubuntu.locale.packages_for("ja_JP.UTF-8") == ("locales", "language-pack-ja")
    assert ubuntu.locale.packages_for("C.UTF-8") == ("locales",)
    assert ubuntu.kernel.packages_for("6.8.0-45-generic") == ("linux-image-6.8.0-45-generic", "linux-modules-extra-6.8.0-45-generic")
    assert ubuntu.ca.anchor_of("example") == "/usr/local/share/ca-certificates/hive-example.crt"
    assert ubuntu.tls.key("p-hive0.example") == "/etc/ssl/hive/private/p-hive0.example_key.pem"
    assert ubuntu.tls.certificate("p-hive0.example") == "/etc/ssl/hive/certs/p-hive0.example_cert.pem"
    assert ubuntu.tls.request("p-hive0.example") == "/etc/ssl/hive/misc/p-hive0.example.csr"


def test_an_unknown_python_revision_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"3\.9"):
        os_data(facts_like("debian", "12")).python_for("3.99")


def test_no_role_holds_a_name_of_one_distribution() -> None:
    found = []
    for folder in ("tasks", "plays"):
        for file in sorted((ROOT / "hive_nornir" / folder).rglob("*.py")):
            if file.name in ("os.py", "os_model.py"):
                continue
            for line, text in literals(file):
                # The role, which is not Debian's package docker-cli; and Docker Hub's host, which is not the package docker.io.
                text = text.replace("docker-client", "") if file.name != "logins.py" else text.replace("docker.io", "")
                found += [f"{file.relative_to(ROOT)}:{line}: {name}" for name in FORBIDDEN if name in text]
    assert found == []


def literals(file: Path) -> Iterator[tuple[int, str]]:
    """The string constants of a module, without docstrings."""
    tree = ast.parse(file.read_text("utf-8"))
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.lineno, node.value


def test_the_search_for_names_finds_them(tmp_path: Path) -> None:
    module = tmp_path / "bad.py"
    module.write_text('"""Docs may say /etc/pki."""\npath = f"/etc/pki/{1}"\n')
    assert [text for _, text in literals(module) if "/etc/pki" in text] == ["/etc/pki/"]
