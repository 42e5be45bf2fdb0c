"""When a server's certificate has to be issued anew (spec setup-hosts.md TLS-4). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

from cryptography import x509
from cryptography.exceptions import InvalidSignature

__all__ = ["reason_to_issue"]


def reason_to_issue(
    certificate: str, request: str, ca: x509.Certificate, dns: Sequence[str], ips: Sequence[str], now: datetime | None = None
) -> str:
    """Why a certificate has to be issued, in plain words; "" while the present one serves.

    :param certificate: the present one, PEM; "" without one.
    :param request: the signing request, PEM; "" while it is still to be made.
    :param ca: who has to have signed it.
    :param dns: the names that it has to carry, `ips` the addresses; in any order.
    :param now: with a time zone; the present time when not given.
    """
    if not certificate:
        return "there is none"
    try:
        present = x509.load_pem_x509_certificate(certificate.encode())
        if not request or present.public_key() != x509.load_pem_x509_csr(request.encode()).public_key():
            return "the key changed"
        present.verify_directly_issued_by(ca)
    except ValueError:
        return "the present one cannot be read, or is from another authority"
    except (InvalidSignature, TypeError):
        return "the site's CA changed"
    if _names(present) != {*dns, *ips}:
        return f"it has to be for {', '.join((*dns, *ips))}"
    left = present.not_valid_after_utc - (now or datetime.now(timezone.utc))
    # By thirds, so that a renewal may fail for months before anybody notices it the hard way.
    if left < (present.not_valid_after_utc - present.not_valid_before_utc) / 3:
        return f"the present one expires on {present.not_valid_after_utc:%Y-%m-%d}"
    return ""


def _names(certificate: x509.Certificate) -> set[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {*names.get_values_for_type(x509.DNSName), *(str(address) for address in names.get_values_for_type(x509.IPAddress))}
