"""Which login goes with which image."""

from __future__ import annotations

from pathlib import Path

import pytest

from hive_nornir import Site
from hive_nornir.errors import UsageError
from hive_nornir.tasks.services.logins import login_of, logins
from tests.hosts.sites import write_site


def site(folder: Path, variables: str = "") -> Site:
    return write_site(folder, 2, variables=variables)


def test_the_sites_own_registry_is_known_by_its_address(tmp_path: Path) -> None:
    inventory = site(tmp_path).inventory
    known = logins(inventory)
    registry = str(inventory.scope("web")["hive_registry"])
    assert login_of(f"{registry}/image_web:latest", known)["username"] == "hive"
    assert login_of("nginx:stable", known) == {}


@pytest.mark.parametrize(
    ("repository", "image"),
    [("", "nginx"), ("repository: 'https://index.docker.io/v1/',", "me/own:1"), ("repository: r.example:5000,", "r.example:5000/own")],
)
def test_external_registries_have_the_logins_that_are_given(tmp_path: Path, repository: str, image: str) -> None:
    variables = f"hive_ext_repositories: [{{{repository} login_user: me, password: geheim}}]\n"
    login = login_of(image, logins(site(tmp_path, variables).inventory))
    assert (login["username"], login["password"]) == ("me", "geheim")


def test_a_login_without_a_password_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no password"):
        logins(site(tmp_path, "hive_ext_repositories: [{login_user: me}]\n").inventory)
