"""A certificate authority of the site (spec build-infra.md 9): made, imported, kept in two files, and what it signs.

`authorities` says which ones there are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hive_nornir.errors import HiveError
from hive_nornir.inventory.atomic import atomic_write
from hive_nornir.inventory.ca_files import CAKey, authority, pem_block, private_key, subject
from hive_nornir.inventory.leaf import LONGEST_CN, Leaf, components, key_usage, requested_key

__all__ = ["CA_DAYS", "SiteCA"]

CA_DAYS = 3650
# A server whose clock is a little behind must accept a new certificate too.
_SKEW = timedelta(minutes=5)


@dataclass(frozen=True)
class SiteCA:
    """A certificate authority with its key; threads may share one.

    :param name: the hive's name.
    :param certificate: its own, self-signed unless it was imported or is an intermediate.
    :param intermediate: another authority of the site vouches for it, so its certificate goes with everything that it signs.
    """

    name: str
    certificate: x509.Certificate
    read_key: Callable[[], CAKey] = field(repr=False)
    intermediate: bool = False
    _signing: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @cached_property
    def key(self) -> CAKey:
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
            ca = cls._read(name, pem_block(imported_cert), pem_block(imported_key), "hive_ca_cert and hive_ca_key")
            ca.key  # noqa: B018 - a pair that does not match is refused before anything is written
            if not cert_file.exists() or cert_file.read_bytes() != ca.certificate_pem or not key_file.exists():
                ca._write(folder)
            return ca
        if cert_file.exists():
            return cls.load(folder, name)
        return cls.create(folder, name, days=days, prefix=subject(sub_prefix))

    @classmethod
    def load(cls, folder: Path, name: str, *, intermediate: bool = False) -> SiteCA:
        """The authority that is in a folder.

        :raises HiveError: a file is missing or unreadable, or it is no authority or no longer valid.
        """
        cert_file, key_file = folder / "cacert.pem", folder / "cakey.pem"
        if not key_file.exists():
            raise HiveError(
                f"{cert_file} has no {key_file.name} beside it", "bring it back, or remove the certificate to get a new authority"
            )
        return cls._read(name, cert_file.read_bytes(), key_file.read_bytes(), str(folder), ours=True, intermediate=intermediate)

    @classmethod
    def create(
        cls,
        folder: Path,
        name: str,
        *,
        label: str = "ca",
        days: int = CA_DAYS,
        prefix: list[x509.NameAttribute[str]] | None = None,
        for_clients: bool = False,
        issuer: SiteCA | None = None,
    ) -> SiteCA:
        """A new authority, RSA of 4096 bits, in a folder; one that is there is replaced.

        :param label: what it is called beside the hive's name: its CN is `<label>.<name>`.
        :param prefix: what its subject begins with; the labels of the name as DC when empty.
        :param for_clients: whatever it signs is good for clients only.
        :param issuer: the authority that vouches for it; it may sign no further authority then, and ends with its issuer.
        """
        key = rsa.generate_private_key(public_exponent=65537, key_size=4096)
        own_name = x509.Name([*(prefix or components(name)), x509.NameAttribute(NameOID.COMMON_NAME, f"{label}.{name}"[:LONGEST_CN])])
        builder = _builder(own_name, issuer.certificate.subject if issuer else own_name, key.public_key(), days, issuer)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0 if issuer else None), critical=True)
        builder = builder.add_extension(key_usage(sign_certificates=True), critical=True)
        if for_clients:
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        certificate = issuer._signed(builder) if issuer else builder.sign(key, hashes.SHA256())
        ca = cls(name, certificate, lambda: key, intermediate=issuer is not None)
        ca._write(folder)
        return ca

    @property
    def certificate_pem(self) -> bytes:
        """The authority's certificate, for the servers' trust stores."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def sign(self, csr_pem: bytes, leaf: Leaf) -> bytes:
        """A certificate for the key of a request (spec setup-hosts.md TLS-3); signing is one at a time.

        Nothing but the public key is taken from the request: a server must not be able to ask for another one's name.

        :param csr_pem: request that the server made, PEM.
        :param leaf: what the certificate says; it is never valid for longer than the authority itself.
        :returns: certificate, PEM; an intermediate authority's own follows it, for whoever knows only the one above.
        :raises HiveError: the request is broken, or not signed with the key that it asks for, or that key is too weak.
        """
        public_key = requested_key(csr_pem, leaf.name)
        builder = (
            _builder(leaf.subject(self.name), self.certificate.subject, public_key, leaf.days, self)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage(encipher=isinstance(public_key, rsa.RSAPublicKey)), critical=True)
            .add_extension(leaf.purposes(), critical=False)
            .add_extension(leaf.alternative_names(), critical=False)
        )
        pem = self._signed(builder).public_bytes(serialization.Encoding.PEM)
        return pem + self.certificate_pem if self.intermediate else pem

    def _signed(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        with self._signing:
            return builder.add_extension(self._key_identifier(), critical=False).sign(self.key, hashes.SHA256())

    @classmethod
    def _read(cls, name: str, cert_pem: bytes, key_pem: bytes, where: str, *, ours: bool = False, intermediate: bool = False) -> SiteCA:
        certificate = authority(cert_pem, where)
        return cls(name, certificate, lambda: private_key(key_pem, certificate, where, ours=ours), intermediate)

    def _write(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        # As long as there is no certificate there is no authority, and an interrupted run begins anew.
        (folder / "cacert.pem").unlink(missing_ok=True)
        form = serialization.PrivateFormat.PKCS8
        atomic_write(folder / "cakey.pem", self.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()), 0o600)
        atomic_write(folder / "cacert.pem", self.certificate_pem, 0o644)

    def _key_identifier(self) -> x509.AuthorityKeyIdentifier:
        try:
            own = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        except x509.ExtensionNotFound:
            return x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, days: int, ends_with: SiteCA | None
) -> x509.CertificateBuilder:
    """What all certificates have in common.

    :param ends_with: the authority that the certificate must not outlive.
    """
    now = datetime.now(timezone.utc)
    end = now + timedelta(days=days)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(min(end, ends_with.certificate.not_valid_after_utc) if ends_with else end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
