import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hive_nornir.errors import HiveError
from hive_nornir.inventory import ca as ca_module
from hive_nornir.inventory.atomic import atomic_write
from hive_nornir.inventory.ca import SiteCA
from hive_nornir.inventory.leaf import Leaf

NAME = "p-hive0.shop.example"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with an authority; making one costs a second, so tests copy it."""
    folder = tmp_path_factory.mktemp("made") / "ca"
    SiteCA.load_or_create(folder, "shop.example", days=3650)
    return folder


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "ca")


@pytest.fixture
def ca(folder):
    return SiteCA.load_or_create(folder, "shop.example")


def request_for(key, name="anything", extensions=()):
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def server_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def own_pair(*, authority=True, days=30):
    """A self-signed certificate and its key, as PEM texts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Company CA")])
    now = datetime.now(timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
    builder = builder.not_valid_before(now - timedelta(days=60)).not_valid_after(now + timedelta(days=days))
    builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    form = serialization.PrivateFormat.PKCS8
    return certificate, key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def test_the_authority_is_what_the_specification_says(ca):
    certificate = ca.certificate

    assert certificate.subject.rfc4514_string() == "CN=ca.shop.example,DC=shop,DC=example"
    assert certificate.public_key().key_size == 4096
    assert certificate.signature_hash_algorithm.name == "sha256"
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.crl_sign, usage.key_cert_sign, usage.key_encipherment) == (True, True, True, False)
    years = (certificate.not_valid_after_utc - datetime.now(timezone.utc)).days / 365
    assert 9.9 < years <= 10
    certificate.verify_directly_issued_by(certificate)


def test_its_files_are_for_their_owner_only(folder):
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "cakey.pem").stat().st_mode) == 0o600
    assert sorted(file.name for file in folder.iterdir()) == ["cacert.pem", "cakey.pem"]


def test_an_existing_authority_is_used_as_it_is(folder):
    before = {file.name: file.read_bytes() for file in folder.iterdir()}

    again = SiteCA.load_or_create(folder, "shop.example", days=5)

    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert again.certificate_pem == before["cacert.pem"]


def test_the_subject_can_begin_with_a_prefix(tmp_path):
    ca = SiteCA.load_or_create(tmp_path / "ca", "x", sub_prefix="/C=JP/O=Example & Co", days=1)

    assert ca.certificate.subject.rfc4514_string() == "CN=ca.x,O=Example & Co,C=JP"


@pytest.mark.parametrize("prefix", ["/XX=y", "no equals", "/C=Japan"])
def test_a_prefix_that_cannot_be_read_is_refused_before_anything_is_made(tmp_path, prefix):
    with pytest.raises(HiveError, match="hive_sub_prefix"):
        SiteCA.load_or_create(tmp_path / "ca", "x", sub_prefix=prefix)
    assert not (tmp_path / "ca").exists()


def test_a_server_certificate_serves_and_calls_and_names_the_server(ca, server_key):
    pem = ca.sign(request_for(server_key), Leaf(NAME, dns=(NAME,), ips=("10.1.0.4", "127.0.0.1")))

    certificate = x509.load_pem_x509_certificate(pem)
    certificate.verify_directly_issued_by(ca.certificate)
    assert certificate.subject.rfc4514_string() == "CN=p-hive0.shop.example,DC=shop,DC=example"
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["p-hive0.shop.example"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["10.1.0.4", "127.0.0.1"]
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(usage) == {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH}
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert 396 <= (certificate.not_valid_after_utc - datetime.now(timezone.utc)).days <= 397


def test_a_client_certificate_is_good_for_nothing_else(ca, server_key):
    leaf = Leaf("admin@p-hive0.shop.example", emails=("admin@p-hive0.shop.example",), usages=("client",))

    certificate = x509.load_pem_x509_certificate(ca.sign(request_for(server_key), leaf))

    assert certificate.subject.rfc4514_string() == "CN=admin@p-hive0.shop.example,DC=shop,DC=example"
    assert list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.RFC822Name) == ["admin@p-hive0.shop.example"]
    assert not names.get_values_for_type(x509.DNSName)


