"""What a user of a server needs for Docker's API: whose files, of which authority, good for what."""

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from hive_nornir.inventory.authorities import Authorities
from hive_nornir.inventory.ca import SiteCA
from hive_nornir.operations.core import Observed, Outcome
from hive_nornir.tasks.servers.api_client import api_client
from hive_nornir.tasks.servers.certificate_files import pem_in
from tests.tasks.servers.targets import due, named, settled, target
from tests.tasks.servers.test_certificate_validity import request

FOLDER = "/home/admin/.docker"


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("context")
    SiteCA.load_or_create(folder / "ca", "example.com")
    return folder


def test_its_certificate_is_of_the_authority_of_clients_and_for_nothing_else(context):
    client = api_client(target(context), "admin", FOLDER)
    change = due(named(list(client.operations), f"certificate {FOLDER}/cert.pem"), request())
    certificate = x509.load_pem_x509_certificate(pem_in(change.apply, "CERTIFICATE").encode())
    authorities = Authorities(context, "example.com")
    certificate.verify_directly_issued_by(authorities.api_clients(create=False).certificate)
    assert list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert certificate.subject.rfc4514_string() == "CN=admin@p-hive0.example.com,DC=example,DC=com"
    assert f"hv_write {FOLDER}/cert.pem 600 admin:admin" in change.apply


def test_it_verifies_servers_with_the_sites_own(context):
    client = api_client(target(context), "zabbix", "/var/lib/zabbix/.docker", group="monitor")
    change = due(named(list(client.operations), "file /var/lib/zabbix/.docker/ca.pem"), "absent")
    assert (context / "ca" / "cacert.pem").read_text() in change.apply
    assert "600 zabbix:monitor" in change.apply
    key = due(named(list(client.operations), "key /var/lib/zabbix/.docker/key.pem"), "")
    assert "hv_write /var/lib/zabbix/.docker/key.pem 600 zabbix:monitor" in key.apply


def test_a_plan_issues_nothing_and_makes_no_authority(tmp_path):
    SiteCA.load_or_create(tmp_path / "ca", "example.com")
    before = sorted(tmp_path.rglob("*"))
    client = api_client(target(tmp_path, check=True), "admin", FOLDER)
    assert due(named(list(client.operations), "certificate "), "").summary == "issue: there is none"
    client.note({client.changed[1]: Outcome(client.changed[1], "would-change", observed=Observed(""))})
    assert sorted(tmp_path.rglob("*")) == before


def test_the_mother_remembers_who_has_one(context):
    client = api_client(target(context), "admin", FOLDER)
    [certificate] = [operation for operation in client.operations if operation.name.startswith("certificate ")]
    csr = request()
    pem = pem_in(due(certificate, csr).apply, "CERTIFICATE")
    assert settled(certificate, f"{pem}\n{csr}")
    client.note({certificate: Outcome(certificate, "changed", observed=Observed(pem))})
    assert f"{FOLDER}/cert.pem" in (context / "trust" / "api-client" / "servers" / "p-hive0.example.com.json").read_text()
