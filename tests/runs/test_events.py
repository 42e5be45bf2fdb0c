"""Nornir's callbacks become events; the record of a run has no secrets in it and survives a broken display."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hive_nornir.inventory.context import SiteContext
from hive_nornir.runs.events import Event, RunProcessor
from hive_nornir.runs.record import RunRecord
from hive_nornir.runs.redact import Redactor
from hive_nornir.runs.report import RunReport


def test_an_observer_that_raises_is_left_out_and_the_others_go_on():
    seen: list[Event] = []

    def broken(_event: Event) -> None:
        raise RuntimeError("display broke")

    processor = RunProcessor(RunReport("setup-hosts", "private"), [broken, seen.append])
    processor.emit(Event("phase-started", "setup-hosts"))
    processor.emit(Event("phase-finished", "setup-hosts"))
    assert [event.kind for event in seen] == ["phase-started", "phase-finished"]


def context(tmp_path: Path) -> SiteContext:
    made = SiteContext.resolve(tmp_path, "private", {})
    made.prepare()
    return made


def test_events_are_on_disk_as_they_happen_and_only_for_their_owner(tmp_path: Path):
    with RunRecord(context(tmp_path)) as record:
        record(Event("operation", "setup-hosts", host="h", operation="file /etc/x", status="changed", changed=True, diff="-a\n+b"))
        file = record.folder / "events.jsonl"
        [line] = file.read_text().splitlines()
    event = json.loads(line)
    assert (event["host"], event["operation"], event["changed"], event["diff"]) == ("h", "file /etc/x", True, "-a\n+b")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(record.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(record.folder.parent.stat().st_mode) == 0o700


def test_a_persisted_secret_never_reaches_the_record(tmp_path: Path):
    stage = context(tmp_path)
    stage.persistents.set("aws_secret_access_key", 'very"secret/key')
    with RunRecord(SiteContext.resolve(tmp_path, "private", {})) as record:
        record(Event("operation", "setup-hosts", host="h", error='denied for very"secret/key'))
        text = (record.folder / "events.jsonl").read_text()
    assert "secret/key" not in text
    assert "denied for ********" in text


def test_passwords_of_urls_are_masked_and_the_record_stays_what_it_is():
    event = {"error": "cannot fetch https://me:pass-word@index.example/x", "other": "http://h:80", "mail": 'a"b@c', "more": "x\n//y:z@"}
    masked = Redactor()(json.dumps(event))
    assert json.loads(masked) == {**event, "error": "cannot fetch https://***@index.example/x"}


def test_private_keys_are_masked_whoever_prints_them():
    key = "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----"
    assert Redactor()(f"a {key} b") == "a ******** b"


def test_a_password_that_is_made_during_the_run_is_masked_too():
    passwords: set[str] = set()
    redact = Redactor(passwords)
    assert redact("hunter22222") == "hunter22222"
    passwords.add("hunter22222")
    assert redact("hunter22222") == "********"


@given(st.lists(st.text(min_size=6, max_size=20), max_size=5), st.text())
def test_no_secret_is_left_in_any_text(secrets: list[str], text: str):
    joined = text.join(secrets)
    shown = Redactor(secrets)(joined)
    assert not any(secret in shown for secret in secrets if "*" not in secret)
