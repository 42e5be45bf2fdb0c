"""What was added is known to whoever comes next."""

from __future__ import annotations

import json

import pytest

from hive_vip.ledger import Written
from tests.vip.fakes import entry, ledger


def test_a_successor_knows_what_was_added(tmp_path):
    first = ledger(tmp_path)
    assert (first.entries, first.rules, first.marks) == ({}, {}, {})
    for each in (entry("10.0.0.9", router=None), entry("fd00::9", 64, label="HIVE_VIP_V6")):
        first.entries[each.address] = each
    first.rules[4] = Written(("nat -A X",), ('nat -A "X"',))
    first.marks["web"] = "node"
    first.save()
    first.save_marks()
    assert ledger(tmp_path) == first
    assert (tmp_path / "run" / "vip.json").stat().st_mode & 0o777 == 0o600


def test_labels_outlive_a_boot_and_the_rest_does_not(tmp_path):
    first = ledger(tmp_path)
    first.entries[entry("10.0.0.9").address] = entry("10.0.0.9")
    first.marks["web"] = "node"
    first.save()
    first.save_marks()
    (tmp_path / "run" / "vip.json").unlink()
    assert (ledger(tmp_path).entries, ledger(tmp_path).marks) == ({}, {"web": "node"})


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"addresses": [{}]}', '{"addresses": [{"address": "x"}]}', '{"rules": {"4": {}}}', '{"rules": 1}']
)
def test_a_damaged_file_is_told_and_nothing_is_guessed(tmp_path, text):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "vip.json").write_text(text)
    with pytest.raises(ValueError, match="is damaged"):
        ledger(tmp_path)


def test_a_file_is_there_whole_or_not_at_all(tmp_path, monkeypatch):
    kept = ledger(tmp_path)
    kept.save()
    before = (tmp_path / "run" / "vip.json").read_text()
    kept.rules[4] = Written((object(),), ())  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        kept.save()
    assert (tmp_path / "run" / "vip.json").read_text() == before
    kept.rules.clear()
    kept.save()  # over the half file that was left beside it
    assert json.loads((tmp_path / "run" / "vip.json").read_text()) == {"addresses": [], "rules": {}}
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["vip.json"]
