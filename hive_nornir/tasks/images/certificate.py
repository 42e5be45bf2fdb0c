"""Image role hive-certificate: keys and certificates of the site's application authority (spec images-networks-volumes-services.md 1.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import BaseModel, ConfigDict, Field

from hive_nornir.errors import HiveError
from hive_nornir.inventory.authorities import Authorities
from hive_nornir.inventory.ca import SiteCA
from hive_nornir.inventory.ca_files import subject
from hive_nornir.inventory.leaf import LEAF_DAYS, Leaf
from hive_nornir.inventory.trust_ledger import issuer_among
from hive_nornir.operations import files
from hive_nornir.operations._states import absolute
from hive_nornir.operations.core import Change, Observed, Operation, quote
from hive_nornir.tasks.role import Target, Variables, role
from hive_nornir.tasks.servers.certificate_files import KEY_BITS, pem_in

__all__ = ["CertificateVariables", "hive_certificate", "reason_to_renew", "renewal_period"]


class CertificateEntry(BaseModel):
    """A certificate that the image needs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    certificate_fqdn: str
    ca_valid_in: int = Field(LEAF_DAYS, ge=1)
    sub_prefix: str = ""
    cert_dest: str
    key_dest: str


class CertificateVariables(Variables):
    """What hive-certificate reads."""

    certificates: list[CertificateEntry] = Field(
        [], description="certificate_fqdn, cert_dest, key_dest, and if wanted ca_valid_in (days) and sub_prefix of each certificate."
    )


def _given(v: CertificateVariables) -> bool:
    return bool(v.certificates)


@role(when=_given, condition="certificates is given")
def hive_certificate(host: Target, v: CertificateVariables) -> list[Operation]:
    """Put keys and certificates, signed by the site, into the image, for servers and clients.

    Each is renewed, and the image built anew, when two thirds of its lifetime are over. Its key is made here and is in the image alone, so
    whoever may pull the image has it.
    """
    ca = Authorities(host.site.context.context_dir, host.site.hive_name).applications(create=not host.check)
    return [operation for entry in v.certificates for operation in _certificate(entry, ca, check=host.check)]


def renewal_period(variables: Mapping[str, Any], now: float) -> list[int]:
    """A number for each certificate that changes when two thirds of its lifetime are over, whenever it was issued.

    :param variables: of the image.
    :param now: seconds since 1970.
    """
    entries = variables.get("certificates") or []
    return [int(now // (int(entry.get("ca_valid_in", LEAF_DAYS)) * 86400 * 2 / 3)) for entry in entries]


@dataclass(frozen=True)
class _ApplicationLeaf(Leaf):
    prefix: str = ""

    def subject(self, domain: str) -> x509.Name:
        """As the entry's `sub_prefix` wants it."""
        plain = super().subject(domain)
        return x509.Name([*subject(self.prefix), *list(plain)[-1:]]) if self.prefix else plain


def _certificate(entry: CertificateEntry, ca: SiteCA | None, *, check: bool) -> list[Operation]:
    leaf = _ApplicationLeaf(entry.certificate_fqdn, dns=(entry.certificate_fqdn,), days=entry.ca_valid_in, prefix=entry.sub_prefix)
    cert, key = quote(absolute(entry.cert_dest)), quote(absolute(entry.key_dest))
    folders = " ".join(dict.fromkeys(quote(path.rpartition("/")[0] or "/") for path in (entry.cert_dest, entry.key_dest)))

    def decide(seen: Observed) -> Change | None:
        reason = reason_to_renew(seen.text, ca, leaf)
        if not reason:
            return None
        if check or ca is None:
            return Change(f"issue: {reason}", "false")
        made_key, made = _issued(ca, leaf)
        write = (
            f"mkdir -p -- {folders}\nhv_write {key} 600 0:0 <<'E'\n{made_key.strip()}\nE\nhv_write {cert} 644 0:0 <<'E'\n{made.strip()}\nE"
        )
        return Change(f"issue: {reason}", write)

    probe = f"[ ! -s {key} ] || echo key\ncat {cert} 2>/dev/null || :"
    rights = [files.rights(entry.key_dest, mode=0o600), files.rights(entry.cert_dest, mode=0o644)]
    return [Operation(f"certificate {entry.cert_dest}", probe, decide), *rights]


def reason_to_renew(printed: str, ca: SiteCA | None, leaf: Leaf, now: datetime | None = None) -> str:
    """Why a key and its certificate have to be made, in plain words; "" while the present ones serve.

    :param printed: `key` if there is a key, and the certificate, PEM.
    :param ca: None for an authority that is still to be made.
    """
    pem = pem_in(printed, "CERTIFICATE")
    if not pem or not printed.startswith("key\n"):
        return "there is none"
    try:
        present = x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        return "the present one cannot be read"
    if ca is None or issuer_among([ca.certificate], present) is None:
        return "the site's authority changed"
    if not leaf.is_said_by(present):
        return f"it has to be for {', '.join(leaf.names)}"
    left = present.not_valid_after_utc - (now or datetime.now(timezone.utc))
    if left < (present.not_valid_after_utc - present.not_valid_before_utc) / 3:
        return f"the present one expires on {present.not_valid_after_utc:%Y-%m-%d}"
    return ""


def _issued(ca: SiteCA, leaf: Leaf) -> tuple[str, str]:
    """A new key and its certificate, PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    request = x509.CertificateSigningRequestBuilder().subject_name(leaf.subject(ca.name)).sign(key, hashes.SHA256())
    form = serialization.PrivateFormat.PKCS8
    text = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    try:
        return text, ca.sign(request.public_bytes(serialization.Encoding.PEM), leaf).decode()
    except ValueError as error:
        raise HiveError(f"no certificate can be issued for {leaf.name}: {error}") from error
