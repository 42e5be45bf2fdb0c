"""How the sandbox names and labels what it makes, and whose it is."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from hive_nornir.inventory.providers.base import ProviderSite, ServerSpec

__all__ = [
    "CONTEXT",
    "FILES",
    "HOST",
    "IMAGE",
    "SITE",
    "STAGE",
    "base",
    "bridge",
    "container",
    "files",
    "filters",
    "is_mine",
    "labels",
    "network",
    "volume",
]

SITE = "hive-nornir.site"
STAGE = "hive-nornir.stage"
HOST = "hive-nornir.host"
IMAGE = "hive-nornir.image"
CONTEXT = "hive-nornir.context"

FILES = "/mnt/hive_files"
"""Where every server of a stage has the folder that they all share: what a cloud's file service is elsewhere."""


def base(site: ProviderSite) -> str:
    """What every name of a site and stage begins with."""
    return f"hive-{site.hive_name}-{site.stage}"


def network(site: ProviderSite) -> str:
    """The engine's network of a site and stage."""
    return base(site)


def bridge(site: ProviderSite) -> str:
    """The network interface of that network on the mother, where traffic can be watched, or delayed with `tc`.

    At most 15 characters, as the kernel wants.
    """
    return "hive-" + hashlib.sha256(f"{base(site)} {context(site)}".encode()).hexdigest()[:10]


def container(site: ProviderSite, server: ServerSpec) -> str:
    """The container that is a server."""
    return f"{base(site)}-{server.short_name}"


def volume(site: ProviderSite, server: ServerSpec) -> str:
    """The volume that holds a server's /var/lib/docker."""
    return f"{container(site, server)}-docker"


def files(site: ProviderSite) -> str:
    """The volume that all servers of a site and stage share."""
    return f"{base(site)}-files"


def context(site: ProviderSite) -> str:
    """The folder whose keys open the servers: what tells two checkouts of one site apart."""
    return str(site.context_dir.resolve())


def labels(site: ProviderSite, server: ServerSpec | None = None, image: str = "") -> dict[str, str]:
    """The labels of something that belongs to a site and stage, or to one server of it."""
    own = {SITE: site.hive_name, STAGE: site.stage, CONTEXT: context(site)}
    if server is not None:
        own[HOST] = server.name
    if image:
        own[IMAGE] = image
    return own


def filters(site: ProviderSite) -> dict[str, Any]:
    """What the engine is asked for to get the things of a site and stage."""
    return {"label": [f"{SITE}={site.hive_name}", f"{STAGE}={site.stage}"]}


def is_mine(site: ProviderSite, found: dict[str, str] | None) -> bool:
    """Whether something with these labels belongs to this checkout of the site: or to one that is gone, and so to nobody else.

    :param found: the labels of a thing that `filters` found.
    """
    owner = (found or {}).get(CONTEXT)
    return owner is not None and (owner == context(site) or not Path(owner).exists())