def test_a_server_cannot_ask_for_more_than_its_own_key(ca, server_key):
    greedy = [
        x509.SubjectAlternativeName([x509.DNSName("other.shop.example")]),
        x509.BasicConstraints(ca=True, path_length=None),
    ]

    pem = ca.sign(request_for(server_key, "other.shop.example", greedy), Leaf(NAME, dns=(NAME,)))

    assert b"other" not in x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER)
    assert not x509.load_pem_x509_certificate(pem).extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_request_that_is_not_signed_with_its_own_key_is_refused(ca, server_key):
    der = bytearray(x509.load_pem_x509_csr(request_for(server_key)).public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    forged = x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM)

    with pytest.raises(HiveError, match="not signed with its own key"):
        ca.sign(forged, Leaf("h"))


@pytest.mark.parametrize("broken", [b"", b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"])
def test_a_broken_request_is_refused_with_the_servers_name(ca, broken):
    with pytest.raises(HiveError, match=r"^p-hive0: its certificate request cannot be read"):
        ca.sign(broken, Leaf("p-hive0"))


def test_a_weak_key_is_refused(ca):
    weak = ec.generate_private_key(ec.SECP192R1())

    with pytest.raises(HiveError, match="too weak"):
        ca.sign(request_for(weak), Leaf("h"))


def test_no_certificate_outlives_the_authority(ca, server_key):
    pem = ca.sign(request_for(server_key), Leaf("h", days=36500))

    assert x509.load_pem_x509_certificate(pem).not_valid_after_utc == ca.certificate.not_valid_after_utc


def test_a_name_longer_than_a_common_name_may_be_is_still_certified(ca, server_key):
    name = "p-hive0." + "a" * 60 + ".example"

    certificate = x509.load_pem_x509_certificate(ca.sign(request_for(server_key), Leaf(name, dns=(name,))))

    assert certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName) == [name]


def test_threads_get_different_serials(ca, server_key):
    request = request_for(server_key)
    with ThreadPoolExecutor(max_workers=4) as pool:
        pems = list(pool.map(lambda n: ca.sign(request, Leaf(f"h{n}")), range(8)))

    assert len({x509.load_pem_x509_certificate(pem).serial_number for pem in pems}) == 8


def test_an_indented_pair_is_imported_and_replaces_the_one_that_is_there(folder):
    certificate, key = own_pair()
    indented = "".join(f"    {line}\n" for line in certificate.splitlines())

    ca = SiteCA.load_or_create(folder, "shop.example", imported_cert=indented, imported_key=key)

    assert ca.certificate.subject.rfc4514_string() == "CN=Company CA"
    assert (folder / "cacert.pem").read_text() == certificate
    assert stat.S_IMODE((folder / "cakey.pem").stat().st_mode) == 0o600
    assert SiteCA.load_or_create(folder, "shop.example").certificate == ca.certificate


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        (lambda: (own_pair()[0], own_pair()[1]), "does not belong"),
        (lambda: own_pair(authority=False), "not one of an authority"),
        (lambda: own_pair(days=-1), "expired"),
        (lambda: ("garbage", "garbage"), "not a PEM certificate"),
        (lambda: (own_pair()[0], ""), "one pair"),
    ],
)
def test_an_imported_pair_that_is_no_use_is_refused_and_changes_nothing(folder, pair, reason):
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    certificate, key = pair()

    with pytest.raises(HiveError, match=reason):
        SiteCA.load_or_create(folder, "shop.example", imported_cert=certificate, imported_key=key)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_an_import_that_is_killed_leaves_no_pair_that_does_not_match(folder, monkeypatch):
    certificate, key = own_pair()
    monkeypatch.setattr(ca_module, "atomic_write", killed_at("cacert.pem"))
    with pytest.raises(KeyboardInterrupt):
        SiteCA.load_or_create(folder, "shop.example", imported_cert=certificate, imported_key=key)
    monkeypatch.undo()

    ca = SiteCA.load_or_create(folder, "shop.example", imported_cert=certificate, imported_key=key)

    assert ca.key.public_key() == ca.certificate.public_key()
    assert SiteCA.load(folder, "shop.example").key.public_key() == ca.certificate.public_key()


def killed_at(name):
    def write(path, data, mode):
        if path.name == name:
            raise KeyboardInterrupt
        atomic_write(path, data, mode)

    return write


def test_a_certificate_without_its_key_is_reported_not_replaced(folder):
    (folder / "cakey.pem").unlink()

    with pytest.raises(HiveError, match=r"has no cakey\.pem beside it"):
        SiteCA.load_or_create(folder, "shop.example")
    assert (folder / "cacert.pem").exists()


def test_the_key_is_not_in_its_representation(ca):
    assert "key=" not in repr(ca)
