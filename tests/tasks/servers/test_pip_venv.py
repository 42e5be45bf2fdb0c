"""PIP-1 to PIP-4: the environment and the list of what it holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hive_nornir.errors import OperationFailed, UsageError
from hive_nornir.operations.core import Observed
from hive_nornir.tasks.servers.pip_venv import PipVenvVariables, installed_versions, lock_for, locked_versions, pip_venv
from tests.tasks.servers.servers import ALMA, names, server
from tests.tasks.servers.targets import due, named

PLAIN = PipVenvVariables()
SITE_PACKAGES = "/opt/hive/venv/lib/python3.11/site-packages"


def operations(context, v=PLAIN, **options):
    return pip_venv.function(server(context, **options), v)


def listing(versions):
    return "\n".join(f"{SITE_PACKAGES}/{name.replace('-', '_')}-{version}.dist-info" for name, version in versions.items())


@pytest.mark.parametrize("file", sorted((Path(__file__).parents[3] / "hive_nornir/data/pip").glob("*.txt")), ids=lambda file: file.stem)
def test_a_list_is_complete(file):
    text = file.read_text()
    versions = locked_versions(text)
    assert {"pip", "setuptools", "wheel", "python-dxf", "requests"} <= versions.keys()
    for entry in re.split(r"(?m)^(?=[a-z])", text)[1:]:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry
    assert "://" not in text
    assert "--index" not in re.sub(r"(?m)^#.*$", "", text)


def test_a_python_gets_the_newest_list_that_is_not_newer():
    assert lock_for("3.9.18") == lock_for("3.9")
    assert lock_for("3.13") == lock_for("3.10")
    assert lock_for("3.9") != lock_for("3.10")
    with pytest.raises(OperationFailed, match=r"Python 3\.6 is too old"):
        lock_for("3.6")


def test_everything_is_installed_when_nothing_is_there(tmp_path):
    change = due(named(operations(tmp_path), "packages in"), f"{SITE_PACKAGES}/pip-23.0.1.dist-info\n")
    assert "+ python-dxf " in change.diff
    assert "- pip 23.0.1\n+ pip " in change.diff
    assert change.apply.count("--require-hashes") == 2
    assert change.apply.index("setuptools==") < change.apply.index("python-dxf==")
    assert "pip check" in change.apply.replace("-m pip --no-input --disable-pip-version-check", "pip")


def test_the_listed_versions_are_settled_and_more_may_be_there(tmp_path):
    versions = locked_versions(lock_for("3.11"))
    assert named(operations(tmp_path), "packages in").decide(Observed(listing({**versions, "humanize": "4.9.0"}))) is None


def test_another_version_is_replaced(tmp_path):
    versions = locked_versions(lock_for("3.11")) | {"requests": "2.0.0"}
    assert due(named(operations(tmp_path), "packages in"), listing(versions)).summary == "install requests"


def test_names_are_compared_as_pip_does():
    assert installed_versions("/x/Charset_Normalizer-3.5.2.dist-info\n/x/www.authenticate-1.dist-info") == {
        "charset-normalizer": "3.5.2",
        "www-authenticate": "1",
    }


def test_the_environment_is_made_anew_by_another_interpreter(tmp_path):
    environment = named(operations(tmp_path), "environment")
    assert environment.decide(Observed("/usr/bin/python3.11 false\n@@\n/usr/bin/python3.11 false")) is None
    change = due(environment, "/usr/bin/python3.9 false\n@@\n/usr/bin/python3.11 false")
    assert change.summary == "by /usr/bin/python3.11"
    assert "rm -rf /opt/hive/venv" in change.apply


def test_libselinux_is_seen_from_the_environment_only_when_it_is_needed(tmp_path):
    seen = "\n@@\n/usr/bin/python3.9 true"
    plain, needed = operations(tmp_path), operations(tmp_path, PipVenvVariables(hive_need_libselinux=True))
    assert "--system-site-packages" not in due(named(plain, "environment"), seen).apply
    assert "--system-site-packages" in due(named(needed, "environment"), seen).apply


def test_the_distributions_packages_of_the_revision(tmp_path):
    assert names(operations(tmp_path))[0] == "packages python3, python3-venv, python3-dev, python3-pip"
    eight = ("almalinux", "8.10")
    assert "python3.11" in names(operations(tmp_path, distribution=eight))[0]
    assert "python39" in names(operations(tmp_path, PipVenvVariables(hive_python_revision=3.9), distribution=eight))[0]
    assert "python3-devel" in names(operations(tmp_path, distribution=ALMA))[0]
    with pytest.raises(UsageError, match=r"2\.7"):
        operations(tmp_path, PipVenvVariables(hive_python_revision="2.7"))


def test_shells_have_it_on_their_path(tmp_path):
    assert "PATH=/opt/hive/bin:/opt/hive/venv/bin:$PATH" in due(named(operations(tmp_path), "file /etc/profile.d/hive.sh"), "absent").apply
