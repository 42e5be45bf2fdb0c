"""The folder of backups: what appears when, and what goes."""

import os
from datetime import datetime
from pathlib import Path

import pytest

from hive_onhost.backup import store as module
from hive_onhost.backup.jobs import Job
from hive_onhost.backup.store import Store
from hive_onhost.failure import Failure

NOW = datetime(2026, 11, 24, 1, 0, 0)


def job(name="web", days=3):
    return Job(name, "tar.gz", days, None, lambda _file: None)


def made(store, name, stamp, extension="tar.gz"):
    file = store.folder / f"backup-{name}-{stamp}.{extension}"
    file.write_text(stamp)
    return file


def names(files):
    return [file.name for file in files]


def test_a_file_gets_its_name_when_it_is_whole(store):
    file = store.new(job(), NOW)
    assert file.name == "backup-web-20261124010000.tar.gz"
    with store.writing(file) as (sink, partial):
        sink.write(b"data")
        sink.flush()
        assert partial.read_bytes() == b"data"
        assert names(store.folder.iterdir()) == [partial.name]
    assert names(store.folder.iterdir()) == [file.name]
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"data", 0o600)


def test_what_fails_leaves_nothing(store):
    def fail(sink):
        sink.write(b"half")
        raise Failure("no", 1)

    with pytest.raises(Failure), store.writing(store.new(job(), NOW)) as (sink, _partial):
        fail(sink)
    assert list(store.folder.iterdir()) == []


def test_what_a_killed_run_left_goes(store):
    (store.folder / ".backup-web-20261123010000.tar.gz.partial").write_text("half")
    store.tidy()
    assert list(store.folder.iterdir()) == []


def test_the_link_moves_to_the_newest(store):
    first, second = made(store, "web", "20261123010000"), made(store, "web", "20261124010000")
    assert store.latest(job()) is None
    for file in (first, second):
        assert store.link(job(), file).name == "backup-web-latest.tar.gz"
        assert store.latest(job()) == file.resolve()
    assert (store.folder / "backup-web-latest.tar.gz").readlink() == Path(second.name)
    second.unlink()
    assert store.latest(job()) is None


def test_days_count_from_the_start_of_the_day(store):
    for stamp in ("20261124005900", "20261121000000", "20261120235959", "20261101000000"):
        made(store, "web", stamp)
    assert names(store.old(job(), NOW)) == ["backup-web-20261101000000.tar.gz", "backup-web-20261120235959.tar.gz"]
    assert names(store.old(job(days=0), NOW))[-1] == "backup-web-20261121000000.tar.gz"
    assert store.old(job(days=None), NOW) == []


def test_other_entries_and_the_last_good_one_stay(store):
    for name in ("web-db", "web-20261101000000", "webs"):
        made(store, name, "20261001000000")
    made(store, "web", "20261001000000", "sql")
    last = made(store, "web", "20261002000000")
    store.link(job(), last)
    assert store.old(job(), NOW) == []
    assert names(store.files(job())) == [last.name]


def test_there_must_be_room_for_one_more(store, monkeypatch):
    store.room(job())
    store.link(job(), made(store, "web", "20261124010000"))
    usage = os.statvfs(store.folder)
    monkeypatch.setattr(module, "_RESERVE", usage.f_blocks * usage.f_frsize)
    with pytest.raises(Failure, match="MiB are needed"):
        store.room(job())


def test_only_its_owner_writes_there(store, monkeypatch, tmp_path):
    store.own()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(Failure, match="run this as"):
        store.own()
    with pytest.raises(Failure, match="the role backup-tools makes it"):
        Store(tmp_path / "none").own()


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".x", "a b"])
def test_a_name_that_is_no_files_is_refused(name):
    with pytest.raises(Failure, match="part of a file's name"):
        job(name)
