"""The proxy that roles have in a build container, and the image does not (spec images-networks-volumes-services.md 1.1, pitfall 13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_nornir.operations.core import quote
from hive_nornir.tasks.images.trust import PIP_CERTIFICATE
from hive_nornir.tasks.os import os_data

if TYPE_CHECKING:
    from hive_nornir.tasks.site_object import SiteObject

__all__ = ["proxy_environment", "proxy_variables"]

_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "PIP_INDEX_URL", "PIP_TRUSTED_HOST")


def proxy_environment(thing: SiteObject, server: str) -> dict[str, str]:
    """What a login on the server has of a proxy, for the roles in a container of that server.

    :param thing: what the container is of.
    """
    file = os_data(thing.facts(server)).environment_file
    done = thing.shell(server).run(f"cat {quote(file)} 2>/dev/null", deadline=20)
    behind = bool(thing.site.scope(server).get("hive_http_proxy"))
    return proxy_variables(done.stdout.decode("utf-8", "replace"), behind_proxy=behind)


def proxy_variables(text: str, *, behind_proxy: bool) -> dict[str, str]:
    """The variables of a proxy among those of `/etc/environment`.

    :param text: the file.
    :param behind_proxy: hive_http_proxy is set: pip has to trust the site's authority, where hive-trust-ca puts it.
    """
    pairs = (line.removeprefix("export ").partition("=") for line in text.splitlines())
    found = {name.strip(): value.strip().strip("\"'") for name, _, value in pairs if name.strip() in _NAMES}
    return {**found, "PIP_CERT": PIP_CERTIFICATE} if behind_proxy else found
