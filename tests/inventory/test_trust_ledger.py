"""Authorities are replaced without a moment in which a server is not trusted (L-17)."""

from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hive_nornir.inventory.trust_ledger import TrustLedger, fingerprint, issuer_among

SERVERS = ("p-hive0", "p-hive1")


def certificate(subject, issuer=None, *, days=30):
    """A certificate and its key; of an authority, signed by itself, without an issuer."""
    key = ec.generate_private_key(ec.SECP256R1())
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    now = datetime.now(timezone.utc)
    builder = x509.CertificateBuilder().subject_name(own).issuer_name(issuer[0].subject if issuer else own).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=60))
    builder = builder.not_valid_after(now + timedelta(days=days))
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key


@pytest.fixture(scope="module")
def old():
    return certificate("ca.example")


@pytest.fixture(scope="module")
def new():
    return certificate("ca.example")


@pytest.fixture
def ledger(tmp_path, old):
    """What is known of a site that was set up with the old authority; called with the present one."""

    def of(authority, servers=SERVERS):
        return TrustLedger(tmp_path / "trust" / "site", authority[0], servers)

    for server in SERVERS:
        of(old).note_accepted(server, of(old).accepted())
        of(old).note_leaf(server, "host", certificate(server, old)[0])
    return of


def test_a_site_that_was_never_set_up_accepts_its_authority_and_nothing_is_written(tmp_path, new):
    ledger = TrustLedger(tmp_path / "trust", new[0], SERVERS)
    assert ledger.accepted() == [new[0]]
    assert ledger.issuers("p-hive0") == [new[0]]
    assert not (tmp_path / "trust").exists()


def test_an_authority_is_replaced_in_three_steps(ledger, old, new):
    present = ledger(new)
    assert present.accepted() == [new[0], old[0]]

    # First both servers accept both; until then each keeps its certificate.
    assert present.issuers("p-hive0") == present.issuers("p-hive1") == [new[0], old[0]]
    present.note_accepted("p-hive0", present.accepted())
    assert present.issuers("p-hive0") == [new[0], old[0]]
    assert present.issuers("p-hive1") == [new[0]]
    present.note_accepted("p-hive1", present.accepted())
    assert present.issuers("p-hive0") == [new[0]]

    # Then both get another certificate; until then both accept the old authority.
    present.note_leaf("p-hive0", "host", certificate("p-hive0", new)[0])
    assert present.accepted() == [new[0], old[0]]
    present.note_leaf("p-hive1", "host", certificate("p-hive1", new)[0])
    assert present.accepted() == [new[0]]

    # Then it goes, and is forgotten when it is gone everywhere.
    present.note_accepted("p-hive0", present.accepted())
    assert len(list((present.folder / "anchors").iterdir())) == 2
    present.note_accepted("p-hive1", present.accepted())
    assert [path.stem for path in (present.folder / "anchors").iterdir()] == [fingerprint(new[0])]


def test_authorities_may_change_faster_than_servers_follow(ledger, old, new):
    for server in SERVERS:
        ledger(new).note_accepted(server, ledger(new).accepted())
    ledger(new).note_leaf("p-hive0", "host", certificate("p-hive0", new)[0])
    newest = certificate("ca.example")
    assert set(ledger(newest).accepted()) == {newest[0], new[0], old[0]}
    assert ledger(newest).accepted()[0] == newest[0]
    assert ledger(newest).issuers("p-hive1")[0] == newest[0]


def test_a_server_that_left_the_stage_holds_nothing_up(ledger, new):
    alone = ledger(new, ("p-hive0",))
    assert alone.issuers("p-hive0") == [new[0]]
    alone.note_leaf("p-hive0", "host", certificate("p-hive0", new)[0])
    assert alone.accepted() == [new[0]]


def test_a_server_that_is_new_holds_nothing_up_and_accepts_what_the_others_show(ledger, old, new):
    grown = ledger(new, (*SERVERS, "p-hive2"))
    assert grown.accepted() == [new[0], old[0]]
    for server in SERVERS:
        grown.note_accepted(server, grown.accepted())
    assert grown.issuers("p-hive0") == [new[0]]


def test_a_server_whose_certificate_is_not_known_may_show_an_old_one(tmp_path, old, new):
    TrustLedger(tmp_path, old[0], SERVERS).note_accepted("p-hive0", [old[0]])
    assert TrustLedger(tmp_path, new[0], SERVERS).accepted() == [new[0], old[0]]


def test_what_has_expired_no_longer_counts(tmp_path, old, new):
    ledger = TrustLedger(tmp_path, new[0], SERVERS)
    past = certificate("ca.example", days=-1)
    ledger.note_accepted("p-hive0", [new[0], old[0], past[0]])
    ledger.note_leaf("p-hive0", "host", certificate("p-hive0", new)[0])
    ledger.note_leaf("p-hive0", "gone", certificate("gone", old, days=-1)[0])
    assert ledger.accepted() == [new[0]]


def test_a_renewed_certificate_of_the_same_authority_takes_the_place_of_the_former(tmp_path, old):
    key = old[1]
    renewed = (
        x509.CertificateBuilder()
        .subject_name(old[0].subject)
        .issuer_name(old[0].subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(old[0].not_valid_before_utc)
        .not_valid_after(old[0].not_valid_after_utc + timedelta(days=300))
        .sign(key, hashes.SHA256())
    )
    leaf = certificate("p-hive0", old)[0]
    TrustLedger(tmp_path, old[0], SERVERS).note_leaf("p-hive0", "host", leaf)
    assert issuer_among([renewed, old[0]], leaf) == renewed
    ledger = TrustLedger(tmp_path, renewed, SERVERS)
    ledger.note_leaf("p-hive0", "host", leaf)
    assert ledger.accepted() == [renewed]


def test_noting_the_same_again_writes_nothing(ledger, old):
    before = {path: path.stat().st_mtime_ns for path in ledger(old).folder.rglob("*.*")}
    ledger(old).note_accepted("p-hive0", [old[0]])
    assert {path: path.stat().st_mtime_ns for path in ledger(old).folder.rglob("*.*")} == before
    assert {path.stat().st_mode & 0o777 for path in before} == {0o600}
