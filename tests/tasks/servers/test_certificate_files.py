"""A key, its request and its certificate, made by openssl and the site's CA; run here, in a folder of the test."""

import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from hive_nornir.inventory.authorities import Authorities
from hive_nornir.inventory.ca import SiteCA
from hive_nornir.inventory.leaf import Leaf
from hive_nornir.inventory.trust_ledger import fingerprint
from hive_nornir.operations.core import Change, Operation
from hive_nornir.operations.engine import Engine
from hive_nornir.tasks.os_model import Tls
from hive_nornir.tasks.servers import certificate_files
from hive_nornir.tasks.servers.certificate_files import CertificateFiles, issued_certificate
from hive_nornir.tasks.servers.issuer import Issuer
from tests.support.clock import days_from_now
from tests.support.local import LocalTransport

NAME = "p-hive0.example.com"
LEAF = Leaf(NAME, dns=(NAME,), ips=("10.1.0.4",))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    SiteCA.load_or_create(folder / "ca", "example.com")
    return folder


@pytest.fixture(autouse=True, scope="module")
def small_keys():
    """4096 bits take seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certificate_files, "KEY_BITS", 2048)
        yield


@pytest.fixture
def context(made, tmp_path):
    return shutil.copytree(made, tmp_path / "context")


@pytest.fixture
def place(tmp_path):
    for folder in ("private", "misc", "certs"):
        (tmp_path / "tls" / folder).mkdir(parents=True)
    return tmp_path / "tls"


@pytest.fixture
def run(context, place, tmp_path):
    transport = LocalTransport(tmp_path)

    def go(leaf=LEAF, *, check=False):
        """Runs the operations as a role would, and one that follows them; what was not unchanged, by the first word of its name."""
        authorities = Authorities(context, "example.com")
        ca = authorities.site()
        issuer = Issuer(NAME, check, ca, authorities.trust_in(ca, "site", [NAME, "p-hive1.example.com"]))
        tls = Tls(folder=str(place), packages=(), private_mode=0o700, private_group="root")
        certificate = issued_certificate(issuer, CertificateFiles.of_server(tls, NAME), leaf, "example.com")
        outcomes = Engine(transport, NAME, check=check).run([*certificate.operations, follower(certificate.installed)])
        assert not [outcome.error for outcome in outcomes if outcome.error], outcomes
        certificate.note({outcome.operation: outcome for outcome in outcomes})
        return {outcome.operation.name.split()[0]: outcome for outcome in outcomes if outcome.status != "unchanged"}

    go.transport = transport
    return go


def follower(certificate):
    """Stands for a program that presents the certificate."""
    return Operation("restart", ":", lambda seen: Change("restart", ":") if seen.triggered else None, triggered_by=(certificate,))


def files(place):
    key, request, certificate = (place / part for part in (f"private/{NAME}_key.pem", f"misc/{NAME}.csr", f"certs/{NAME}_cert.pem"))
    return key, request, certificate


def test_key_request_and_certificate_are_made_in_three_exchanges_and_then_none_is_due(run, place):
    first = run()
    assert list(first) == ["key", "request", "certificate", "restart"]
    assert first["certificate"].summary == "issue: there is none"
    assert run.transport.traffic.round_trips == 3
    key, request, certificate = files(place)
    assert (key.stat().st_mode & 0o777, certificate.stat().st_mode & 0o777) == (0o600, 0o644)
    csr = x509.load_pem_x509_csr(request.read_bytes())
    assert csr.subject.rfc4514_string() == f"CN={NAME},DC=example,DC=com"
    assert isinstance(csr.public_key(), rsa.RSAPublicKey)
    assert x509.load_pem_x509_certificate(certificate.read_bytes()).public_key() == csr.public_key()
    said = "".join(outcome.observed.text for outcome in first.values())
    assert not [line for line in key.read_text().split() if len(line) > 40 and line in said]

    assert run() == {}
    assert run.transport.traffic.round_trips == 4


def test_a_plan_makes_and_signs_nothing(run, place, context):
    before = sorted(path for path in context.rglob("*"))
    plan = run(check=True)
    assert list(plan) == ["key", "request", "certificate", "restart"]
    assert {outcome.status for outcome in plan.values()} == {"would-change"}
    assert plan["certificate"].summary == "issue: there is none"
    assert not [path for path in place.rglob("*") if path.is_file()]
    assert sorted(path for path in context.rglob("*")) == before


def test_the_mother_remembers_whose_certificate_the_host_has(run, context):
    run()
    ledger = (context / "trust" / "site" / "servers" / f"{NAME}.json").read_text()
    ca = Authorities(context, "example.com").site()
    assert fingerprint(ca.certificate) in ledger


@pytest.mark.parametrize("which", [0, 2])
def test_rights_are_put_right_and_nothing_is_issued_for_it(run, place, which):
    run()
    path = files(place)[which]
    mode = path.stat().st_mode & 0o777
    path.chmod(0o666)
    found = run()
    assert [outcome.summary for outcome in found.values()] == [f"mode 666 -> {mode:o}"]
    assert path.stat().st_mode & 0o777 == mode


def test_a_weak_key_is_replaced_and_what_is_made_of_it(run, place):
    run()
    key = files(place)[0]
    subprocess.run(["openssl", "genrsa", "-out", key, "1024"], check=True, capture_output=True)
    plan = run(check=True)
    assert list(plan) == ["key", "request", "certificate", "restart"]
    assert "weaker" in plan["key"].summary
    assert plan["certificate"].summary == "issue: the key changed"
    assert list(run()) == ["key", "request", "certificate", "restart"]
    assert run() == {}


def test_a_link_to_another_key_is_no_key(run, place, tmp_path):
    run()
    key = files(place)[0]
    key.rename(tmp_path / "elsewhere")
    key.symlink_to(tmp_path / "elsewhere")
    assert "certificate" in run()
    assert not key.is_symlink()
    assert key.read_text() != (tmp_path / "elsewhere").read_text()


def test_it_is_renewed_for_the_same_key_when_less_than_a_third_is_left(run, place, monkeypatch):
    days_from_now(monkeypatch, -300)
    run()
    assert run() == {}
    key, _, certificate = files(place)
    before, serial = key.read_bytes(), x509.load_pem_x509_certificate(certificate.read_bytes()).serial_number
    monkeypatch.undo()

    due = run(check=True)
    assert list(due) == ["certificate", "restart"]
    assert due["certificate"].summary.startswith("issue: the present one expires on ")
    assert x509.load_pem_x509_certificate(certificate.read_bytes()).serial_number == serial
    assert list(run()) == ["certificate", "restart"]
    assert key.read_bytes() == before
    assert x509.load_pem_x509_certificate(certificate.read_bytes()).serial_number != serial
    assert run() == {}


def test_another_ca_issues_when_every_server_accepts_it(run, context):
    run()
    other = Authorities(context, "example.com").trust_in(Authorities(context, "example.com").site(), "site", ["p-hive1.example.com"])
    other.note_accepted("p-hive1.example.com", other.accepted())
    own = Authorities(context, "example.com").trust_in(Authorities(context, "example.com").site(), "site", [NAME])
    own.note_accepted(NAME, own.accepted())

    SiteCA.create(context / "ca", "example.com")
    assert run() == {}
    new = Authorities(context, "example.com")
    now = new.trust_in(new.site(), "site", [NAME, "p-hive1.example.com"])
    now.note_accepted("p-hive1.example.com", now.accepted())
    assert run()["certificate"].summary == "issue: the site's CA changed"


def test_an_overlong_lifetime_is_honoured_and_remarked_on(run):
    found = run(Leaf(NAME, dns=(NAME,), days=800))
    assert found["certificate"].summary.startswith("issue: there is none, for 800 days as hive_valid_in says, where 397")


def test_a_name_that_is_too_long_for_a_cn_is_left_out(run, place):
    name = "p-" + "h" * 70 + ".example.com"
    run(Leaf(name, dns=(name,)))
    assert x509.load_pem_x509_csr(files(place)[1].read_bytes()).subject.rfc4514_string() == "DC=example,DC=com"


def test_the_files_of_a_user_are_the_users(context, tmp_path):
    authorities = Authorities(context, "example.com")
    ca = authorities.api_clients(create=True)
    issuer = Issuer(NAME, False, ca, authorities.trust_in(ca, "api-client", [NAME]))
    key, csr, pem = (tmp_path / name for name in ("key.pem", "x.csr", "cert.pem"))
    own = CertificateFiles(str(key), str(csr), str(pem), owner="nobody", group="nogroup", mode=0o600)
    certificate = issued_certificate(issuer, own, Leaf(f"admin@{NAME}", emails=(f"admin@{NAME}",), usages=("client",)), "example.com")
    outcomes = Engine(LocalTransport(tmp_path), NAME).run(list(certificate.operations))
    assert not [outcome.error for outcome in outcomes if outcome.error]
    for path in (key, pem):
        assert (path.owner(), path.group(), path.stat().st_mode & 0o777) == ("nobody", "nogroup", 0o600)
    x509.load_pem_x509_certificate(pem.read_bytes()).verify_directly_issued_by(ca.certificate)
