"""What every service of a stage is told of the site: its servers, its networks, where logs go, the proxy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hive_nornir.inventory.proxy import ProxyForward

if TYPE_CHECKING:
    from hive_nornir.inventory.site_inventory import SiteInventory

__all__ = ["PIP_CERTIFICATE", "Surroundings", "surroundings"]

# Where images of ours that trust the site's authority have its certificate (spec images-networks-volumes-services.md 1.4).
PIP_CERTIFICATE = "/etc/cacert_pip.pem"


@dataclass(frozen=True)
class Surroundings:
    """What services have in common.

    :param networks: the stage's, in order.
    :param servers: name -> address of each server of the stage.
    :param volumes: those that build-volumes makes.
    :param log_options: of Docker's driver syslog, but for the tag.
    :param proxy: environment of every service.
    """

    networks: tuple[str, ...] = ()
    servers: Mapping[str, str] = field(default_factory=dict)
    volumes: frozenset[str] = frozenset()
    log_options: Mapping[str, str] = field(default_factory=dict)
    proxy: Mapping[str, str] = field(default_factory=dict)


def surroundings(site: SiteInventory) -> Surroundings:
    """What the stage's services are told."""
    [first] = site.groups["first_hive"]
    repository = site.scope(site.repository)
    return Surroundings(
        networks=tuple(site.networks),
        servers={name: str(site.scope(name)["hive_private_ip"]) for name in site.servers},
        volumes=frozenset(site.volumes),
        log_options=_log_options(repository, site.repository),
        proxy=_proxy(site.scope(first), [*site.servers, *site.services]),
    )


def _log_options(repository: Mapping[str, Any], name: str) -> dict[str, str]:
    """By UDP, Docker itself sends to the repository, and starts containers while that is down.

    Over TLS it would not. So the driver hands its messages to the hive's own daemon, which the role rsyslogd-client makes forward them over
    TLS, and keep them while the repository is down.
    """
    if repository.get("hive_tls_logging"):
        return {"syslog-facility": "local0"}
    host = "shared-repository" if repository.get("hive_shared_repository") else name
    return {"syslog-address": f"udp://{host}:{repository['hive_safe_syslog_port']}", "syslog-facility": "local0"}


def _proxy(hive: Mapping[str, Any], inside: list[str]) -> dict[str, str]:
    """What the first hive's logins have, from the inventory and not from the hive, so that it is known before anything is done."""
    found: dict[str, str] = {}
    forward = ProxyForward.of(hive)
    if forward is not None:
        url, without = f"http://{forward.address}:{forward.port}", ",".join(("localhost", "127.0.0.1", *inside))
        for name, value in (("http_proxy", url), ("https_proxy", url), ("no_proxy", without)):
            found |= {name: value, name.upper(): value}
        found["PIP_CERT"] = PIP_CERTIFICATE
    for name in ("pip_index_url", "pip_trusted_host"):
        if given := hive.get(f"hive_{name}"):
            found[name.upper()] = str(given)
    return found
