"""A repository is trusted by one key only, the one whose fingerprint we know (DOC-1, P-15)."""

import base64
import shutil
import subprocess

import pytest

from hive_nornir.operations.core import Observed
from hive_nornir.operations.engine import Engine
from hive_nornir.tasks.servers.docker.signing_key import pinned_key, primary_fingerprints
from tests.support.local import LocalTransport

pytestmark = pytest.mark.skipif(shutil.which("gpg") is None, reason="makes real keys with gpg")


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Two armoured public keys with their fingerprints, as gpg says them."""
    home = tmp_path_factory.mktemp("gpg")
    home.chmod(0o700)

    def gpg(*arguments):
        command = ["gpg", "--homedir", str(home), "--batch", "--quiet", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    found = []
    for name in ("one@example.com", "two@example.com"):
        gpg("--passphrase", "", "--quick-generate-key", name, "rsa2048", "sign", "never")
        gpg("--passphrase", "", "--quick-add-key", fingerprint(gpg, name), "rsa2048", "encrypt", "never")
        found.append((gpg("--armor", "--export", name), fingerprint(gpg, name)))
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=False, timeout=20)
    return found


def fingerprint(gpg, name):
    lines = gpg("--with-colons", "--list-keys", name).splitlines()
    return next(line.split(":")[9] for line in lines if line.startswith("fpr:"))


def both(keys):
    """Both keys in one armour."""
    bodies = [text.split("\n\n", 1)[1].split("\n=")[0] for text, _ in keys]
    data = b"".join(map(base64.b64decode, bodies))
    return f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{base64.encodebytes(data).decode()}-----END PGP PUBLIC KEY BLOCK-----\n"


def test_fingerprints_are_those_of_gpg(keys):
    for text, wanted in keys:
        assert primary_fingerprints(text) == [wanted]
    assert primary_fingerprints(both(keys)) == [wanted for _, wanted in keys]


@pytest.mark.parametrize("text", ["", "404 not found", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n!!!!\n-----END", "a\n\nmQIN\n-----END"])
def test_what_is_no_key_has_no_fingerprint(text):
    assert primary_fingerprints(text) == []


def fetched(tmp_path, text, wanted):
    source = tmp_path / "source.asc"
    source.write_text(text)
    path = tmp_path / "keyrings" / "docker.asc"
    [outcome] = Engine(LocalTransport(tmp_path), "here").run([pinned_key(str(path), f"file://{source}", wanted)])
    return outcome, path


def test_the_right_key_is_installed_once(keys, tmp_path):
    text, wanted = keys[0]
    outcome, path = fetched(tmp_path, text, wanted)
    assert outcome.status == "changed", outcome.error
    assert path.read_text() == text
    assert pinned_key(str(path), "x", wanted).decide(Observed(text)) is None


@pytest.mark.parametrize("wrong", ["another", "no key", "half"])
def test_another_key_is_not_installed(keys, tmp_path, wrong):
    text = {"another": keys[1][0], "no key": "<html>", "half": keys[0][0][:200]}[wrong]
    outcome, path = fetched(tmp_path, text, keys[0][1])
    assert outcome.status == "failed"
    assert not path.exists()
    assert [file.name for file in path.parent.iterdir()] == []


def test_a_second_key_in_the_same_file_is_refused(keys, tmp_path):
    outcome, _ = fetched(tmp_path, both(keys), keys[0][1])
    assert outcome.status == "failed"


def test_a_key_that_cannot_be_fetched_fails_and_leaves_nothing(keys, tmp_path):
    path = tmp_path / "docker.asc"
    [outcome] = Engine(LocalTransport(tmp_path), "here").run([pinned_key(str(path), "file:///nowhere", keys[0][1])])
    assert outcome.status == "failed"
    assert not path.exists()
