"""What the site's authorities certify: names, addresses and what a certificate is good for."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from hive_nornir.errors import HiveError

__all__ = ["LEAF_DAYS", "LONGEST_CN", "Leaf", "Usage", "components", "key_usage", "requested_key"]

# The most that others accept (CA/Browser Forum, Baseline Requirements 6.3.2).
LEAF_DAYS = 397
# RFC 5280, ub-common-name.
LONGEST_CN = 64

Usage = Literal["server", "client"]
_OIDS: dict[Usage, ObjectIdentifier] = {"client": ExtendedKeyUsageOID.CLIENT_AUTH, "server": ExtendedKeyUsageOID.SERVER_AUTH}


@dataclass(frozen=True)
class Leaf:
    """What a certificate is to say, beside the key that it is for.

    :param name: whose it is, in plain words and as the CN: `p-hive0.example`, `admin@p-hive0.example`.
    :param dns: a server's names, `ips` its addresses.
    :param emails: whom it names that is no server, `admin@p-hive0.example`.
    :param usages: what it is good for.
    :param days: how long it is valid.
    """

    name: str
    dns: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    usages: tuple[Usage, ...] = ("server", "client")
    days: int = LEAF_DAYS

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that it is for."""
        return (*self.dns, *self.ips, *self.emails)

    @property
    def cn(self) -> str:
        """Its common name; "" when the name is longer than one may be: it stands among the alternative names then."""
        return self.name if len(self.name) <= LONGEST_CN else ""

    def subject(self, domain: str) -> x509.Name:
        """Its subject: the labels of the domain as DC parts, and the CN (TLS-2)."""
        common = [x509.NameAttribute(NameOID.COMMON_NAME, self.cn)] if self.cn else []
        return x509.Name([*components(domain), *common])

    def alternative_names(self) -> x509.SubjectAlternativeName:
        """Its names and addresses, for the certificate."""
        dns, ips = (x509.DNSName(name) for name in self.dns), (x509.IPAddress(ip_address(address)) for address in self.ips)
        return x509.SubjectAlternativeName([*dns, *ips, *(x509.RFC822Name(name) for name in self.emails)])

    def purposes(self) -> x509.ExtendedKeyUsage:
        """What it is good for, for the certificate."""
        return x509.ExtendedKeyUsage([_OIDS[usage] for usage in self.usages])

    def is_said_by(self, certificate: x509.Certificate) -> bool:
        """Whether a certificate says just this."""
        try:
            names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except x509.ExtensionNotFound:
            return False
        return set(names) == set(self.alternative_names()) and set(purposes) == set(self.purposes())


def components(name: str) -> list[x509.NameAttribute[str]]:
    """The labels of a name as DC parts, the top domain first."""
    return [x509.NameAttribute(NameOID.DOMAIN_COMPONENT, label) for label in reversed(name.split(".")) if label]


def key_usage(*, sign_certificates: bool = False, encipher: bool = False) -> x509.KeyUsage:
    """What a key may be used for, beside signatures."""
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


def requested_key(csr_pem: bytes, asker: str) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    """The key that a signing request asks for.

    :param asker: for the message.
    :raises HiveError: the request is broken, or not signed with the key that it asks for, or that key is too weak.
    """
    try:
        request = x509.load_pem_x509_csr(csr_pem)
        valid = request.is_signature_valid
        key = request.public_key()
    except (ValueError, TypeError, InvalidSignature) as error:
        raise HiveError(f"{asker}: its certificate request cannot be read: {error}") from error
    if not valid:
        raise HiveError(f"{asker}: its certificate request is not signed with its own key")
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048:
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= 256:
        return key
    raise HiveError(f"{asker}: the key of its certificate request is too weak", "RSA needs 2048 bits, EC 256")
