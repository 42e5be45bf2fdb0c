"""Variables that follow from what a server runs (spec setup-hosts.md 1)."""

import pytest

from hive_nornir.inventory.derived import python_command, python_package_version, python_revision


@pytest.mark.parametrize(
    ("variables", "distribution", "revision", "package"),
    [
        ({}, "AlmaLinux", "3", "3"),
        ({}, "RedHat", "3", "3"),
        ({}, "Debian", "3.9", "39"),
        ({"hive_need_libselinux": True}, "CentOS", "3", "3"),
        ({"hive_python_revision": "3.11"}, "Amazon", "3.11", "311"),
        ({"hive_python_revision": 3.11}, "AlmaLinux", "3.11", "3.11"),
    ],
)
def test_python(variables, distribution, revision, package):
    assert python_revision(variables, distribution) == revision
    assert python_package_version(variables, distribution) == package
    assert python_command(variables, distribution) == f"/usr/bin/python{revision}"
