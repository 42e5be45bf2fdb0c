"""Who the commands talk to, over real TLS."""

import json
import subprocess

import pytest

from hive_onhost.engines import Engines
from hive_onhost.failure import ENGINE, Failure


def refused(engines, address):
    with pytest.raises(Failure) as failure, engines.connect(address, 5):
        pass
    assert failure.value.code == ENGINE
    return str(failure.value)


def test_an_engine_answers_who_has_a_certificate(certificates, port):
    with Engines("", "localhost", certificates).connect(f"localhost:{port}") as client:
        assert client.info()["Name"] == "p-hive0"


def test_an_engine_that_is_another_one_is_not_trusted(certificates, port):
    """UTL-5: also not when somebody whom the site's CA vouches for stands at that address."""
    assert "certificate is not valid for '127.0.0.1'" in refused(Engines("", "", certificates), f"127.0.0.1:{port}")


def test_an_engine_that_nobody_vouches_for_is_not_trusted(certificates, port, tmp_path):
    make = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=other -keyout key.pem -out cert.pem"
    subprocess.run(make.split(), cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "ca.pem").write_bytes((tmp_path / "cert.pem").read_bytes())
    assert "CERTIFICATE_VERIFY_FAILED" in refused(Engines("", "", tmp_path), f"localhost:{port}")


def test_an_engine_that_is_not_there_is_named(certificates):
    assert "engine at localhost:1:" in refused(Engines("", "", certificates), "localhost:1")


def test_a_refusal_of_an_engine_is_told_in_its_words(certificates, port):
    with pytest.raises(Failure, match="no such thing"), Engines("", "", certificates).connect(f"localhost:{port}") as client:
        client.containers.get("x")


def test_without_a_certificate_the_role_is_named(tmp_path):
    assert "docker-client" in refused(Engines("", "", tmp_path), "localhost:1")


def test_the_environment_goes_before_the_hosts_configuration(tmp_path):
    file = tmp_path / "onhost.json"
    with pytest.raises(Failure, match="DOCKER_HOST is not set"):
        Engines.from_environment({}, file)
    file.write_text(json.dumps({"docker_host": "p-hive0.example:2376", "hive_name": "example"}))
    assert Engines.from_environment({"HOME": "/home/x"}, file).address("p-hive1") == "p-hive1.example:2376"
    other = Engines.from_environment({"DOCKER_HOST": "a.other:2376", "HIVE_NAME": "other", "DOCKER_CERT_PATH": str(tmp_path)}, file)
    assert (other.swarm, other.address("b"), other.address("b.other"), other.certificates) == (
        "a.other:2376",
        "b.other:2376",
        "b.other:2376",
        tmp_path,
    )


def test_dockers_own_command_verifies_too(certificates):
    words = Engines("", "", certificates).docker_command("p-hive1.example:2376")
    assert words[:4] == ["docker", "--host", "tcp://p-hive1.example:2376", "--tlsverify"]
    assert words[-1] == str(certificates / "key.pem")
