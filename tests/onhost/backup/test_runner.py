"""Runs: what fails is told and the others go on; what is kept, what is linked, and what is put back."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest

from hive_onhost.backup import command, services
from hive_onhost.backup.builtin import registry
from hive_onhost.backup.jobs import Target
from hive_onhost.backup.processes import Clock
from hive_onhost.backup.results import record
from hive_onhost.backup.runner import FAILED, MISSING, Runner
from hive_onhost.backup.settings import Settings
from hive_onhost.failure import Failure

NOTHING = {"directory": "", "backup_command": "", "backup_file": "", "restore_command": "", "restore_file": "", "batch_scripts": []}


def entry(name, **given):
    return {"name": name, "ext": "tar.gz", "cleanup_days_before": 3, **NOTHING, **given}


@pytest.fixture
def runner(store):
    return Runner(store, "", 20)


def target(container, *entries, name="web"):
    return services.target(name, entries, lambda: container)


def test_a_folder_is_backed_up_and_restored(runner, container, store, tmp_path, capsys):
    data = tmp_path / "data"
    data.mkdir()
    (data / "kept").write_text("as it was")
    web = target(container, entry("files", directory=str(data)))
    [result] = runner.backup([web])
    latest = store.latest(web.jobs[0])
    assert (result.status, result.file, result.size) == ("ok", latest.name, latest.stat().st_size)
    assert subprocess.run(["sha256sum", latest], capture_output=True, check=True).stdout.decode().split()[0] == result.sha256
    (data / "kept").write_text("changed")
    (data / "later").write_text("x")
    assert runner.restore([web]) == 0
    assert {path.name: path.read_text() for path in data.iterdir()} == {"kept": "as it was"}
    words = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert words == ["ENTER", "START", "LINK", "END", "LEAVE", "ENTER", "START", "END", "LEAVE"]


def test_a_command_is_backed_up_by_what_it_prints_or_by_the_file_that_it_makes(runner, container, store, tmp_path):
    made, back, restored = tmp_path / "made", tmp_path / "back", tmp_path / "restored"
    prints = entry("prints", ext="txt", backup_command='echo "it\'s $((1+1))"', restore_command=f"cat >'{back}'")
    makes = entry(
        "makes",
        ext="txt",
        backup_command=f"echo made >'{made}'; echo noise",
        backup_file=str(made),
        restore_command=f"cat '{restored}' '{restored}' >'{back}.2'",
        restore_file=str(restored),
    )
    web = target(container, prints, makes)
    assert [result.status for result in runner.backup([web])] == ["ok", "ok"]
    assert [store.latest(job).read_text() for job in web.jobs] == ["it's 2\n", "made\n"]
    assert runner.restore([web]) == 0
    assert (back.read_text(), (tmp_path / "back.2").read_text()) == ("it's 2\n", "made\nmade\n")


def test_one_that_fails_keeps_its_last_good_backup_and_the_others_go_on(runner, container, store, tmp_path, capsys):
    flag = tmp_path / "flag"
    flag.write_text("x")
    dump = entry("dump", ext="txt", backup_command=f"echo first; cat '{flag}'", restore_command="cat >/dev/null", cleanup_days_before=0)
    other = entry("other", ext="txt", backup_command="echo other", restore_command="cat >/dev/null")
    web = target(container, dump, other)
    runner.backup([web])
    good = store.latest(web.jobs[0])
    old = good.rename(good.with_name(f"backup-dump-{datetime.now() - timedelta(days=9):%Y%m%d}000000.txt"))
    store.link(web.jobs[0], old)
    flag.unlink()
    results = runner.backup([web])
    assert [result.status for result in results] == ["failed", "ok"]
    assert "No such file" in results[0].message
    assert store.latest(web.jobs[0]) == old.resolve()
    assert store.files(web.jobs[0]) == [old]
    assert "FAIL dump: exit code 1" in capsys.readouterr().out
    assert not [path for path in store.folder.iterdir() if path.name.startswith(".")]


def test_an_empty_or_broken_backup_is_a_failure(runner, container):
    web = target(
        container,
        entry("empty", ext="txt", backup_command=":", restore_command=":"),
        entry("no-archive", backup_command="echo hello", restore_command=":"),
    )
    assert [result.status for result in runner.backup([web])] == ["failed", "failed"]


def test_old_ones_go_after_a_good_one(runner, container, store):
    web = target(container, entry("x", ext="txt", backup_command="echo x", restore_command=":"))
    kept = f"backup-x-{datetime.now() - timedelta(days=3):%Y%m%d}000000.txt"
    for name in (kept, f"backup-x-{datetime.now() - timedelta(days=4):%Y%m%d}235959.txt"):
        (store.folder / name).write_text("x")
    [result] = runner.backup([web])
    assert [file.name for file in store.files(web.jobs[0])] == [kept, result.file]


def test_batch_scripts_run_first_and_their_failure_is_only_told(runner, container, tmp_path, capsys):
    notes = tmp_path / "notes"
    web = target(
        container,
        entry(
            "x",
            ext="txt",
            batch_scripts=[f"echo one >>'{notes}'", "false", f"echo two >>'{notes}'"],
            backup_command=f"cat '{notes}'",
            restore_command=":",
        ),
        entry("only", batch_scripts=[f"echo only >>'{notes}'"]),
    )
    results = runner.backup([web])
    assert [(result.status, result.message, bool(result.file)) for result in results] == [
        ("ok", "batch script 2: exit code 1", True),
        ("ok", "", False),
    ]
    assert notes.read_text() == "one\ntwo\nonly\n"
    assert "SKIP x: batch script 2" in capsys.readouterr().out
    assert runner.restore([web]) == 0


def test_an_entry_may_not_take_for_ever(store, container):
    web = target(container, entry("slow", ext="txt", backup_command="echo x; sleep 60", restore_command=":"))
    [result] = Runner(store, "", 0.3).backup([web])
    assert (result.status, result.message) == ("failed", "not done after 0 s")


def test_the_hook_is_given_each_file(store, container, tmp_path):
    hook = tmp_path / "hook"
    hook.write_text(f'#!/bin/sh\necho "$1" >>{tmp_path}/given\n[ ! -e {tmp_path}/refuse ]\n')
    hook.chmod(0o755)
    web = target(container, entry("x", ext="txt", backup_command="echo x", restore_command=":"))
    [result] = Runner(store, str(hook), 20).backup([web])
    assert (tmp_path / "given").read_text() == f"{store.folder}/{result.file}\n"
    (tmp_path / "refuse").write_text("")
    [result] = Runner(store, str(hook), 20).backup([web])
    assert result.status == "failed"
    assert store.latest(web.jobs[0]) is not None


def test_without_a_backup_there_is_nothing_to_restore(runner, container, capsys):
    web = target(container, entry("x", ext="txt", backup_command="echo x", restore_command=":"))
    assert runner.restore([web]) == MISSING
    assert "SKIP x: there is no backup" in capsys.readouterr().out
    assert runner.restore([web, Target("db", (), "its description is wrong")]) == FAILED


def test_a_damaged_backup_replaces_nothing(runner, container, store, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "kept").write_text("x")
    web = target(container, entry("files", directory=str(data)))
    runner.backup([web])
    latest = store.latest(web.jobs[0])
    latest.write_bytes(latest.read_bytes()[:40])
    (data / "kept").write_text("later")
    assert runner.restore([web]) == FAILED
    assert (data / "kept").read_text() == "later"


def test_the_registrys_names_come_before_its_layers_and_uploads_stay_out(container, tmp_path, monkeypatch):
    from hive_onhost.backup import builtin

    layout = tmp_path / "docker/registry/v2"
    for path in ("blobs/sha256/aa/data", "repositories/x/_manifests/link", "repositories/x/_uploads/1/data"):
        (layout / path).parent.mkdir(parents=True)
        (layout / path).write_text(path)
    monkeypatch.setattr(builtin, "_DATA", str(tmp_path))
    monkeypatch.setattr(builtin, "local", lambda name: container)
    [job] = registry(3).jobs
    file = tmp_path / "r.tar.gz"
    with file.open("wb") as sink:
        job.source.backup(sink, Clock(20))
    job.check(file)
    listed = subprocess.run(["tar", "-tzf", file], capture_output=True, check=True).stdout.decode().splitlines()
    assert listed[0] == "./"
    assert [name for name in listed if not name.endswith("/")] == [
        "./docker/registry/v2/repositories/x/_manifests/link",
        "./docker/registry/v2/blobs/sha256/aa/data",
    ]


def test_results_of_other_entries_stay_and_those_of_none_go(tmp_path, runner, container):
    good = target(container, entry("good", ext="txt", backup_command="echo x", restore_command=":"))
    bad = target(container, entry("bad", ext="txt", backup_command="exit 1", restore_command=":"), name="db")
    known = {("web", "good"), ("db", "bad")}
    record(tmp_path, runner.backup([good, bad]), known, 1000.0)
    found = json.loads((tmp_path / "result.json").read_text())
    assert (found["finished"], found["failed"]) == (1000.0, 1)
    assert (tmp_path / "result.json").stat().st_mode & 0o777 == 0o644
    first = next(each for each in found["entries"] if each["entry"] == "good")
    assert first["last_success"] == first["time"]
    record(tmp_path, runner.backup([bad]), known, 2000.0)
    found = json.loads((tmp_path / "result.json").read_text())
    assert {each["entry"]: each.get("last_success", 0) for each in found["entries"]} == {"good": first["time"], "bad": 0}
    record(tmp_path, [], {("web", "good")}, 3000.0)
    assert [each["entry"] for each in json.loads((tmp_path / "result.json").read_text())["entries"]] == ["good"]


@pytest.fixture
def site(store, tmp_path, container, monkeypatch):
    """A server with one service; the built-in targets are left out."""
    folder, state = tmp_path / "descriptions", tmp_path / "state"
    folder.mkdir()
    state.mkdir()
    settings = Settings(store.folder, 3, 3, seconds=20, descriptions=folder, state=state)
    monkeypatch.setattr(command.Settings, "load", lambda: settings)
    monkeypatch.setattr(command.builtin, "zabbix", lambda days: Target("hive-zabbix", ()))
    monkeypatch.setattr(command.builtin, "registry", lambda days: Target("hive-registry", ()))
    monkeypatch.setattr(services, "task_of", lambda service, hive, managers: container)
    entries = [entry("x", ext="txt", backup_command="echo x", restore_command=f"cat >'{tmp_path}/back'")]
    described = {"hive": "example.com", "service": "web", "managers": ["p-hive0.example.com:2376"], "entries": entries}
    (folder / "web").write_text(json.dumps(described))
    return settings


def test_the_command_backs_up_and_notes_it(site, capsys):
    assert command.main([]) == 0
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines() if line.startswith("ENTER")] == [
        "hive-zabbix",
        "hive-registry",
        "web",
    ]
    assert json.loads((site.state / "result.json").read_text())["failed"] == 0
    assert command.main(["--list"]) == 0
    assert "web x: backup-x-" in capsys.readouterr().out


def test_a_name_that_is_not_known_stops_everything_before_it_begins(site, capsys):
    assert command.main(["-l", "web,nope"]) == 1
    assert "there is no nope: one of hive-zabbix, hive-registry, web is wanted" in capsys.readouterr().err
    assert list(site.folder.iterdir()) == []


@pytest.mark.parametrize("arguments", [["-h"], ["web"], ["-x"]])
def test_other_arguments_show_how_it_is_used(site, arguments, capsys):
    assert command.main(arguments) == 1
    assert "usage: hive-backup.sh" in capsys.readouterr().err


def test_a_description_that_cannot_be_read_is_a_failure_of_its_own(site, capsys):
    (site.descriptions / "old").write_text("#!/bin/sh\nbackup_old() { :; }\n")
    (site.descriptions / "hive-x").write_text("{}")
    assert command.main([]) == 1
    said = capsys.readouterr().out
    assert "FAIL old: " in said
    assert "FAIL hive-x: " in said
    assert "END x: 2 bytes" in said
    assert json.loads((site.state / "result.json").read_text())["failed"] == 2
    assert command.main(["--dry-run"]) == 1


def test_one_run_at_a_time(site, capsys):
    with command._alone(site.state):
        assert command.main([]) == 1
    assert "another run is under way" in capsys.readouterr().err
    assert command.main([]) == 0


def test_restoring_is_confirmed(site, tmp_path, monkeypatch, capsys):
    command.main([])
    assert command.main(["-r"]) == 1
    assert "say --yes" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", lambda _question: "no")
    assert command.main(["-r"]) == 1
    assert not (tmp_path / "back").exists()
    assert command.main(["-r", "--yes", "-l", "web"]) == 0
    assert (tmp_path / "back").read_text() == "x\n"


def test_a_dry_run_tells_and_touches_nothing(site, capsys):
    assert command.main(["--dry-run"]) == 0
    assert "back up x to backup-x-" in capsys.readouterr().out
    assert command.main(["-r", "--dry-run"]) == 0
    assert "skip x: there is no backup" in capsys.readouterr().out
    assert list(site.folder.iterdir()) == []
    assert list(site.state.iterdir()) == []


def test_the_role_has_to_have_run(tmp_path):
    with pytest.raises(Failure, match="the role backup-tools writes it"):
        Settings.load(tmp_path / "backup.json")
