"""The site's certificate authority among those that a server trusts (spec setup-hosts.md TLS-5).

`base` does this first of all, since a proxy that opens TLS may stand before the package mirrors; `tls-certificate` makes sure of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509

from hive_nornir.inventory.trust_ledger import fingerprint
from hive_nornir.operations import files, packages
from hive_nornir.operations.core import Change, Observed, Operation, quote
from hive_nornir.tasks.servers.issuer import Issuer, pem_of, site_issuer

if TYPE_CHECKING:
    from hive_nornir.tasks.os_model import TrustStore
    from hive_nornir.tasks.role import Target

__all__ = ["TrustAnchor", "trust_anchor"]


@dataclass(frozen=True)
class TrustAnchor:
    """What makes a server trust the site.

    :param operations: in their order.
    :param changed: the reason for a restart of programs that read the trust store only when they start, like Docker.
    :param notices: what the operator has to know.
    """

    operations: tuple[Operation, ...]
    changed: Operation
    notices: list[Operation]
    _issuer: Issuer
    _accepted: list[x509.Certificate]

    def note(self) -> None:
        """Remember on the mother that the operations were done, so that other servers may show certificates of the present CA (L-17)."""
        self._issuer.note_accepted(self._accepted)


def trust_anchor(host: Target) -> TrustAnchor:
    """Make the site's CA a trusted anchor of the operating system's store (TLS-5), and beside it former ones that are in use (L-17).

    :raises HiveError: the site has no CA yet.
    """
    issuer = site_issuer(host)
    accepted = issuer.accepted
    store = host.os.ca
    anchor = files.content(store.anchor_of(host.site.hive_name), pem_of(accepted[:1]), mode=0o644)
    former = _former(store, host.site.hive_name, accepted[1:])
    installed = packages.present(host.os.manager, host.os.packages.ca)
    operations = (installed, anchor, former, _refreshed(store, accepted, anchor, former))
    return TrustAnchor(operations, anchor, issuer.replacement("the site's CA"), issuer, accepted)


def _former(store: TrustStore, hive_name: str, certificates: list[x509.Certificate]) -> Operation:
    """Former CAs in a file each (a trust store reads one certificate a file); files of others go."""
    texts = {store.former_anchor_of(hive_name, fingerprint(certificate)): pem_of([certificate]) for certificate in certificates}
    wanted = {path: hashlib.sha256(text).hexdigest() for path, text in texts.items()}
    before, _, after = store.former_anchor_of(hive_name, "*").partition("*")

    def decide(seen: Observed) -> Change | None:
        present = {path: checksum for checksum, _, path in (line.partition("  ") for line in seen.text.splitlines())}
        add, gone = sorted(wanted.items() - present.items()), sorted(present.keys() - wanted.keys())
        writes = [f"hv_write {quote(path)} 644 root:root <<'E'\n{texts[path].decode()}E" for path, _ in add]
        if not add and not gone:
            return None
        diff = "\n".join([*(f"- {path}" for path in gone), *(f"+ {path}" for path, _ in add)])
        return Change("those in use", "\n".join([*writes, *(f"rm -f -- {quote(path)}" for path in gone)]), diff)

    probe = f'for hv_f in {quote(before)}*{quote(after)}; do [ ! -f "$hv_f" ] || sha256sum -- "$hv_f"; done'
    return Operation("former CAs of the site", probe, decide)


def _refreshed(store: TrustStore, accepted: list[x509.Certificate], *anchors: Operation) -> Operation:
    def decide(observed: Observed) -> Change | None:
        trusted = observed.text.strip() == "trusted"
        return None if trusted and not observed.triggered else Change("take over the site's CA", store.refresh)

    tests = " && ".join(f"grep -qsF -e {quote(_mark(certificate))} {quote(store.bundle)}" for certificate in accepted)
    return Operation("trust store", f"if {tests}; then echo trusted; fi", decide, triggered_by=anchors, deadline=180)


def _mark(certificate: x509.Certificate) -> str:
    """A line that no other certificate has, the end of its signature; the bundle holds each with the same line breaks."""
    return pem_of([certificate]).decode().split("-----END")[0].split()[-2]
