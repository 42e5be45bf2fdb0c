"""The stage's authorities: one for each purpose, and none that opens what another is for (P-10)."""

import shutil
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from hive_nornir.errors import HiveError
from hive_nornir.inventory.authorities import Authorities
from hive_nornir.inventory.ca import SiteCA
from hive_nornir.inventory.leaf import Leaf

CLIENT = Leaf("admin@p-hive0.shop.example", emails=("admin@p-hive0.shop.example",), usages=("client",))
SERVICE = Leaf("web.shop.example", dns=("web.shop.example",))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A stage with all three; making one costs a second, so tests copy it."""
    context = tmp_path_factory.mktemp("made") / "private"
    SiteCA.load_or_create(context / "ca", "shop.example")
    authorities = Authorities(context, "shop.example")
    authorities.api_clients(create=True)
    authorities.applications(create=True)
    return context


@pytest.fixture
def authorities(made, tmp_path):
    return Authorities(shutil.copytree(made, tmp_path / "private"), "shop.example")


@pytest.fixture(scope="module")
def request_pem():
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def verified_client(ca, *chain):
    verifier = PolicyBuilder().store(Store([ca.certificate])).build_client_verifier()
    return verifier.verify(chain[0], list(chain[1:]))


def test_a_plan_makes_none(tmp_path):
    authorities = Authorities(tmp_path, "shop.example")
    assert authorities.api_clients(create=False) is None
    with pytest.raises(HiveError, match="run build-infra first"):
        authorities.site()
    assert list(tmp_path.iterdir()) == []


def test_the_authority_of_clients_is_one_of_its_own(authorities, request_pem):
    site, clients = authorities.site(), authorities.api_clients(create=False)
    assert clients.certificate.subject.rfc4514_string() == "CN=api-client-ca.shop.example,DC=shop,DC=example"
    assert clients.certificate.public_key() != site.certificate.public_key()
    [purpose] = clients.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert purpose == ExtendedKeyUsageOID.CLIENT_AUTH
    folder = authorities.context_dir / "ca" / "api-client"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "cakey.pem").stat().st_mode) == 0o600

    ours, sites = (x509.load_pem_x509_certificate(ca.sign(request_pem, CLIENT)) for ca in (clients, site))
    assert verified_client(clients, ours)
    with pytest.raises(VerificationError):
        verified_client(clients, sites)


def test_threads_that_need_it_make_one(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: Authorities(tmp_path, "shop.example").api_clients(create=True), range(4)))
    assert len({ca.certificate for ca in made}) == 1
    assert len({id(ca) for ca in made}) == 1  # so that they sign one at a time


def test_what_services_are_issued_verifies_against_the_sites_own(authorities, request_pem):
    site, applications = authorities.site(), authorities.applications(create=False)
    assert applications.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    chain = x509.load_pem_x509_certificates(applications.sign(request_pem, SERVICE))
    assert chain[1] == applications.certificate
    assert verified_client(site, *chain)
    with pytest.raises(VerificationError):
        verified_client(authorities.api_clients(create=False), *chain)


def test_another_site_ca_vouches_for_another_authority_of_services(authorities):
    before = authorities.applications(create=True)
    SiteCA.create(authorities.context_dir / "ca", "shop.example")
    assert authorities.applications(create=False) is None
    after = authorities.applications(create=True)
    assert after.certificate != before.certificate
    after.certificate.verify_directly_issued_by(authorities.site().certificate)


def test_an_imported_ca_that_may_vouch_for_no_other_issues_to_services_itself(authorities, request_pem):
    site = authorities.site()
    intermediate = SiteCA.create(authorities.context_dir / "ca", "shop.example", label="company-ca", issuer=site)
    assert authorities.applications(create=True).certificate == intermediate.certificate


def test_no_authority_outlives_the_one_that_vouches_for_it(tmp_path):
    short = SiteCA.load_or_create(tmp_path / "ca", "shop.example", days=30)
    applications = Authorities(tmp_path, "shop.example").applications(create=True)
    assert applications.certificate.not_valid_after_utc == short.certificate.not_valid_after_utc
    assert (short.certificate.not_valid_after_utc - datetime.now(timezone.utc)).days <= 30


def test_a_site_moves_over_with_the_authority_that_hive_builder_made(tmp_path, request_pem):
    """As its role ca does: openssl, a request signed with its own key, no key identifiers asked for."""
    folder = tmp_path / "ca"
    folder.mkdir()
    (folder / "extfile-ca.cnf").write_text("basicConstraints = CA:TRUE\nkeyUsage = digitalSignature, cRLSign, keyCertSign\n")
    openssl("genrsa", "-out", folder / "cakey.pem", "2048")
    csr = folder / "ca-ca.csr"
    openssl("req", "-new", "-sha256", "-key", folder / "cakey.pem", "-subj", "/DC=example/DC=shop/CN=ca.shop.example", "-out", csr)
    made = ("-days", "36500", "-signkey", folder / "cakey.pem", "-extfile", folder / "extfile-ca.cnf", "-out", folder / "cacert.pem")
    openssl("x509", "-req", "-sha256", "-in", csr, *made)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    ca = SiteCA.load_or_create(folder, "shop.example")
    authorities = Authorities(tmp_path, "shop.example")
    host = Leaf("p-hive0.shop.example", dns=("p-hive0.shop.example",), ips=("10.1.0.4",))
    for name, pem in (("host", ca.sign(request_pem, host)), ("service", authorities.applications(create=True).sign(request_pem, SERVICE))):
        (tmp_path / name).write_bytes(pem)
        openssl("verify", "-CAfile", folder / "cacert.pem", "-untrusted", tmp_path / name, tmp_path / name)
    assert authorities.api_clients(create=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
