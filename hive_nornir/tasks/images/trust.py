"""Image role hive-trust-ca: the container trusts the site's certificate authority (spec images-networks-volumes-services.md 1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_nornir.inventory.authorities import Authorities
from hive_nornir.operations import files
from hive_nornir.operations.core import Operation
from hive_nornir.tasks.role import Target, Variables, role
from hive_nornir.tasks.servers.issuer import pem_of
from hive_nornir.tasks.servers.trust_anchor import trust_anchor

if TYPE_CHECKING:
    from hive_nornir.inventory.site_inventory import SiteInventory

__all__ = ["PIP_CERTIFICATE", "TrustVariables", "hive_trust_ca", "trust_operations", "trusted"]

PIP_CERTIFICATE = "/etc/cacert_pip.pem"
"""Under which pip behind a proxy finds the authority (the variable PIP_CERT at build)."""


class TrustVariables(Variables):
    """What hive-trust-ca reads: nothing."""


@role()
def hive_trust_ca(host: Target, v: TrustVariables) -> list[Operation]:  # noqa: ARG001 - a role's signature
    """Have the container trust the site's certificate authority, as its distribution does it; `/etc/cacert_pip.pem` leads to it."""
    return trust_operations(host)


def trust_operations(host: Target) -> list[Operation]:
    """What makes a container trust the site.

    :raises HiveError: the site has no authority yet.
    """
    return [*trust_anchor(host).operations, files.link(PIP_CERTIFICATE, host.os.ca.anchor_of(host.site.hive_name))]


def trusted(site: SiteInventory) -> str:
    """The authority's certificate, PEM.

    :raises HiveError: the site has none yet.
    """
    return pem_of([Authorities(site.context.context_dir, site.hive_name).site().certificate]).decode()
