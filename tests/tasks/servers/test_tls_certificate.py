"""The role tls-certificate: in what order, for which names, and whom a server trusts."""

import shutil

import pytest

from hive_nornir.errors import HiveError
from hive_nornir.inventory.authorities import Authorities
from hive_nornir.inventory.ca import SiteCA
from hive_nornir.inventory.trust_ledger import fingerprint
from hive_nornir.tasks.servers.base.trust import trusted_ca
from hive_nornir.tasks.servers.server_certificate import server_certificate
from hive_nornir.tasks.servers.tls_certificate import TlsCertificateVariables, tls_certificate
from hive_nornir.tasks.servers.trust_anchor import trust_anchor
from tests.tasks.servers.targets import SERVERS, due, named, settled, target
from tests.tasks.servers.test_certificate_validity import request

ANCHOR = "/usr/local/share/ca-certificates/hive-example.com"


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("context")
    SiteCA.load_or_create(folder / "ca", "example.com")
    return folder


def operations(context, *, name="p-hive0.example.com", check=False, **values):
    v = TlsCertificateVariables.model_validate({"hive_private_ip": "10.1.0.4", **values})
    return next(tls_certificate.function(target(context, name=name, check=check), v))


def replaced(context, tmp_path):
    """A site that was set up, and then got another CA: the folder, and the mark of the former one."""
    folder = shutil.copytree(context, tmp_path / "context")
    for name in SERVERS:
        trust_anchor(target(folder, name=name)).note()
    former = Authorities(folder, "example.com").site().certificate
    SiteCA.create(folder / "ca", "example.com")
    return folder, fingerprint(former)


def test_without_an_authority_it_says_who_makes_one(tmp_path):
    with pytest.raises(HiveError, match="run build-infra first"):
        trust_anchor(target(tmp_path))


def test_the_trust_store_is_refreshed_until_it_has_our_authority(context):
    packages, anchor, former, store = trust_anchor(target(context)).operations
    assert packages.name == "packages ca-certificates, openssl"
    assert anchor.name == f"file {ANCHOR}.crt"
    assert "-----BEGIN CERTIFICATE-----" in due(anchor, "absent").apply
    assert settled(former, "")
    assert settled(store, "trusted\n")
    assert "update-ca-certificates" in due(store, "").apply
    assert due(store, "trusted\n", triggered=True)


def test_a_former_authority_is_trusted_beside_the_present_one_while_it_is_in_use(context, tmp_path):
    folder, mark = replaced(context, tmp_path)
    _, anchor, former, store = trust_anchor(target(folder)).operations
    change = due(former, "")
    assert f"hv_write {ANCHOR}-former-{mark}.crt 644 root:root" in change.apply
    assert store.probe.count("grep ") == 2
    assert store.triggered_by == (anchor, former)
    names = [path.name for path in (folder / "trust" / "site" / "anchors").iterdir()]
    assert names == [f"{mark}.pem"]  # a look writes nothing


def test_a_former_authority_that_is_no_longer_in_use_goes(context):
    change = due(trust_anchor(target(context)).operations[2], f"00  {ANCHOR}-former-0123456789abcdef.crt\n")
    assert change.apply == f"rm -f -- {ANCHOR}-former-0123456789abcdef.crt"
    assert change.diff == f"- {ANCHOR}-former-0123456789abcdef.crt"


def test_base_tells_a_running_docker_of_another_ca(context):
    found, trust = trusted_ca(target(context))
    assert found[-1].name == "restart of docker.service if it runs"
    assert found[-1].triggered_by == (trust.changed,)


def test_a_new_server_gets_a_certificate_for_its_names_and_docker_is_restarted(context):
    found = operations(context)
    certificate = named(found, "certificate ")
    change = due(certificate, request())
    assert change.summary == "issue: there is none"
    assert "BEGIN CERTIFICATE" in change.apply
    assert found[-1].name == "restart of docker.service if it runs"
    assert found[-1].triggered_by == (named(found, f"file {ANCHOR}.crt"), certificate)


def test_a_good_certificate_stays(context):
    csr = request()
    pem = due(named(operations(context), "certificate "), csr).apply
    assert settled(named(operations(context), "certificate "), f"{pem}\n{csr}")


def test_another_program_has_a_key_and_a_certificate_of_its_own(context):
    registry = server_certificate(target(context), "p-hive0.example.com", "10.1.0.4", purpose="registry", owner="syslog", group="adm")
    key, certificate = (named(list(registry.operations), start) for start in ("key ", "certificate "))
    assert "hv_write /etc/ssl/hive/private/p-hive0.example.com-registry_key.pem 600 syslog:adm" in due(key, "").apply
    assert "hv_write /etc/ssl/hive/certs/p-hive0.example.com-registry_cert.pem 644 syslog:adm" in due(certificate, request()).apply
    assert not {operation.name for operation in registry.operations} & {operation.name for operation in operations(context)}


def test_a_plan_signs_nothing(context):
    change = due(named(operations(context, check=True), "certificate "), "")
    assert change.summary == "issue: there is none"
    assert "MII" not in change.apply


def test_the_shared_repository_has_one_certificate_under_both_names(context):
    shared = {"context_dir": "/x"}
    found = operations(context, name="p-hive2.example.com", hive_shared_repository=shared)
    links = {operation.name for operation in found if operation.name.startswith("link ")}
    assert links == {
        "link /etc/ssl/hive/certs/p-hive2.example.com_cert.pem",
        "link /etc/ssl/hive/misc/p-hive2.example.com.csr",
        "link /etc/ssl/hive/private/p-hive2.example.com_key.pem",
    }
    assert named(found, "key ").name == "key /etc/ssl/hive/private/shared-repository_key.pem"
    found = operations(context, hive_shared_repository=shared)
    assert named(found, "key ").name == "key /etc/ssl/hive/private/p-hive0.example.com_key.pem"


@pytest.mark.parametrize(("distribution", "mode", "group"), [(("debian", "12"), "750", "ssl-cert"), (("almalinux", "9"), "700", "root")])
def test_keys_are_for_root(context, distribution, mode, group):
    v = TlsCertificateVariables(hive_private_ip="10.1.0.4")
    first = next(tls_certificate.function(target(context, distribution=distribution), v))
    folder = next(operation for operation in first if operation.name.startswith("folder ") and operation.name.endswith("/private"))
    assert f" {mode} root:{group}" in due(folder, "absent").apply
