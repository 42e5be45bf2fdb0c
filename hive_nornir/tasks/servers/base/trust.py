"""O-1, TLS-5: the site's CA is trusted before anything is fetched, since a proxy that opens TLS may stand before the package mirrors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_nornir.operations import services
from hive_nornir.operations.core import Change, Operation
from hive_nornir.tasks.servers.trust_anchor import TrustAnchor, trust_anchor

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target

__all__ = ["trusted_ca"]


def trusted_ca(host: Target) -> tuple[list[Operation], TrustAnchor | None]:
    """The site's CA in the server's trust store, and a running Docker told of another one: it reads the store only when it starts.

    :returns: the operations, and what is to be noted when they were done; None in a plan for a site that has no CA yet, which says that
        it would be trusted.
    """
    if host.check and not (host.site.context.context_dir / "ca" / "cacert.pem").exists():
        planned = Change("the site's CA, which build-infra makes", ":")
        return [Operation(f"file {host.os.ca.anchor_of(host.site.hive_name)}", ":", lambda _seen: planned)], None
    trust = trust_anchor(host)
    return [*trust.operations, services.restarted_if_running(host.os.docker.unit, on=[trust.changed])], trust
