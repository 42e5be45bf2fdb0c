"""The key, the signing request and the certificate of a server: operations on their files, and what these show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from hive_nornir.operations.core import Change, Observed, Operation, quote
from hive_nornir.operations.script import pending_mark

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

    from hive_nornir.tasks.os_model import Tls

__all__ = ["CertificateFiles", "pem_in"]

KEY_BITS = 4096
_RESTART_DUE = "restart due"


class CertificateFiles:
    """The three files of one server (spec setup-hosts.md 3.3).

    :param tls: the distribution's folders.
    :param name: what the files are called after: the inventory name, or `shared-repository`.
    :param domain: the hive's name; its labels are the DC parts of the subject (TLS-2).
    """

    def __init__(self, tls: Tls, name: str, domain: str) -> None:
        self.key_file, self.request_file, self.certificate_file = tls.key(name), tls.request(name), tls.certificate(name)
        labels = "".join(f"/DC={label}" for label in reversed(domain.split(".")))
        # A longer CN than 64 characters is no X.520 name (RFC 5280, ub-common-name); the certificate has the name as an SAN.
        self.subject = f"{labels}/CN={name}" if len(name) <= 64 else labels

    def key_pair(self) -> Operation:
        """The private key, RSA of 4096 bits, made on the host, 0600 and root's (TLS-2). Only its public half is ever read."""
        path = quote(self.key_file)
        make = f"openssl genrsa {KEY_BITS} 2>/dev/null | hv_write {path} 600 root:root 'openssl pkey -noout -in \"$hv_v\"'"

        def decide(seen: Observed) -> Change | None:
            key = _public_key(pem_in(seen.text, "PUBLIC KEY"))
            if isinstance(key, rsa.RSAPublicKey) and key.key_size >= KEY_BITS:
                return _rights(seen.text, self.key_file, "600")
            weak = "" if key is None else ", since the present one is weaker"
            return Change(f"make an RSA key of {KEY_BITS} bits{weak}", make)

        return Operation(f"key {self.key_file}", f"{_stat(path)}\n{_show_public_key(path)}", decide)

    def request(self, key: Operation) -> Operation:
        """The signing request for the key (TLS-2); its text stays on the host for whoever signs."""
        path = quote(self.request_file)
        ask = (
            f"openssl req -new -sha256 -key {quote(self.key_file)} -subj {quote(self.subject)} |\n"
            f"hv_write {path} 644 root:root 'openssl req -noout -in \"$hv_v\"'"
        )

        def decide(seen: Observed) -> Change | None:
            fits = _fits(pem_in(seen.text, "CERTIFICATE REQUEST"), pem_in(seen.text, "PUBLIC KEY"))
            return None if fits and not seen.triggered else Change("ask for a certificate", ask)

        probe = f"cat {path} 2>/dev/null\n{_show_public_key(quote(self.key_file))}"
        return Operation(f"request {self.request_file}", probe, decide, triggered_by=(key,))

    def look(self, restart: Operation) -> Operation:
        """The certificate as it is, readable for everyone; and whether an interrupted run still owes a restart."""
        path = quote(self.certificate_file)
        probe = f"{_stat(path)}\ncat {path} 2>/dev/null\n[ ! -e {pending_mark(restart)} ] || echo {_RESTART_DUE}"

        def decide(seen: Observed) -> Change | None:
            return _rights(seen.text, self.certificate_file, "644") if pem_in(seen.text, "CERTIFICATE") else None

        return Operation(f"look at {self.certificate_file}", probe, decide)

    def certificate(self, pem: str, reason: str) -> Operation:
        """The certificate, 0644 (TLS-3).

        :param pem: "" in a plan, in which nothing is signed.
        :param reason: why it is issued.
        """
        path = quote(self.certificate_file)

        def decide(seen: Observed) -> Change | None:
            if pem and pem_in(seen.text, "CERTIFICATE") == pem.strip():
                return None
            return Change(f"issue: {reason}", f"hv_write {path} 644 root:root <<'E'\n{pem.strip()}\nE")

        return Operation(f"certificate {self.certificate_file}", f"cat {path} 2>/dev/null", decide)


def restart_is_due(looked: Observed | None) -> bool:
    """Whether an earlier run installed a certificate and was interrupted before the restart."""
    return looked is not None and looked.text.rstrip().endswith(_RESTART_DUE)


def pem_in(text: str, kind: str) -> str:
    """The first PEM block of a kind in a text, "" without one."""
    found = re.search(rf"-----BEGIN {kind}-----\n.*?-----END {kind}-----", text, re.DOTALL)
    return found[0] if found else ""


def _stat(quoted: str) -> str:
    return f"stat -c '%a %u:%g' -- {quoted} 2>/dev/null || echo absent"


def _show_public_key(quoted: str) -> str:
    return f"openssl pkey -pubout -in {quoted} </dev/null 2>/dev/null"


def _rights(text: str, path: str, mode: str) -> Change | None:
    before, wanted = text.split("\n", 1)[0], f"{mode} 0:0"
    if before == wanted:
        return None
    return Change(f"rights {before} -> {wanted}", f"chown 0:0 -- {quote(path)}\nchmod {mode} -- {quote(path)}", f"- {before}\n+ {wanted}")


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
