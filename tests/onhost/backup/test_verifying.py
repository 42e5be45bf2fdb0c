"""Which files are backups: whole, and with something in them."""

import gzip
import subprocess

import pytest

from hive_onhost.backup import verifying
from hive_onhost.failure import Failure


def packed(path, data):
    path.write_bytes(gzip.compress(data))
    return path


@pytest.fixture
def archive(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a file").write_bytes(bytes(range(256)) * 4096)
    file = tmp_path / "a.tar.gz"
    subprocess.run(["tar", "-C", tmp_path / "data", "-czf", file, "."], check=True)
    return file


def test_an_archive_of_tar_is_one(archive):
    verifying.archive(archive)
    verifying.by_extension("tar.gz")(archive)


@pytest.mark.parametrize("kept", [0.3, 0.99])
def test_an_archive_that_was_cut_off_is_none(archive, kept):
    archive.write_bytes(archive.read_bytes()[: int(archive.stat().st_size * kept)])
    with pytest.raises(Failure, match="cannot be read back"):
        verifying.archive(archive)


def test_a_damaged_byte_is_noticed(archive):
    data = bytearray(archive.read_bytes())
    data[-6] ^= 1  # of the checksum
    archive.write_bytes(data)
    with pytest.raises(Failure, match="cannot be read back"):
        verifying.archive(archive)


@pytest.mark.parametrize("data", [b"", b"no archive at all"])
def test_something_else_is_no_archive(tmp_path, data):
    with pytest.raises(Failure):
        verifying.archive(packed(tmp_path / "x.tar.gz", data))


def test_a_dump_has_an_end(tmp_path):
    verifying.dump(packed(tmp_path / "a.sql.gz", b"INSERT;\n" * 500000 + b"\n-- Dump completed on 2026-11-24 17:04:31\n"))
    with pytest.raises(Failure, match="not complete"):
        verifying.dump(packed(tmp_path / "b.sql.gz", b"INSERT;\n" * 1000))


def test_what_has_another_extension_only_must_not_be_empty(tmp_path):
    file = tmp_path / "x.ldif"
    file.write_bytes(b"dn: x\n")
    verifying.by_extension("ldif")(file)
    file.write_bytes(b"")
    with pytest.raises(Failure, match="empty"):
        verifying.by_extension("ldif")(file)
    verifying.by_extension("sql.gz")(packed(tmp_path / "x.gz", b"x"))
    with pytest.raises(Failure, match="empty"):
        verifying.by_extension("sql.gz")(packed(tmp_path / "x.gz", b""))
