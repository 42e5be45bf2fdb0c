"""A copy from one container to another."""

import io
import tarfile

import docker
import pytest

from hive_onhost.archives import copy_between, renamed
from hive_onhost.failure import Failure

DIRECTORY, LINK = 1 << 31, 1 << 27


def tar(*names, data=b"x" * 100000):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size, entry.uid, entry.mode = len(data), 7, 0o640
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def unpacked(stream):
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        return {entry.name: (entry.uid, entry.mode, archive.extractfile(entry).read()) for entry in archive}


def pieces(data):
    return iter([data[at : at + 1000] for at in range(0, len(data), 1000)])


class Container:
    """A container with some paths: path -> (mode, link's target)."""

    name = "web.1"

    def __init__(self, **paths):
        self.paths = paths
        self.put = None

    def get_archive(self, path, chunk_size):
        if path not in self.paths:
            raise docker.errors.NotFound("no")
        mode, link = self.paths[path]
        name = path.rsplit("/", 1)[-1]
        return pieces(tar(name)), {"name": name, "mode": mode, "linkTarget": link}

    def put_archive(self, folder, data):
        self.put = (folder, unpacked(data))


def copied(dest, *, source="/etc/hosts", follow=False, **target):
    giver = Container(**{"/etc/hosts": (0o644, ""), "/etc/l": (LINK, "/etc/hosts")})
    taker = Container(**target)
    copy_between(giver, source, taker, dest, follow=follow)
    folder, entries = taker.put
    return folder, list(entries)


@pytest.mark.parametrize(
    ("dest", "target", "wanted"),
    [
        ("/tmp", {"/tmp": (DIRECTORY, "")}, ("/tmp", ["hosts"])),
        ("/tmp/new", {}, ("/tmp", ["new"])),
        ("/new", {}, ("/", ["new"])),
        ("/tmp/file", {"/tmp/file": (0o600, "")}, ("/tmp", ["file"])),
        ("/link", {"/link": (LINK, "/tmp"), "/tmp": (DIRECTORY, "")}, ("/tmp", ["hosts"])),
    ],
)
def test_the_destination_means_what_it_means_to_cp(dest, target, wanted):
    assert copied(dest, **target) == wanted


def test_a_followed_link_keeps_its_name():
    assert copied("/tmp", source="/etc/l", **{"/tmp": (DIRECTORY, "")}) == ("/tmp", ["l"])
    assert copied("/tmp", source="/etc/l", follow=True, **{"/tmp": (DIRECTORY, "")}) == ("/tmp", ["l"])


@pytest.mark.parametrize(("source", "dest", "said"), [("/no", "/tmp", "there is no /no"), ("/etc/hosts", "/no/", "there is no /no/")])
def test_what_is_not_there_is_told(source, dest, said):
    with pytest.raises(Failure, match=said):
        copied(dest, source=source)


def test_only_the_uppermost_name_changes_and_owner_and_mode_stay():
    found = unpacked(renamed(pieces(tar("a/b", "a/a", "ab")), "a", "x"))
    assert list(found) == ["x/b", "x/a", "ab"]
    assert found["x/b"] == (7, 0o640, b"x" * 100000)


def test_a_stream_that_breaks_breaks_the_copy():
    with pytest.raises(tarfile.TarError):
        list(renamed(pieces(tar("a")[:5000]), "a", "x"))


def test_a_copy_that_nobody_takes_ends():
    stream = renamed(pieces(tar("a", data=b"x" * 10_000_000)), "a", "x")
    next(stream)
    stream.close()
