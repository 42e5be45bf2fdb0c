from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from hive_nornir.operations.core import Operation
from hive_nornir.tasks.role import Role
from tests.cli.support import call


def test_what_init_writes_passes_check_in_every_stage(site: Path) -> None:
    for stage in ("private", "staging", "production"):
        result = call("-r", str(site), "-s", stage, "check")
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout == f"shop.example, stage {stage}: 4 servers, 1 service, 0 volumes; no problem found\n"


def test_init_says_what_it_wrote_and_what_comes_next(tmp_path: Path) -> None:
    result = call("init", str(tmp_path / "a"))
    assert result.stdout.splitlines()[0] == f"wrote {tmp_path}/a/inventory/hive.yml"
    assert "next: hive-nornir --root" in result.stdout
    assert ".hive/" in (tmp_path / "a" / ".gitignore").read_text().splitlines()


def test_init_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    result = call("init", str(tmp_path))
    assert result.exit_code == 2
    assert ".gitignore is already there, nothing was written" in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == [".gitignore"]
    assert (tmp_path / ".gitignore").read_text() == "mine\n"


@pytest.mark.parametrize(
    ("folder", "name"), [("Shop_2 Süd", "shop-2-s-d.example"), ("---", "site.example"), ("x" * 80, "x" * 40 + ".example")]
)
def test_the_site_is_named_after_its_folder(tmp_path: Path, folder: str, name: str) -> None:
    call("init", str(tmp_path / folder))
    result = call("-r", str(tmp_path / folder), "check")
    assert result.stdout.startswith(f"{name}, stage private")


def test_init_without_a_folder_takes_the_current_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "next: hive-nornir check" in call("init").stdout
    assert (tmp_path / "inventory" / "hive.yml").is_file()


def test_a_new_role_is_one_file_that_works(site: Path) -> None:
    result = call("-r", str(site), "new", "role", "motd-banner")
    file = site / "roles" / "motd_banner.py"
    assert (result.exit_code, result.stdout) == (0, f"wrote {file}\n")
    spec = importlib.util.spec_from_file_location("motd_banner", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    role = module.motd_banner
    assert isinstance(role, Role)
    assert role.name == "motd-banner"
    values = role.values({"motd_banner_text": "welcome"}, "p-hive0.shop.example")
    [operation] = role.function(None, values)
    assert isinstance(operation, Operation)
    assert operation.name == "file /etc/motd-banner.conf"


@pytest.mark.parametrize("name", ["Motd", "motd_banner", "2fa", "a--b", "-x", "class", "../x", ""])
def test_a_role_needs_a_legal_name(site: Path, name: str) -> None:
    result = call("-r", str(site), "new", "role", "--", name)
    assert result.exit_code == 2
    assert "cannot be the name of a role" in result.stderr
    assert not (site / "roles").exists()


def test_a_role_that_exists_is_not_made_again(site: Path) -> None:
    assert "there is a role 'base' already" in call("-r", str(site), "new", "role", "base").stderr
    call("-r", str(site), "new", "role", "motd")
    assert "there is a role 'motd' already" in call("-r", str(site), "new", "role", "motd").stderr
