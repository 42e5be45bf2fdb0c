"""CVE-2024-6387: which builds have the hole, and when a mended package is taken; the shell that finds it out runs here."""

from __future__ import annotations

import os
import subprocess

import pytest

from hive_nornir.tasks.servers.base.openssh import mended_openssh, vulnerable
from tests.tasks.servers.servers import ALMA, DEBIAN, server


def run(folder, script, **programs):
    """Exit code and words of a script on a server that has these programs."""
    for name, body in programs.items():
        file = folder / name.replace("_", "-")
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(["/bin/sh"], input=script, env=environment, capture_output=True, text=True, timeout=20, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout.strip()


def rpm(version, changes=""):
    return f"case $* in *--changelog*) echo '{changes}' ;; *) printf %s '{version}' ;; esac"


AT_LEAST = '[ "$(printf "%s\\n" "$2" "$4" | sort -V | head -n 1)" = "$4" ]'


@pytest.mark.parametrize(
    ("distribution", "version", "expected"),
    [
        (DEBIAN, "1:9.2p1-2+deb12u2", True),
        (DEBIAN, "1:9.2p1-2+deb12u3", False),
        (("debian", "13"), "1:10.0p1-7", False),
        (("ubuntu", "22.04"), "1:8.9p1-3ubuntu0.7", True),
    ],
)
def test_packages_with_the_hole_are_told_by_their_version(tmp_path, distribution, version, expected):
    script = vulnerable(server(tmp_path, distribution=distribution))
    code, _ = run(tmp_path, script, dpkg_query=f"printf %s '{version}'", dpkg=AT_LEAST)
    assert (code == 0) is expected


@pytest.mark.parametrize(
    ("version", "changes", "expected"), [("8.7p1", "", True), ("8.7p1", "- CVE-2024-6387", False), ("8.0p1", "", False)]
)
def test_rpms_tell_it_in_their_change_log(tmp_path, version, changes, expected):
    code, _ = run(tmp_path, vulnerable(server(tmp_path, distribution=ALMA)), rpm=rpm(version, changes))
    assert (code == 0) is expected


@pytest.mark.parametrize(("code", "expected"), [(100, "due"), (0, "done"), (1, "done")])
def test_a_newer_package_is_taken_only_when_the_index_at_hand_has_one(tmp_path, code, expected):
    operation = mended_openssh(server(tmp_path, distribution=ALMA))
    # -C: a dry run fetches nothing, and an index that cannot be read has no newer one.
    dnf = f'case $* in "-q -C check-update openssh-server") exit {code} ;; esac; exit 100'
    assert run(tmp_path, operation.probe, rpm=rpm("8.7p1"), dnf=dnf) == (0, expected)


def test_looking_for_a_newer_one_writes_no_cache_of_apts(tmp_path):
    assert "apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= policy" in mended_openssh(server(tmp_path)).probe
