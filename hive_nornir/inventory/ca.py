"""The site's certificate authority (spec build-infra.md 9): signs the servers' certificates, is trusted by all of them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hive_nornir.errors import HiveError
from hive_nornir.inventory.atomic import atomic_write

__all__ = ["CA_DAYS", "SiteCA"]

CA_DAYS = 3650
# A server whose clock is a little behind must accept a new certificate too.
_SKEW = timedelta(minutes=5)
# RFC 5280, ub-common-name.
_LONGEST_CN = 64
_SUBJECT = {
    "C": NameOID.COUNTRY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "L": NameOID.LOCALITY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "DC": NameOID.DOMAIN_COMPONENT,
    "CN": NameOID.COMMON_NAME,
}

_Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class SiteCA:
    """A certificate authority with its key. It holds no state, so threads may share one.

    :param name: the hive's name.
    :param certificate: its own, self-signed unless it was imported.
    """

    name: str
    certificate: x509.Certificate
    read_key: Callable[[], _Key] = field(repr=False)

    @cached_property
    def key(self) -> _Key:
        """The private key, read when it is first needed: most runs sign nothing, and reading it takes a second.

        :raises HiveError: it cannot be read, or is not the certificate's.
        """
        return self.read_key()

    @classmethod
    def load_or_create(
        cls, folder: Path, name: str, *, days: int = CA_DAYS, sub_prefix: str = "", imported_cert: str = "", imported_key: str = ""
    ) -> SiteCA:
        """The authority in a folder (`cacert.pem`, `cakey.pem`); made or imported when it is not there, replaced when another is imported.

        :param folder: `<context>/ca`; made 0700 when missing.
        :param name: the hive's name; the authority is called `ca.<name>`.
        :param days: how long a new one is valid (`hive_valid_in`).
        :param sub_prefix: what its subject begins with, `/C=JP/O=Example` (`hive_sub_prefix`); the labels of the name as DC when empty.
        :param imported_cert: PEM text to use instead of a new one (`hive_ca_cert`); goes with `imported_key` (`hive_ca_key`).
        :raises HiveError: a file is missing or unreadable, certificate and key do not match, or it is no authority or no longer valid.
        """
        cert_file, key_file = folder / "cacert.pem", folder / "cakey.pem"
        if bool(imported_cert) != bool(imported_key):
            raise HiveError("hive_ca_cert and hive_ca_key are one pair, and only one of them is given", "give both or neither")
        if imported_cert:
            ca = cls._read(name, _pem(imported_cert), _pem(imported_key), "hive_ca_cert and hive_ca_key")
            ca.key  # noqa: B018 - a pair that does not match is refused before anything is written
            if not cert_file.exists() or cert_file.read_bytes() != ca.certificate_pem or not key_file.exists():
                ca._write(folder)
            return ca
        if cert_file.exists():
            if not key_file.exists():
                raise HiveError(
                    f"{cert_file} has no {key_file.name} beside it", "bring it back, or remove the certificate to get a new authority"
                )
            return cls._read(name, cert_file.read_bytes(), key_file.read_bytes(), str(folder), ours=True)
        ca = cls._generate(name, days, _subject(sub_prefix) or _components(name))
        ca._write(folder)
        return ca

    @property
    def certificate_pem(self) -> bytes:
        """The authority's certificate, for the servers' trust stores."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def sign_server(self, csr_pem: bytes, *, dns: Sequence[str], ips: Sequence[str], days: int) -> bytes:
        """A server's certificate, for its own use as a server and as a client (spec setup-hosts.md TLS-2, TLS-3).

        Nothing but the public key is taken from the request: a server must not be able to ask for another one's name.

        :param csr_pem: request that the server made, PEM.
        :param dns: its names, the inventory name first, which becomes the CN.
        :param ips: its addresses.
        :param days: how long it is valid; never longer than the authority itself.
        :returns: certificate, PEM.
        :raises HiveError: the request is broken, or not signed with the key that it asks for, or that key is too weak.
        """
        public_key = _requested_key(csr_pem, dns[0])
        now = datetime.now(timezone.utc)
        common = [x509.NameAttribute(NameOID.COMMON_NAME, dns[0])] if len(dns[0]) <= _LONGEST_CN else []
        names = [*(x509.DNSName(entry) for entry in dns), *(x509.IPAddress(ip_address(entry)) for entry in ips)]
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([*_components(self.name), *common]))
            .issuer_name(self.certificate.subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SKEW)
            .not_valid_after(min(now + timedelta(days=days), self.certificate.not_valid_after_utc))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(encipher=isinstance(public_key, rsa.RSAPublicKey)), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(self._key_identifier(), critical=False)
        )
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    @classmethod
    def _generate(cls, name: str, days: int, prefix: list[x509.NameAttribute[str]]) -> SiteCA:
        key = rsa.generate_private_key(public_exponent=65537, key_size=4096)
        subject = x509.Name([*prefix, x509.NameAttribute(NameOID.COMMON_NAME, f"ca.{name}"[:_LONGEST_CN])])
        now = datetime.now(timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SKEW)
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(sign_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        return cls(name, builder.sign(key, hashes.SHA256()), lambda: key)

    @classmethod
    def _read(cls, name: str, cert_pem: bytes, key_pem: bytes, where: str, *, ours: bool = False) -> SiteCA:
        try:
            certificate = x509.load_pem_x509_certificate(cert_pem)
        except ValueError as error:
            raise HiveError(f"{where}: not a PEM certificate: {error}") from error
        try:
            authority = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        except x509.ExtensionNotFound:
            authority = False
        if not authority:
            raise HiveError(f"{where}: the certificate is not one of an authority (basicConstraints CA:TRUE)")
        if certificate.not_valid_after_utc <= datetime.now(timezone.utc):
            raise HiveError(
                f"{where}: the certificate expired on {certificate.not_valid_after_utc:%Y-%m-%d}",
                "import another, or remove it to get a new one",
            )
        return cls(name, certificate, lambda: _private_key(key_pem, certificate, where, ours=ours))

    def _write(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        form = serialization.PrivateFormat.PKCS8
        atomic_write(folder / "cakey.pem", self.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()), 0o600)
        # Last: as long as there is no certificate there is no authority, and an interrupted run begins anew.
        atomic_write(folder / "cacert.pem", self.certificate_pem, 0o644)

    def _key_identifier(self) -> x509.AuthorityKeyIdentifier:
        try:
            own = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        except x509.ExtensionNotFound:
            return x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _private_key(pem: bytes, certificate: x509.Certificate, where: str, *, ours: bool) -> _Key:
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


def _requested_key(csr_pem: bytes, server: str) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    try:
        request = x509.load_pem_x509_csr(csr_pem)
        valid = request.is_signature_valid
        key = request.public_key()
    except (ValueError, TypeError, InvalidSignature) as error:
        raise HiveError(f"{server}: its certificate request cannot be read: {error}") from error
    if not valid:
        raise HiveError(f"{server}: its certificate request is not signed with its own key")
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048:
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= 256:
        return key
    raise HiveError(f"{server}: the key of its certificate request is too weak", "RSA needs 2048 bits, EC 256")


def _usage(*, sign_certificates: bool = False, encipher: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        key_encipherment=encipher,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _components(name: str) -> list[x509.NameAttribute[str]]:
    """The labels of a name as DC parts, the top domain first."""
    return [x509.NameAttribute(NameOID.DOMAIN_COMPONENT, label) for label in reversed(name.split(".")) if label]


def _subject(prefix: str) -> list[x509.NameAttribute[str]]:
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


def _pem(text: str) -> bytes:
    """An imported PEM block: in YAML the whole block may be indented."""
    return (textwrap.dedent(text).strip() + "\n").encode()
