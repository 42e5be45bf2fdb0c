"""The role tls-certificate: in what order, and what it signs."""

import pytest

from hive_nornir.errors import HiveError
from hive_nornir.inventory.ca import SiteCA
from hive_nornir.operations.core import Observed, Outcome
from hive_nornir.operations.script import pending_mark
from hive_nornir.tasks.servers.tls_certificate import TlsCertificateVariables, tls_certificate
from hive_nornir.tasks.servers.trust_anchor import trust_anchor
from tests.tasks.servers.targets import due, named, settled, target
from tests.tasks.servers.test_certificate_validity import request


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("context")
    SiteCA.load_or_create(folder / "ca", "example.com")
    return folder


def begun(context, *, name="p-hive0.example.com", check=False, **values):
    """The role after its first look: the generator and its first operations."""
    v = TlsCertificateVariables.model_validate({"hive_private_ip": "10.1.0.4", **values})
    steps = tls_certificate.function(target(context, name=name, check=check), v)
    return steps, next(steps)


def go_on(steps, operations, texts, status="unchanged"):
    """The operations of the second look; none when there is nothing more to do."""
    outcomes = {
        operation: Outcome(
            operation, status, observed=Observed(next((text for start, text in texts.items() if operation.name.startswith(start)), ""))
        )
        for operation in operations
    }
    try:
        return steps.send(outcomes)
    except StopIteration:
        return []


def issued(operations):
    """The certificate that is to be installed."""
    return due(named(operations, "certificate "), "")


def test_without_an_authority_it_says_who_makes_one(tmp_path):
    with pytest.raises(HiveError, match="run build-infra first"):
        trust_anchor(target(tmp_path))


def test_the_trust_store_is_refreshed_until_it_has_our_authority(context):
    packages, anchor, store = trust_anchor(target(context))
    assert packages.name == "packages ca-certificates, openssl"
    assert "-----BEGIN CERTIFICATE-----" in due(anchor, "absent").apply
    assert settled(store, "trusted\n")
    assert "update-ca-certificates" in due(store, "").apply
    assert due(store, "trusted\n", triggered=True)


def test_a_new_server_gets_a_certificate_and_docker_is_restarted(context):
    steps, first = begun(context)
    second = go_on(steps, first, {"request": request()})
    assert issued(second).summary == "issue: there is none"
    assert "BEGIN CERTIFICATE" in issued(second).apply
    assert second[1].name == "restart of docker.service if it runs"
    assert second[1].triggered_by == (second[0],)


def test_a_good_certificate_costs_no_second_look(context):
    csr = request()
    steps, first = begun(context)
    text = issued(go_on(steps, first, {"request": csr})).apply
    steps, first = begun(context)
    assert go_on(steps, first, {"request": csr, "look at": text}) == []


def test_a_restart_that_an_interrupted_run_owes_is_made_up_for(context):
    csr = request()
    steps, first = begun(context)
    text = issued(go_on(steps, first, {"request": csr})).apply
    steps, first = begun(context)
    second = go_on(steps, first, {"request": csr, "look at": f"{text}\nrestart due\n"})
    assert pending_mark(second[1]) in named(first, "look at").probe
    assert settled(second[0], text)


def test_a_plan_signs_nothing(context):
    steps, first = begun(context, check=True)
    second = go_on(steps, first, {}, status="would-change")
    assert issued(second).summary == "issue: there is none"
    assert "MII" not in issued(second).apply


def test_the_shared_repository_has_one_certificate_under_both_names(context):
    shared = {"context_dir": "/x"}
    _, first = begun(context, name="p-hive2.example.com", hive_shared_repository=shared)
    links = {operation.name for operation in first if operation.name.startswith("link ")}
    assert links == {
        "link /etc/ssl/hive/certs/p-hive2.example.com_cert.pem",
        "link /etc/ssl/hive/misc/p-hive2.example.com.csr",
        "link /etc/ssl/hive/private/p-hive2.example.com_key.pem",
    }
    assert named(first, "key ").name == "key /etc/ssl/hive/private/shared-repository_key.pem"
    _, first = begun(context, hive_shared_repository=shared)
    assert named(first, "key ").name == "key /etc/ssl/hive/private/p-hive0.example.com_key.pem"


@pytest.mark.parametrize(("distribution", "mode", "group"), [(("debian", "12"), "750", "ssl-cert"), (("almalinux", "9"), "700", "root")])
def test_keys_are_for_root(context, distribution, mode, group):
    v = TlsCertificateVariables(hive_private_ip="10.1.0.4")
    first = next(tls_certificate.function(target(context, distribution=distribution), v))
    folder = next(operation for operation in first if operation.name.startswith("folder ") and operation.name.endswith("/private"))
    assert f" {mode} root:{group}" in due(folder, "absent").apply
