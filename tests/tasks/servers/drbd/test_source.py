"""Where DRBD comes from: the table of os-matrix.md 4, row by row."""

from __future__ import annotations

import pytest

from hive_nornir.errors import OperationFailed
from hive_nornir.tasks.os import os_data
from hive_nornir.tasks.servers.drbd.source import resolve
from tests.operations.recorded import facts_like

SUM = "a" * 64
EL7, EL9, A2, D12, U24 = ("centos", "7"), ("almalinux", "9.4"), ("amzn", "2"), ("debian", "12"), ("ubuntu", "24.04")


def source(distribution, kernel, wanted="auto", url="", sha256=SUM):
    found = resolve(os_data(facts_like(*distribution)).drbd, wanted, kernel, url, sha256)
    return found.kind, found.url.rpartition("/")[0].rpartition("/")[2], found.url.rpartition("/")[2]


@pytest.mark.parametrize(
    ("distribution", "kernel", "options", "found"),
    [
        (EL9, "5.14.0-503.el9.x86_64", {"url": "https://mirror.example/own/drbd.tgz"}, ("archive", "own", "drbd.tgz")),
        (A2, "4.14.186-146.268.amzn2.x86_64", {}, ("archive", "9.0.22", "drbd9-rpm-amzn2.tgz")),
        (EL7, "3.10.0-1062.18.1.el7.x86_64", {}, ("archive", "9.0.20", "drbd9-rpm.tgz")),
        (EL7, "3.10.0-1127.el7.x86_64", {}, ("archive", "9.0.22", "drbd9-rpm.tgz")),
        (EL9, "5.14.0-503.el9.x86_64", {"sha256": ""}, ("elrepo", "", "")),
        (EL9, "5.14.0-503.el9.x86_64", {"wanted": "elrepo"}, ("elrepo", "", "")),
        (U24, "6.8.0-45-generic", {}, ("linbit", "", "")),
        (D12, "6.1.0-18-amd64", {}, ("dkms", "9", "drbd-9.2.13.tar.gz")),
    ],
)
def test_the_first_row_that_applies_wins(distribution, kernel, options, found):
    assert source(distribution, kernel, **options) == found


def test_an_archive_of_a_new_kernel_is_named_after_it():
    assert source(EL9, "5.14.0-503.el9.x86_64")[2] == "drbd-9.3.2-v9.34.0-5.14.0-503.el9.x86_64.tgz"


@pytest.mark.parametrize(
    ("distribution", "options", "why"),
    [
        (D12, {"sha256": ""}, "checksum is not known"),
        (EL7, {"sha256": ""}, "checksum is not known"),
        (EL9, {"sha256": "", "url": "https://mirror.example/drbd.tgz"}, "checksum is not known"),
        (D12, {"wanted": "elrepo"}, "cannot be taken from elrepo"),
    ],
)
def test_nothing_is_installed_that_cannot_be_checked(distribution, options, why):
    with pytest.raises(OperationFailed, match=why):
        source(distribution, "3.10.0-1160.el7.x86_64", **options)
