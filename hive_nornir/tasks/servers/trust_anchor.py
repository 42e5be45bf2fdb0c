"""The site's certificate authority among those that a server trusts (spec setup-hosts.md TLS-5).

`base` does this first of all, since a proxy that opens TLS may stand before the package mirrors; `tls-certificate` makes sure of it.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from hive_nornir.errors import HiveError
from hive_nornir.inventory.ca import SiteCA
from hive_nornir.operations import files, packages
from hive_nornir.operations.core import Change, Observed, Operation, quote

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target

__all__ = ["site_ca", "trust_anchor"]


def site_ca(host: Target) -> SiteCA:
    """The site's certificate authority, which `build-infra` makes.

    :raises HiveError: there is none yet.
    """
    folder = host.site.context.context_dir / "ca"
    if not (folder / "cacert.pem").exists():
        raise HiveError(f"the site has no certificate authority in {folder}", "run build-infra first, it makes one")
    return _read(folder, (folder / "cacert.pem").stat().st_mtime_ns, host.site.hive_name)


@functools.lru_cache(maxsize=4)
def _read(folder: Path, modified: int, name: str) -> SiteCA:  # noqa: ARG001 - `modified` makes a changed authority a new entry
    return SiteCA.load_or_create(folder, name)


def trust_anchor(host: Target) -> list[Operation]:
    """Make the site's CA a trusted anchor of the operating system's store (TLS-5)."""
    ca = host.os.ca
    pem = site_ca(host).certificate_pem
    anchor = files.content(ca.anchor_of(host.site.hive_name), pem, mode=0o644)
    return [packages.present(host.os.manager, host.os.packages.ca), anchor, _refreshed(ca.bundle, ca.refresh, pem, anchor)]


def _refreshed(bundle: str, refresh: str, pem: bytes, anchor: Operation) -> Operation:
    # The end of the signature is in no other certificate, and the bundle holds each with the same line breaks.
    mark = pem.decode().split("-----END")[0].split()[-2]

    def decide(observed: Observed) -> Change | None:
        trusted = observed.text.strip() == "trusted"
        return None if trusted and not observed.triggered else Change("take over the site's CA", refresh)

    probe = f"if grep -qsF -e {quote(mark)} {quote(bundle)}; then echo trusted; fi"
    return Operation("trust store", probe, decide, triggered_by=(anchor,), deadline=180)
