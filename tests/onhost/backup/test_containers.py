"""Folders and files that come out of a container and go in again."""

import io
import os
import subprocess

import pytest

from hive_onhost.backup.containers import Container
from hive_onhost.backup.processes import Clock
from hive_onhost.failure import Failure


def tree(folder):
    return {
        str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else path.read_text() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.fixture
def folder(tmp_path):
    data = tmp_path / "the data"
    (data / ".hidden").mkdir(parents=True)
    (data / ".hidden" / "x").write_text("hidden")
    (data / "..odd").write_text("odd")
    (data / "with space").write_text("space")
    (data / "link").symlink_to("nowhere")
    return data


@pytest.fixture
def archive(folder, tmp_path):
    file = tmp_path / "a.tar.gz"
    subprocess.run(["tar", "-C", folder, "-czf", file, "."], check=True)
    return file


def test_a_folder_is_replaced_by_what_the_archive_holds(container, folder, archive):
    wanted = tree(folder)
    (folder / "newer").write_text("not in the backup")
    (folder / ".hidden" / "x").write_text("changed")
    (folder / "lost+found").mkdir()
    container.replace_folder(str(folder), archive, Clock(20))
    assert tree(folder) == {**wanted, "lost+found": None}


def test_an_empty_archive_empties_the_folder(container, folder, tmp_path):
    (tmp_path / "empty").mkdir()
    subprocess.run(["tar", "-C", tmp_path / "empty", "-czf", tmp_path / "e.tar.gz", "."], check=True)
    container.replace_folder(str(folder), tmp_path / "e.tar.gz", Clock(20))
    assert tree(folder) == {}


def test_what_does_not_unpack_changes_nothing(container, folder, tmp_path):
    before = tree(folder)
    wrong = tmp_path / "wrong.tar.gz"
    subprocess.run(f"echo no archive | gzip >{wrong}", shell=True, check=True)
    with pytest.raises(Failure, match="exit code"):
        container.replace_folder(str(folder), wrong, Clock(20))
    assert tree(folder) == before


def test_a_folder_comes_as_a_tar_stream(container, folder):
    taken = io.BytesIO()
    container.read_folder(f"{folder}/", Clock(20), lambda stream: taken.write(stream.read()))
    listed = subprocess.run(["tar", "-t"], input=taken.getvalue(), capture_output=True, check=True).stdout.decode().splitlines()
    assert sorted(listed) == ["./", "./..odd", "./.hidden/", "./.hidden/x", "./link", "./with space"]


def test_a_file_is_what_is_in_it_and_a_folder_is_none(container, folder, tmp_path):
    (tmp_path / "to file").symlink_to(folder / "with space")
    for path in (folder / "with space", tmp_path / "to file"):
        taken = io.BytesIO()
        container.read_file(str(path), Clock(20), taken)
        assert taken.getvalue() == b"space"
    with pytest.raises(Failure, match="is no file"):
        container.read_file(str(folder), Clock(20), io.BytesIO())


def test_a_file_that_is_put_in_is_for_whoever_runs_the_commands(container, folder, tmp_path):
    source = tmp_path / "backup"
    source.write_text("secret")
    container.write_file(f"{folder}/restore.sql", source, Clock(20))
    found = folder / "restore.sql"
    assert (found.read_text(), found.stat().st_mode & 0o777, found.stat().st_uid) == ("secret", 0o600, os.geteuid())


def test_users_and_input_are_said_to_docker(tmp_path):
    script = tmp_path / "docker"
    script.write_text('#!/bin/sh\nprintf "%s\\n" "$@" >"$0.said"\ncat >/dev/null\n')
    script.chmod(0o755)
    Container((str(script), "--host", "tcp://x"), "c1").run("ls", Clock(20), arguments=["a b"], user="0", feed=lambda sink: None)
    said = (tmp_path / "docker.said").read_text().splitlines()
    assert said == ["--host", "tcp://x", "exec", "--user", "0", "--interactive", "c1", "sh", "-c", "ls", "sh", "a b"]
