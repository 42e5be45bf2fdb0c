"""Which authorities the servers accept, and by which their certificates were issued: how an authority is replaced (spec L-17).

When there is another authority, every server first accepts both; only then do servers get certificates of the new one; and when no
certificate of the old one is in use any more, the old one goes. So each server is at every moment trusted by all others. The mother
remembers what it saw: a folder `anchors` with the certificate of every authority in use, and a file for each server.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization

from hive_nornir.inventory.atomic import atomic_write

__all__ = ["TrustLedger", "fingerprint", "issuer_among"]


@dataclass(frozen=True)
class TrustLedger:
    """What is known of an authority and its predecessors.

    :param folder: where it is kept; made when something is first noted.
    :param current: the present authority's certificate.
    :param servers: of the stage; what is noted of others no longer counts.
    """

    folder: Path
    current: x509.Certificate
    servers: tuple[str, ...]

    def accepted(self) -> list[x509.Certificate]:
        """Whom a server has to accept: the present authority, then former ones of which a certificate may still be in use."""
        former = [certificate for certificate in self._former() if certificate.not_valid_after_utc > datetime.now(timezone.utc)]
        records = [self._record(server) for server in self.servers] if former else []
        return [self.current, *(each for each in former if any(_uses(record, fingerprint(each)) for record in records))]

    def issuers(self, server: str) -> list[x509.Certificate]:
        """Whose certificate serves a server on: the present authority's, and former ones' while another server does not accept the new."""
        accepted = self.accepted()
        mine = fingerprint(self.current)
        others = [self._record(other) for other in self.servers if other != server] if len(accepted) > 1 else []
        lags = any(record["accepts"] and mine not in record["accepts"] for record in others)
        return accepted if lags else [self.current]

    def note_accepted(self, server: str, certificates: Sequence[x509.Certificate]) -> None:
        """A server accepts these authorities, and no others of the stage."""
        record = self._record(server)
        record["accepts"] = [fingerprint(certificate) for certificate in certificates]
        for certificate in certificates:
            self._write(f"anchors/{fingerprint(certificate)}.pem", certificate.public_bytes(serialization.Encoding.PEM))
        self._write(f"servers/{server}.json", _json(record))
        self._forget_unused()

    def note_leaf(self, server: str, what: str, leaf: x509.Certificate) -> None:
        """A program on a server presents this certificate.

        :param what: which one of the server's: its file.
        """
        issuer = issuer_among([self.current, *self._former()], leaf)
        record = self._record(server)
        record["leaves"][what] = {"issuer": fingerprint(issuer) if issuer else "", "until": leaf.not_valid_after_utc.isoformat()}
        self._write(f"servers/{server}.json", _json(record))

    def _former(self) -> Iterator[x509.Certificate]:
        mine = fingerprint(self.current)
        for path in sorted(self.folder.glob("anchors/*.pem")):
            # Another host's thread may have forgotten it just now.
            with contextlib.suppress(FileNotFoundError):
                if path.stem != mine:
                    yield x509.load_pem_x509_certificate(path.read_bytes())

    def _forget_unused(self) -> None:
        """Former authorities that no server accepts any more."""
        former = [fingerprint(certificate) for certificate in self._former()]
        records = [self._record(server) for server in self.servers] if former else []
        for unused in (each for each in former if not any(each in record["accepts"] for record in records)):
            (self.folder / "anchors" / f"{unused}.pem").unlink(missing_ok=True)

    def _record(self, server: str) -> dict[str, Any]:
        path = self.folder / "servers" / f"{server}.json"
        return {"accepts": [], "leaves": {}, **(json.loads(path.read_bytes()) if path.exists() else {})}

    def _write(self, name: str, data: bytes) -> None:
        path = self.folder / name
        if not path.exists() or path.read_bytes() != data:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            atomic_write(path, data, 0o600)


def fingerprint(certificate: x509.Certificate) -> str:
    """What tells an authority from another of the same name: the beginning of its certificate's SHA-256."""
    return certificate.fingerprint(hashes.SHA256()).hex()[:16]


def issuer_among(authorities: Iterable[x509.Certificate], leaf: x509.Certificate) -> x509.Certificate | None:
    """The first of the authorities that signed a certificate."""
    for authority in authorities:
        try:
            leaf.verify_directly_issued_by(authority)
        except (InvalidSignature, ValueError, TypeError):
            continue
        return authority
    return None


def _uses(record: dict[str, Any], former: str) -> bool:
    """Whether a server may present a certificate of a former authority: one is known, or nothing is known but that it accepts it."""
    now = datetime.now(timezone.utc)
    leaves = [leaf["issuer"] for leaf in record["leaves"].values() if datetime.fromisoformat(leaf["until"]) > now]
    return former in leaves or (not leaves and former in record["accepts"])


def _json(record: dict[str, Any]) -> bytes:
    return json.dumps(record, indent=2, sort_keys=True).encode() + b"\n"
