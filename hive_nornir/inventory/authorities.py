"""The certificate authorities of a stage, one for each purpose (spec setup-hosts.md P-10).

In the stage's folder, `ca/` is the site's own, in hive-builder's files: it signs the servers' certificates, and all servers trust it.
`ca/api-client/` signs those who may use Docker's API, `ca/application/` the certificates of services. `trust_ledger` keeps `trust/`.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from hive_nornir.errors import HiveError
from hive_nornir.inventory.ca import SiteCA
from hive_nornir.inventory.trust_ledger import TrustLedger, issuer_among

__all__ = ["Authorities"]

_making = threading.Lock()


@dataclass(frozen=True)
class Authorities:
    """A stage's authorities.

    :param context_dir: the stage's folder, `.hive/<stage>`.
    :param name: the hive's name.
    """

    context_dir: Path
    name: str

    def site(self) -> SiteCA:
        """The authority of the servers, which `build-infra` makes or imports: the trust anchor of the site.

        :raises HiveError: there is none yet.
        """
        folder = self.context_dir / "ca"
        found = _loaded(folder, self.name)
        if found is None:
            raise HiveError(f"the site has no certificate authority in {folder}", "run build-infra first, it makes one")
        return found

    def api_clients(self, *, create: bool) -> SiteCA | None:
        """The authority of those who may use Docker's API. Nothing else that the site signs opens it.

        :param create: make it when it is not there.
        :returns: None when it is not there and is not to be made.
        """
        folder = self.context_dir / "ca" / "api-client"
        with _making:
            if create and not (folder / "cacert.pem").exists():
                SiteCA.create(folder, self.name, label="api-client-ca", for_clients=True)
            return _loaded(folder, self.name)

    def applications(self, *, create: bool) -> SiteCA | None:
        """The authority that issues the certificates of services.

        The site's own vouches for it, so that they verify against `ca/cacert.pem` as hive-builder's do: what it signs has its certificate
        behind it, and both go into the file that a service presents. When the site's CA changed, it is made anew.

        :param create: make it when it is not there; the site's own must be there then.
        :returns: None when it is not there and is not to be made; the site's own where that may vouch for no other (an imported one).
        """
        folder, site = self.context_dir / "ca" / "application", self.site()
        if site.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0:
            return site
        with _making:
            found = _loaded(folder, self.name, intermediate=True)
            if found and issuer_among([site.certificate], found.certificate):
                return found
            if create:
                SiteCA.create(folder, self.name, label="application-ca", issuer=site)
            return _loaded(folder, self.name, intermediate=True) if create else None

    def trust_in(self, ca: SiteCA, purpose: str, servers: Sequence[str]) -> TrustLedger:
        """What is known of an authority among the servers of the stage.

        :param purpose: `site` or `api-client`.
        """
        return TrustLedger(self.context_dir / "trust" / purpose, ca.certificate, tuple(servers))


def _loaded(folder: Path, name: str, *, intermediate: bool = False) -> SiteCA | None:
    certificate = folder / "cacert.pem"
    return _read(folder, certificate.stat().st_mtime_ns, name, intermediate) if certificate.exists() else None


@functools.lru_cache(maxsize=8)
def _read(folder: Path, modified: int, name: str, intermediate: bool) -> SiteCA:  # noqa: ARG001 - `modified` makes a changed authority a new entry
    return SiteCA.load(folder, name, intermediate=intermediate)
