"""BASE-1: only what leads to the vendor's archive is turned to the mirror."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_nornir.tasks.servers.base.mirrors import apt_text, mirrors, yum_text
from hive_nornir.tasks.servers.base.variables import BaseVariables
from tests.tasks.servers.servers import ALMA, DEBIAN, server
from tests.tasks.servers.targets import due, named

ALMA_REPO = """\
[baseos]
name=AlmaLinux $releasever - BaseOS
mirrorlist=https://mirrors.example.org/mirrorlist/$releasever/baseos
# baseurl=https://repo.example.org/almalinux/$releasever/BaseOS/$basearch/os/
enabled=1

[theirs]
name=Somebody else's
mirrorlist=https://theirs.example.net/list
baseurl=https://theirs.example.net/pub/
"""
CENTOS_REPO = (
    "[base]\nmirrorlist=http://list.example.org/?arch=$basearch\n#baseurl=http://archive.example.org/$contentdir/$releasever/BaseOS/os/\n"
)


def test_a_vendors_section_uses_the_mirror_and_others_stay():
    text = yum_text(ALMA_REPO, "http://mirror.example.com/pub/almalinux")
    assert "#mirrorlist=https://mirrors.example.org/mirrorlist/$releasever/baseos\n" in text
    assert "\nbaseurl=http://mirror.example.com/pub/almalinux/$releasever/BaseOS/$basearch/os/\n" in text
    assert text.partition("[theirs]")[2] == ALMA_REPO.partition("[theirs]")[2]


def test_centos_keeps_the_path_below_its_contentdir():
    text = yum_text(CENTOS_REPO, "https://mirror.example.com/centos")
    assert text == (
        "[base]\n#mirrorlist=http://list.example.org/?arch=$basearch\nbaseurl=https://mirror.example.com/centos/$releasever/BaseOS/os/\n"
    )


@pytest.mark.parametrize("text", [ALMA_REPO, CENTOS_REPO])
def test_another_run_changes_nothing_and_another_mirror_takes_over(text):
    once = yum_text(text, "http://a.example/x/centos")
    assert yum_text(once, "http://a.example/x/centos") == once
    other = yum_text(once, "http://b.example/almalinux")
    assert "a.example" not in other
    assert other == yum_text(text, "http://b.example/almalinux")


def test_one_line_sources_use_the_mirror():
    text = apt_text(
        "# deb http://archive.example.org/debian old main\n"
        "deb [signed-by=/k] http://archive.example.org/debian/ bookworm main\n"
        "deb http://security.example.org/debian-security bookworm-security main\n"
        "deb https://docker.example.com/linux/debian bookworm stable extra\n"
        "deb https://vendor.example.com/packages bookworm main\n",
        "http://mirror.example.com/pub/debian",
    )
    assert text.splitlines() == [
        "# deb http://archive.example.org/debian old main",
        "deb [signed-by=/k] http://mirror.example.com/pub/debian bookworm main",
        "deb http://mirror.example.com/pub/debian-security bookworm-security main",
        "deb https://docker.example.com/linux/debian bookworm stable extra",
        "deb https://vendor.example.com/packages bookworm main",
    ]


def test_deb822_sources_use_the_mirror():
    theirs = "\nTypes: deb\nURIs: https://docker.example.com/linux/ubuntu\nSuites: noble\nComponents: stable\n"
    ours = "Types: deb\nURIs: http://{}\nSuites: noble\nComponents: universe main\n"
    text = apt_text(ours.format("archive.example.org/ubuntu/") + theirs, "http://mirror.example.com/ubuntu")
    assert text == ours.format("mirror.example.com/ubuntu") + theirs


@given(st.text())
def test_any_sources_file_is_settled_after_one_edit(text):
    once = apt_text(text, "http://m.example/debian")
    assert apt_text(once, "http://m.example/debian") == once
    twice = yum_text(text, "http://m.example/centos")
    assert yum_text(twice, "http://m.example/centos") == twice


def test_a_file_that_does_not_exist_is_not_made(tmp_path):
    v = BaseVariables(hive_private_ip="10.1.0.4", hive_yum_url="http://m.example/almalinux/")
    operation = named(mirrors(server(tmp_path, distribution=ALMA), v), "mirror in /etc/yum.repos.d/almalinux-baseos.repo")
    assert operation.decide(_absent()) is None
    assert "baseurl=http://m.example/almalinux/$releasever" in due(operation, _file(ALMA_REPO)).diff


def test_without_a_mirror_nothing_is_touched(tmp_path):
    v = BaseVariables(hive_private_ip="10.1.0.4", hive_yum_url="http://m.example/almalinux")
    assert mirrors(server(tmp_path, distribution=DEBIAN), v) == []
    assert mirrors(server(tmp_path, distribution=ALMA), BaseVariables(hive_private_ip="10.1.0.4")) == []


def _absent():
    from hive_nornir.operations.core import Observed

    return Observed("absent")


def _file(text):
    import hashlib

    return f"regular file|644|root|root|0|0|{len(text)}\n{hashlib.sha256(text.encode()).hexdigest()}\n{text}"
