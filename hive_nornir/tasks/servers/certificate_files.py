"""A key made on a host, its signing request, and the certificate that an authority of the site issues for it.

The operations are the same for every certificate of the site: the server's own, and those of clients of Docker's API.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from hive_nornir.inventory.leaf import LEAF_DAYS, Leaf
from hive_nornir.operations import files as host_files
from hive_nornir.operations.core import Change, Observed, Operation, quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

    from hive_nornir.operations.core import Outcome
    from hive_nornir.tasks.os_model import Tls
    from hive_nornir.tasks.servers.issuer import Issuer

__all__ = ["CertificateFiles", "IssuedCertificate", "issued_certificate"]

KEY_BITS = 4096


@dataclass(frozen=True)
class CertificateFiles:
    """Where a certificate's three files are; their folders exist.

    :param owner: of key and certificate, and their `group`; the request is root's.
    :param mode: of the certificate; the key is always 0600.
    """

    key: str
    request: str
    certificate: str
    owner: str = "root"
    group: str = "root"
    mode: int = 0o644

    @classmethod
    def of_server(cls, tls: Tls, name: str, owner: str = "root", group: str = "root") -> CertificateFiles:
        """Those in the distribution's folder of TLS (spec setup-hosts.md 3.3), which the role tls-certificate makes.

        :param name: what they are called after: the inventory name, or what another program's are for.
        """
        return cls(tls.key(name), tls.request(name), tls.certificate(name), owner, group)


@dataclass(frozen=True)
class IssuedCertificate:
    """The operations that make and renew a certificate::

        outcomes = yield [*certificate.operations, services.running(unit, restart_on=[certificate.installed])]
        certificate.note(outcomes)

    :param operations: in their order.
    :param installed: the one that changes when there is a new certificate: the reason for a restart of whoever presents it.
    """

    operations: tuple[Operation, ...]
    installed: Operation
    _issuer: Issuer
    _file: str

    def note(self, outcomes: Mapping[Operation, Outcome]) -> None:
        """Remember on the mother what the host has now, so that a former authority stays trusted as long as it has to (L-17)."""
        seen = outcomes[self.installed].observed
        self._issuer.note_leaf(self._file, pem_in(seen.text if seen else "", "CERTIFICATE"))


def issued_certificate(issuer: Issuer, files: CertificateFiles, leaf: Leaf, domain: str) -> IssuedCertificate:
    """A certificate of one of the site's authorities, for a key that is made on the host and never leaves it (TLS-2 to TLS-4).

    It is issued when there is none, when the key, what it says or the authority changed, and when less than a third of its lifetime is
    left. A plan says so, and makes nothing.

    :param domain: the hive's name: what the request's subject begins with.
    """
    key = _key(files)
    request = _request(files, leaf, domain, key)
    installed = _certificate(issuer, files, leaf, request)
    rights = (
        host_files.rights(files.key, mode=0o600, owner=files.owner, group=files.group),
        host_files.rights(files.certificate, mode=files.mode, owner=files.owner, group=files.group),
    )
    return IssuedCertificate((key, request, *rights, installed), installed, issuer, files.certificate)


def _key(files: CertificateFiles) -> Operation:
    """The private key, 0600. Only its public half is ever read."""
    path, owners = quote(files.key), quote(f"{files.owner}:{files.group}")
    make = f"openssl genrsa {KEY_BITS} 2>/dev/null | hv_write {path} 600 {owners} 'openssl pkey -noout -in \"$hv_v\"'"

    def decide(seen: Observed) -> Change | None:
        key = _public_key(pem_in(seen.text, "PUBLIC KEY"))
        if isinstance(key, rsa.RSAPublicKey) and key.key_size >= KEY_BITS:
            return None
        weak = "" if key is None else ", since the present one is weaker"
        return Change(f"make an RSA key of {KEY_BITS} bits{weak}", make)

    return Operation(f"key {files.key}", _show_public_key(path), decide)


def _request(files: CertificateFiles, leaf: Leaf, domain: str, key: Operation) -> Operation:
    """The signing request for the key; its text stays on the host for whoever signs."""
    path = quote(files.request)
    # A longer CN than 64 characters is no X.520 name (RFC 5280, ub-common-name); the certificate has the name as an SAN.
    subject = "".join(f"/DC={label}" for label in reversed(domain.split("."))) + (f"/CN={leaf.cn}" if leaf.cn else "")
    ask = (
        f"openssl req -new -sha256 -key {quote(files.key)} -subj {quote(subject)} |\n"
        f"hv_write {path} 644 root:root 'openssl req -noout -in \"$hv_v\"'"
    )

    def decide(seen: Observed) -> Change | None:
        fits = _fits(pem_in(seen.text, "CERTIFICATE REQUEST"), pem_in(seen.text, "PUBLIC KEY"))
        return None if fits and not seen.triggered else Change("ask for a certificate", ask)

    probe = f"cat {path} 2>/dev/null\n{_show_public_key(quote(files.key))}"
    return Operation(f"request {files.request}", probe, decide, triggered_by=(key,), rewrites=files.request)


def _certificate(issuer: Issuer, files: CertificateFiles, leaf: Leaf, request: Operation) -> Operation:
    path, owners = quote(files.certificate), quote(f"{files.owner}:{files.group}")
    # P-20: an overlong lifetime is honoured, and not in silence.
    overlong = f", for {leaf.days} days as hive_valid_in says, where {LEAF_DAYS} are the most that others accept"
    remark = overlong if leaf.days > LEAF_DAYS else ""

    def decide(seen: Observed) -> Change | None:
        asked = pem_in(seen.text, "CERTIFICATE REQUEST")
        reason = issuer.reason(pem_in(seen.text, "CERTIFICATE"), "" if seen.triggered else asked, leaf)
        if not reason:
            return None
        if issuer.check:
            return Change(f"issue: {reason}{remark}", "false")
        return Change(f"issue: {reason}{remark}", f"hv_write {path} {files.mode:o} {owners} <<'E'\n{issuer.sign(asked, leaf).strip()}\nE")

    probe = f"cat {path} {quote(files.request)} 2>/dev/null"
    # `rewrites`: a request that is made in the same run has to be read before it can be signed.
    return Operation(f"certificate {files.certificate}", probe, decide, triggered_by=(request,), rewrites=files.request)


def pem_in(text: str, kind: str) -> str:
    """The first PEM block of a kind in a text, "" without one."""
    found = re.search(rf"-----BEGIN {kind}-----\n.*?-----END {kind}-----", text, re.DOTALL)
    return found[0] if found else ""


def _show_public_key(quoted: str) -> str:
    # A link might lead to somebody else's key.
    return f"[ -L {quoted} ] || openssl pkey -pubout -in {quoted} </dev/null 2>/dev/null"


def _public_key(pem: str) -> PublicKeyTypes | None:
    try:
        return serialization.load_pem_public_key(pem.encode()) if pem else None
    except ValueError:
        return None


def _fits(request: str, key: str) -> bool:
    """Whether a request asks for a certificate for the key."""
    try:
        return bool(request) and x509.load_pem_x509_csr(request.encode()).public_key() == _public_key(key)
    except ValueError:
        return False
