"""What an authority is read from: its two files, or the variables that a site may give instead (spec build-infra.md 9)."""

from __future__ import annotations

import textwrap
from datetime import datetime, timezone

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from hive_nornir.errors import HiveError

__all__ = ["CAKey", "authority", "pem_block", "private_key", "subject"]

CAKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_SUBJECT = {
    "C": NameOID.COUNTRY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "L": NameOID.LOCALITY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "DC": NameOID.DOMAIN_COMPONENT,
    "CN": NameOID.COMMON_NAME,
}


def authority(pem: bytes, where: str) -> x509.Certificate:
    """The certificate of an authority.

    :param where: it comes from, for messages.
    :raises HiveError: it is none, or no longer valid.
    """
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise HiveError(f"{where}: not a PEM certificate: {error}") from error
    try:
        is_authority = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_authority = False
    if not is_authority:
        raise HiveError(f"{where}: the certificate is not one of an authority (basicConstraints CA:TRUE)")
    if certificate.not_valid_after_utc <= datetime.now(timezone.utc):
        raise HiveError(
            f"{where}: the certificate expired on {certificate.not_valid_after_utc:%Y-%m-%d}",
            "import another, or remove it to get a new one",
        )
    return certificate


def private_key(pem: bytes, certificate: x509.Certificate, where: str, *, ours: bool) -> CAKey:
    """The key of a certificate.

    :param ours: we made or checked it before: the arithmetic of its primes is not checked again.
    """
    try:
        key = serialization.load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=ours)
    except (ValueError, TypeError) as error:
        raise HiveError(f"{where}: not an unencrypted PEM key: {error}") from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise HiveError(f"{where}: the key is neither RSA nor EC")
    if key.public_key() != certificate.public_key():
        raise HiveError(f"{where}: the key does not belong to the certificate")
    return key


def subject(prefix: str) -> list[x509.NameAttribute[str]]:
    """Read a subject as openssl writes it, `/C=JP/O=Example`."""
    attributes = []
    for part in filter(None, prefix.split("/")):
        kind, equals, value = part.partition("=")
        if not equals or not value or kind not in _SUBJECT:
            raise HiveError(f"hive_sub_prefix: cannot read {part!r}", f"it looks like /C=JP/O=Example; known: {', '.join(_SUBJECT)}")
        try:
            attributes.append(x509.NameAttribute(_SUBJECT[kind], value))
        except ValueError as error:
            raise HiveError(f"hive_sub_prefix: {part!r}: {error}") from error
    return attributes


def pem_block(text: str) -> bytes:
    """An imported PEM block: in YAML the whole block may be indented."""
    return (textwrap.dedent(text).strip() + "\n").encode()
