"""The command dxf gives python-dxf what it needs, from a file that only its owner reads."""

import json
import sys
from types import ModuleType

from hive_onhost import dxf

SETTINGS = {"host": "repo.example:5000", "user": "hive", "password": "secret", "ca": "/etc/ca.pem"}


def called(monkeypatch):
    """What python-dxf is called with."""
    calls = []
    fake = ModuleType("dxf.main")
    fake.doit = lambda arguments, environ: calls.append((arguments, environ)) or 13
    monkeypatch.setitem(sys.modules, "dxf", ModuleType("dxf"))
    monkeypatch.setitem(sys.modules, "dxf.main", fake)
    return calls


def test_the_file_tells_address_and_password_and_the_environment_counts_more(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DXF_HOST", "other.example:5000")
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / "credentials.json").write_text(json.dumps(SETTINGS))
    calls = called(monkeypatch)

    assert dxf.main(["list-repos"]) == 13
    [(arguments, environ)] = calls
    assert arguments == ["list-repos"]
    assert {name: environ[name] for name in ("DXF_HOST", "DXF_USERNAME", "DXF_PASSWORD", "DXF_TLSVERIFY")} == {
        "DXF_HOST": "other.example:5000",
        "DXF_USERNAME": "hive",
        "DXF_PASSWORD": "secret",
        "DXF_TLSVERIFY": "/etc/ca.pem",
    }


def test_who_cannot_read_it_is_told_who_can(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert dxf.main(["list-repos"]) == 1
    assert "run it as the administrator" in capsys.readouterr().err
