"""The role pip-venv on a real server: what the environment holds, and when it is made anew."""

from __future__ import annotations

from collections.abc import Callable

from hive_nornir import Site
from hive_nornir.tasks.servers.pip_venv import lock_for, locked_versions
from tests.hosts.sites import changes, setup, shell

VENV = "/opt/hive/venv"


def test_the_environment_holds_what_is_locked(make_site: Callable[..., Site]):
    site = make_site(1, image="el-9")
    setup(site, "pip-venv")
    version = shell(site, f"{VENV}/bin/python -c 'import sys; print(sys.version.split()[0])'").strip()
    frozen = shell(site, f"{VENV}/bin/python -m pip --disable-pip-version-check list --format=freeze").lower().split()
    assert dict(line.split("==") for line in frozen) == locked_versions(lock_for(version))
    assert "No broken requirements" in shell(site, f"{VENV}/bin/python -m pip check")
    assert "usage" in shell(site, f"{VENV}/bin/dxf --help 2>&1 || :")
    assert shell(site, "su - admin -c 'command -v dxf'").strip() == f"{VENV}/bin/dxf"
    assert shell(site, f"find {VENV} ! -user root -o -perm /022 ! -type l | head -n 3") == ""
    assert changes(setup(site, "pip-venv")) == []

    shell(site, f"echo '/usr/bin/python3.6 false' >{VENV}/.made-by; touch {VENV}/of-the-old-one")
    again = changes(setup(site, "pip-venv"))
    assert [change.split(": ")[0].split(" ", 2)[2] for change in again] == [f"environment {VENV}", f"packages in {VENV}"]
    shell(site, f"[ ! -e {VENV}/of-the-old-one ] && {VENV}/bin/dxf --help >/dev/null")
