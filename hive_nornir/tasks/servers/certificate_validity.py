"""When a certificate has to be issued anew (spec setup-hosts.md TLS-4). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from cryptography import x509

from hive_nornir.inventory.trust_ledger import issuer_among

if TYPE_CHECKING:
    from hive_nornir.inventory.leaf import Leaf

__all__ = ["reason_to_issue"]


def reason_to_issue(certificate: str, request: str, issuers: Sequence[x509.Certificate], leaf: Leaf, now: datetime | None = None) -> str:
    """Why a certificate has to be issued, in plain words; "" while the present one serves.

    :param certificate: the present one, PEM; "" without one.
    :param request: the signing request, PEM; "" while it is still to be made.
    :param issuers: one of them has to have signed it.
    :param leaf: what it has to say.
    :param now: with a time zone; the present time when not given.
    """
    if not certificate:
        return "there is none"
    try:
        present = x509.load_pem_x509_certificate(certificate.encode())
        same_key = bool(request) and present.public_key() == x509.load_pem_x509_csr(request.encode()).public_key()
    except ValueError:
        return "the present one cannot be read"
    if not same_key:
        return "the key changed"
    if issuer_among(issuers, present) is None:
        return "the site's CA changed"
    if not leaf.is_said_by(present):
        return f"it has to be for {', '.join(leaf.names)} as {' and '.join(leaf.usages)}"
    left = present.not_valid_after_utc - (now or datetime.now(timezone.utc))
    # By thirds, so that a renewal may fail for months before anybody notices it the hard way.
    if left < (present.not_valid_after_utc - present.not_valid_before_utc) / 3:
        return f"the present one expires on {present.not_valid_after_utc:%Y-%m-%d}"
    return ""
