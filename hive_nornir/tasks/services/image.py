"""Which image a service runs, down to its digest (spec images-networks-volumes-services.md 4).

With the digest in it, a service shows by itself that `latest` is another image now, and all its tasks run the same one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import docker
import requests

from hive_nornir.errors import HiveError, OperationFailed

if TYPE_CHECKING:
    from hive_nornir.inventory.site_inventory import SiteInventory
    from hive_nornir.inventory.tag_mapping import TagMapping
    from hive_nornir.tasks.services.logins import Login
    from hive_nornir.tasks.services.swarm import SwarmServices
    from hive_nornir.tasks.site_object import SiteObject

__all__ = ["named_image", "pinned", "with_digest"]

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")


def named_image(site: SiteInventory, service: str, mapping: TagMapping) -> str:
    """The image of a service, as it is called: its own, the one that the site builds, or the one that is pulled instead of that."""
    return mapping.resolve(_defined(site, service))


def _defined(site: SiteInventory, service: str) -> str:
    variables = site.scope(service)
    name = variables.get("hive_image_name")
    if not name:
        return str(variables["hive_image"])
    built = site.scope(str(name))
    if site.context.stage in (built.get("hive_pull_on") or []):
        return str(built["hive_pull_from"])
    return f"{variables['hive_registry']}/{name}:latest"


def with_digest(reference: str, digest: str) -> str:
    """`nginx:stable` as `nginx:stable@sha256:…`; without a tag it has the one that Docker takes."""
    tagged = reference if ":" in reference.rpartition("/")[2] else f"{reference}:latest"
    return f"{tagged}@{digest}"


def pinned(thing: SiteObject, swarm: SwarmServices, reference: str, login: Login, nodes: Callable[[], list[str]]) -> tuple[str, str]:
    """The image with its digest, from its registry.

    Where the registry does not tell the digest, the nodes pull the image, but not in a dry run.

    :param nodes: gives the servers that can run the service.
    :returns: the image, and what the operator has to know about it, "" if nothing.
    :raises OperationFailed: no node gets the image.
    """
    if _DIGEST.search(reference):
        return reference, ""
    try:
        return with_digest(reference, swarm.digest(reference)), ""
    except (docker.errors.APIError, requests.RequestException) as error:
        reason = _reason(error)
    if thing.check:
        return reference, f"which image {reference} is now is unknown: {reason}"
    digest = _pulled(thing, reference, login, nodes(), reason)
    note = f"the registry did not tell which image {reference} is now ({reason})"
    if digest:
        return with_digest(reference, digest), f"{note}; the nodes pulled it"
    return reference, f"{note}; it stays as the nodes have it"


def _pulled(thing: SiteObject, reference: str, login: Login, nodes: list[str], reason: str) -> str:
    """The digest that nodes pulled; "" if they have the image without being able to pull it."""

    def pull(node: str) -> str | None:
        thing.progress(f"pulling {reference} on {node}")
        try:
            client = thing.docker(node)
            try:
                client.api.pull(reference, auth_config=login)
            except docker.errors.APIError:
                client.images.get(reference)
                return ""
            digests = [str(each) for each in client.images.get(reference).attrs.get("RepoDigests") or []]
            return next((each.partition("@")[2] for each in digests), "")
        except (HiveError, docker.errors.DockerException, requests.RequestException):
            return None

    with ThreadPoolExecutor(max(1, len(nodes))) as pool:
        found = [digest for digest in pool.map(pull, nodes) if digest is not None]
    if not found:
        raise OperationFailed(
            f"image {reference} cannot be had: {reason}",
            "is its name right, was it built (build-images), is its login in hive_ext_repositories?",
        )
    return next((digest for digest in found if digest), "")


def _reason(error: Exception) -> str:
    said: Any = getattr(error, "explanation", None) or error
    return " ".join(str(said).split())
