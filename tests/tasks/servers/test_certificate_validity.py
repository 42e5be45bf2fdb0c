"""A certificate is issued anew when it has to be, and only then (TLS-4)."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from hive_nornir.inventory.ca import SiteCA
from hive_nornir.inventory.leaf import Leaf
from hive_nornir.tasks.servers.certificate_validity import reason_to_issue

LEAF = Leaf("p-hive0.example.com", dns=("p-hive0.example.com",), ips=("10.1.0.4", "127.0.0.1"), days=300)


def request() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return SiteCA.load_or_create(tmp_path_factory.mktemp("ca"), "example.com")


@pytest.fixture(scope="module")
def csr():
    return request()


@pytest.fixture(scope="module")
def certificate(ca, csr):
    return ca.sign(csr.encode(), LEAF).decode()


def test_a_good_one_stays(ca, csr, certificate):
    assert reason_to_issue(certificate, csr, [ca.certificate], replace(LEAF, ips=LEAF.ips[::-1])) == ""


def test_a_missing_or_broken_one_is_issued(ca, csr):
    assert reason_to_issue("", csr, [ca.certificate], LEAF) == "there is none"
    broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
    assert "cannot be read" in reason_to_issue(broken, csr, [ca.certificate], LEAF)


def test_another_key_needs_another_certificate(ca, certificate):
    assert reason_to_issue(certificate, request(), [ca.certificate], LEAF) == "the key changed"
    assert reason_to_issue(certificate, "", [ca.certificate], LEAF) == "the key changed"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dns": ("p-hive9.example.com",)}, "p-hive9.example.com"),
        ({"ips": ("10.1.0.99", "127.0.0.1")}, "10.1.0.99"),
        ({"usages": ("client",)}, "as client"),
    ],
)
def test_other_names_addresses_or_purposes_need_another_certificate(ca, csr, certificate, changes, said):
    assert said in reason_to_issue(certificate, csr, [ca.certificate], replace(LEAF, **changes))


def test_another_authority_needs_another_certificate_though_it_has_the_same_name(tmp_path, ca, csr, certificate):
    same_name = SiteCA.load_or_create(tmp_path / "same", "example.com").certificate
    other_name = SiteCA.load_or_create(tmp_path / "other", "other.example").certificate
    assert reason_to_issue(certificate, csr, [same_name], LEAF) == "the site's CA changed"
    assert reason_to_issue(certificate, csr, [other_name], LEAF) == "the site's CA changed"
    assert reason_to_issue(certificate, csr, [], LEAF) == "the site's CA changed"
    assert reason_to_issue(certificate, csr, [same_name, ca.certificate], LEAF) == ""


@pytest.mark.parametrize(("days", "renewed"), [(0, False), (199, False), (201, True), (301, True)])
def test_it_is_renewed_when_less_than_a_third_is_left(ca, csr, certificate, days, renewed):
    later = datetime.now(timezone.utc) + timedelta(days=days)
    reason = reason_to_issue(certificate, csr, [ca.certificate], LEAF, later)
    assert bool(reason) == renewed
    assert ("expires on" in reason) == renewed
