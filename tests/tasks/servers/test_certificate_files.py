"""The key and its request, made by openssl; run here, in a folder of the test."""

import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from hive_nornir.operations import services
from hive_nornir.operations.core import Observed
from hive_nornir.operations.engine import Engine
from hive_nornir.tasks.os_model import Tls
from hive_nornir.tasks.servers import certificate_files
from hive_nornir.tasks.servers.certificate_files import CertificateFiles, pem_in, restart_is_due
from tests.support.local import LocalTransport
from tests.tasks.servers.targets import due, settled

NAME = "p-hive0.example.com"


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setattr(certificate_files, "KEY_BITS", 2048)  # 4096 bits take seconds
    for folder in ("private", "misc", "certs"):
        (tmp_path / "tls" / folder).mkdir(parents=True)
    return CertificateFiles(Tls(folder=str(tmp_path / "tls"), packages=(), private_mode=0o700, private_group="root"), NAME, "example.com")


@pytest.fixture
def transport(tmp_path):
    return LocalTransport(tmp_path)


def test_key_and_request_are_made_once(files, transport, tmp_path):
    def run():
        key = files.key_pair()
        return Engine(transport, "here").run([key, files.request(key)])

    first = run()
    assert [outcome.status for outcome in first] == ["changed", "changed"], [outcome.error for outcome in first]
    key_file = tmp_path / "tls" / "private" / f"{NAME}_key.pem"
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert [outcome.status for outcome in run()] == ["unchanged", "unchanged"]

    csr = x509.load_pem_x509_csr(pem_in(first[1].observed.text, "CERTIFICATE REQUEST").encode())
    assert csr.subject.rfc4514_string() == f"CN={NAME},DC=example,DC=com"
    assert isinstance(csr.public_key(), rsa.RSAPublicKey)
    assert csr.is_signature_valid
    key_text = key_file.read_text()
    assert not [outcome for outcome in first for line in key_text.split() if len(line) > 40 and line in outcome.observed.text]


def test_a_plan_makes_no_key(files, transport, tmp_path):
    key = files.key_pair()
    outcomes = Engine(transport, "here", check=True).run([key, files.request(key)])
    assert [outcome.status for outcome in outcomes] == ["would-change", "would-change"]
    assert not list((tmp_path / "tls" / "private").iterdir())


def test_a_key_that_others_can_read_is_closed(files, transport, tmp_path):
    key = files.key_pair()
    Engine(transport, "here").run([key])
    key_file = tmp_path / "tls" / "private" / f"{NAME}_key.pem"
    key_file.chmod(0o644)
    [outcome] = Engine(transport, "here").run([files.key_pair()])
    assert outcome.status == "changed"
    assert "644" in outcome.summary
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_a_weak_key_is_replaced_and_the_request_with_it(files, transport, tmp_path):
    key_file = tmp_path / "tls" / "private" / f"{NAME}_key.pem"
    subprocess.run(["openssl", "genrsa", "-out", key_file, "1024"], check=True, capture_output=True)
    key = files.key_pair()
    outcomes = Engine(transport, "here").run([key, files.request(key)])
    assert [outcome.status for outcome in outcomes] == ["changed", "changed"]
    assert "weaker" in outcomes[0].summary


def test_a_request_for_another_key_is_made_anew(files):
    request = files.request(files.key_pair())
    assert due(request, "").summary == "ask for a certificate"
    assert due(request, "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----").summary


def test_a_restart_that_is_owed_is_seen(files, transport, tmp_path):
    restart = services.restarted_if_running("docker.service", on=[])
    [outcome] = Engine(transport, "here").run([files.look(restart)])
    assert not restart_is_due(outcome.observed)
    mark = tmp_path / "lib" / "pending"
    mark.mkdir(parents=True)
    from hive_nornir.operations.script import pending_mark

    (mark / pending_mark(restart).rpartition("/")[2]).touch()
    [outcome] = Engine(transport, "here").run([files.look(restart)])
    assert restart_is_due(outcome.observed)


def test_the_certificate_file_is_written_when_it_differs(files):
    pem = "-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----\n"
    operation = files.certificate(pem, "there is none")
    assert due(operation, "").summary == "issue: there is none"
    assert settled(operation, pem)
    assert files.certificate("", "there is none").decide(Observed(pem)) is not None


def test_a_name_that_is_too_long_for_a_cn_is_left_out():
    tls = Tls(folder="/x", packages=(), private_mode=0o700, private_group="root")
    assert CertificateFiles(tls, "p-" + "h" * 70 + ".example.com", "example.com").subject == "/DC=com/DC=example"
