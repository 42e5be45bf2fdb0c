"""Logins to registries, which go with each request and are stored on no node (spec images-networks-volumes-services.md 4, pitfall 16)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from hive_nornir.errors import UsageError

if TYPE_CHECKING:
    from hive_nornir.inventory.site_inventory import SiteInventory

__all__ = ["Login", "login_of", "logins"]

Login = dict[str, str]
_DOCKER_HUB = "docker.io"


def logins(site: SiteInventory) -> dict[str, Login]:
    """Registry -> who we are there: the site's own, and those of `hive_ext_repositories` of the first hive.

    :raises UsageError: an entry lacks something.
    """
    [first] = site.groups["first_hive"]
    hive = site.scope(first)
    own = {"username": str(hive["hive_safe_docker_login_user"]), "password": site.secret("registry_password")}
    registry = str(hive["hive_registry"])
    return {registry: {**own, "serveraddress": registry}, **_external(hive.get("hive_ext_repositories") or [])}


def _external(entries: Iterable[Mapping[str, Any]]) -> dict[str, Login]:
    found = {}
    for entry in entries:
        lacking = [key for key in ("login_user", "password") if not entry.get(key)]
        if lacking:
            raise UsageError(f"hive_ext_repositories: an entry has no {lacking[0]}", "each has login_user, password, and repository")
        address = str(entry.get("repository") or _DOCKER_HUB)
        login = {"username": str(entry["login_user"]), "password": str(entry["password"]), "serveraddress": address}
        found[_registry_of(address)] = login
    return found


def _registry_of(address: str) -> str:
    """`registry.example` of `https://registry.example/v1/`; of Docker Hub's many names, one."""
    host = address.partition("://")[2] or address
    host = host.partition("/")[0]
    return _DOCKER_HUB if host in ("index.docker.io", "registry-1.docker.io", "hub.docker.com") else host


def login_of(reference: str, known: Mapping[str, Login]) -> Login:
    """The login for an image's registry; {} for none."""
    from docker.auth import resolve_repository_name

    registry, _ = resolve_repository_name(reference)
    return known.get(registry, {})
