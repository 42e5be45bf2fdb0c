"""Files are whole or absent, never wider than their mode, and nothing stays behind."""

import os
import signal
import stat
import subprocess
import sys
import threading
import time

import pytest

from hive_nornir.inventory import atomic
from hive_nornir.inventory.atomic import atomic_create, atomic_write


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_writes_and_replaces_with_the_mode_asked_for_whatever_the_umask(tmp_path):
    target = tmp_path / "secret"
    old = os.umask(0o077)
    try:
        atomic_write(target, b"one", 0o644)
        assert (target.read_bytes(), mode(target)) == (b"one", 0o644)
        atomic_write(target, b"two", 0o600)
    finally:
        os.umask(old)
    assert (target.read_bytes(), mode(target)) == (b"two", 0o600)
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "shared" / "secret")
    atomic_write(tmp_path / "link", b"x", 0o600)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "shared" / "secret").read_bytes() == b"x"


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    target = tmp_path / "file"
    atomic_write(target, b"old", 0o600)
    monkeypatch.setattr(atomic.os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        atomic_write(target, b"new", 0o600)
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


WRITER = """
import os, sys, pathlib, time
from hive_nornir.inventory import atomic
atomic.os.fsync = lambda _: (print("written", flush=True), time.sleep(60))
atomic.atomic_write(pathlib.Path(sys.argv[1]), b"half", 0o600)
"""


def test_what_a_killed_writer_leaves_goes_with_the_next_write_but_a_living_writers_file_stays(tmp_path):
    target = tmp_path / "file"
    atomic_write(target, b"old", 0o600)
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(target)], stdout=subprocess.PIPE)
    try:
        assert writer.stdout.readline() == b"written\n"
        atomic_write(target, b"newer", 0o600)
        assert len([path.name for path in tmp_path.iterdir()]) == 2, "the living writer still needs its file"
        writer.send_signal(signal.SIGKILL)
    finally:
        writer.kill()
        writer.wait(10)
        writer.stdout.close()
    assert target.read_bytes() == b"newer"
    atomic_write(target, b"newest", 0o600)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_of_many_creators_one_wins_and_all_see_its_file(tmp_path):
    target = tmp_path / "password"
    won = []
    ready = threading.Barrier(8)

    def create(number):
        ready.wait(10)
        if atomic_create(target, str(number).encode(), 0o600):
            won.append(number)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [target.read_text()] == [str(number) for number in won]
    assert ([path.name for path in tmp_path.iterdir()], mode(target)) == (["password"], 0o600)


def test_a_reader_never_sees_half_a_file(tmp_path):
    target = tmp_path / "file"
    sizes = (10, 500_000)
    atomic_write(target, b"x" * sizes[0], 0o600)
    end = time.monotonic() + 0.3
    done = threading.Event()

    def read():
        while not done.is_set():
            seen.add(len(target.read_bytes()))

    seen = set()
    reader = threading.Thread(target=read)
    reader.start()
    while time.monotonic() < end:
        for size in sizes:
            atomic_write(target, b"x" * size, 0o600)
    done.set()
    reader.join(10)
    assert seen <= set(sizes)
