"""A site as hive-builder's users have it: loaded, checked, and its roles of Ansible told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hive_nornir import Site
from hive_nornir.cli.main import cli

NAMESERVER = Path(__file__).parents[1] / "data" / "nameserver"
OF_ANSIBLE = {"private": ["zone-records", "records-schema"], "staging": ["zone-records", "records-schema", "renewal_timer"]}
OF_ANSIBLE["production"] = OF_ANSIBLE["staging"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(NAMESERVER, tmp_path / "site"))


def check(folder: Path, stage: str, capsys: pytest.CaptureFixture[str]) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as end:
        cli.main(["--root", str(folder), "--stage", stage, "check"])
    said = capsys.readouterr()
    return end.value.code, said.out, said.err


@pytest.mark.parametrize("stage", ["private", "staging", "production"])
def test_with_ansible_the_site_has_no_problem(folder, stage, capsys, monkeypatch):
    monkeypatch.setattr("hive_nornir.plays.container_roles.ansible_version", lambda: "2.19.0")
    code, out, err = check(folder, stage, capsys)
    assert (code, err) == (0, "")
    told = out.partition("runs the roles ")[2].splitlines()[0].split(", ")
    assert sorted(told) == sorted(["addon", *OF_ANSIBLE[stage]])
    assert "no problem found" in out
    assert not (folder / ".hive").exists()


@pytest.mark.parametrize("stage", ["private", "staging", "production"])
def test_without_ansible_each_role_of_it_is_told_once_with_its_place_and_what_replaces_it(folder, stage, capsys, monkeypatch):
    monkeypatch.setattr("hive_nornir.plays.container_roles.ansible_version", str)
    code, _, err = check(folder, stage, capsys)
    told = " ".join(err.split())
    assert code == 2
    for name in OF_ANSIBLE["staging"]:
        assert told.count(f"role '{name}' is one of Ansible") == (name in OF_ANSIBLE[stage])
        assert (f"write roles/{name.replace('-', '_')}.py" in told) == (name in OF_ANSIBLE[stage])
    assert f"{folder}/inventory/services.yml:7: services.authority.initialize_roles[1]: role 'zone-records'" in told


@pytest.mark.parametrize("stage", ["private", "staging", "production"])
def test_every_variable_of_every_object_can_be_read(folder, stage):
    site = Site.open(folder, stage)
    for name in [name for members in site.inventory.groups.values() for name in members]:
        assert dict(site.inventory.scope(name))
