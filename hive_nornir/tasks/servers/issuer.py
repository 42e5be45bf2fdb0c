"""An authority of the site as the roles on one host use it: whom the host has to accept, and when it needs another certificate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from hive_nornir.errors import HiveError
from hive_nornir.inventory.authorities import Authorities
from hive_nornir.operations.core import Operation
from hive_nornir.tasks.servers.certificate_validity import reason_to_issue

if TYPE_CHECKING:
    from hive_nornir.inventory.ca import SiteCA
    from hive_nornir.inventory.leaf import Leaf
    from hive_nornir.inventory.trust_ledger import TrustLedger
    from hive_nornir.tasks.role import Target

__all__ = ["Issuer", "api_client_issuer", "pem_of", "site_issuer"]


@dataclass(frozen=True)
class Issuer:
    """An authority, and what is known of it among the servers. In a dry run it signs nothing and notes nothing.

    :param host: the host's name.
    :param ca: None in a dry run for a site that has none yet.
    :param ledger: None without an authority.
    """

    host: str
    check: bool
    ca: SiteCA | None
    ledger: TrustLedger | None

    @property
    def accepted(self) -> list[x509.Certificate]:
        """The authorities that the host has to accept: the present one first, then former ones that are still in use (L-17)."""
        return self.ledger.accepted() if self.ledger else []

    def replacement(self, what: str) -> list[Operation]:
        """What the operator has to know while a former authority is still accepted: one operation, or none.

        :param what: the authority, in plain words.
        """
        notice = f"{what} is being replaced; run setup-hosts on all servers until this is no longer said"
        return [Operation(notice, ":", lambda _seen: None, notice=True)] if len(self.accepted) > 1 else []

    def reason(self, present: str, request: str, leaf: Leaf) -> str:
        """Why the host needs another certificate, in plain words; "" while the present one serves.

        :param present: the present one, PEM; "" without one.
        :param request: the signing request, PEM; "" while it is still to be made.
        """
        return reason_to_issue(present, request, self.ledger.issuers(self.host) if self.ledger else [], leaf)

    def sign(self, request: str, leaf: Leaf) -> str:
        """The certificate for a request, PEM.

        :raises HiveError: the request is no use.
        """
        if self.check or self.ca is None:
            raise HiveError(f"{self.host}: nothing is signed in a dry run")
        return self.ca.sign(request.encode(), leaf).decode()

    def note_accepted(self, certificates: list[x509.Certificate]) -> None:
        """The host was seen to accept these authorities, and no others of the site."""
        if self.ledger and not self.check:
            self.ledger.note_accepted(self.host, certificates)

    def note_leaf(self, what: str, certificate: str) -> None:
        """The host was seen to have a certificate.

        :param what: which one: its file.
        :param certificate: PEM.
        """
        if self.ledger and not self.check:
            self.ledger.note_leaf(self.host, what, x509.load_pem_x509_certificate(certificate.encode()))


def site_issuer(host: Target) -> Issuer:
    """The authority that signs for servers, and that all servers trust.

    :raises HiveError: the site has none yet.
    """
    authorities = _authorities(host)
    ca = authorities.site()
    return Issuer(host.name, host.check, ca, authorities.trust_in(ca, "site", host.site.servers))


def api_client_issuer(host: Target) -> Issuer:
    """The authority that signs for those who may use Docker's API; made if the site has none yet, but not in a dry run (P-10)."""
    authorities = _authorities(host)
    ca = authorities.api_clients(create=not host.check)
    return Issuer(host.name, host.check, ca, authorities.trust_in(ca, "api-client", host.site.servers) if ca else None)


def pem_of(certificates: list[x509.Certificate]) -> bytes:
    """Certificates one after the other, as a file for programs that verify."""
    return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in certificates)


def _authorities(host: Target) -> Authorities:
    return Authorities(host.site.context.context_dir, host.site.hive_name)
