import stat

import paramiko
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from hive_nornir.errors import HiveError
from hive_nornir.inventory.keys import ensure_admin_key


def test_a_new_key_logs_in_with_paramiko_and_is_private(tmp_path):
    private = ensure_admin_key(tmp_path / "private")

    assert private.name == "id_rsa"
    assert private.read_text().startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    key = paramiko.RSAKey.from_private_key_file(str(private))
    assert key.get_bits() == 3072
    assert private.with_suffix(".pub").read_text().split()[:2] == ["ssh-rsa", key.get_base64()]
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(private.parent.stat().st_mode) == 0o700


def test_an_existing_pair_is_used_as_it_is(tmp_path):
    private = ensure_admin_key(tmp_path)
    before = private.read_bytes(), private.with_suffix(".pub").read_bytes()

    assert ensure_admin_key(tmp_path) == private
    assert (private.read_bytes(), private.with_suffix(".pub").read_bytes()) == before


def test_the_public_half_is_computed_from_a_private_key_as_old_ssh_keygen_wrote_it(tmp_path):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    (tmp_path / "id_rsa").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))

    public = ensure_admin_key(tmp_path).with_suffix(".pub").read_bytes()

    assert public.startswith(key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH))


def test_what_is_no_key_is_reported_and_kept(tmp_path):
    (tmp_path / "id_rsa").write_text("not a key")

    with pytest.raises(HiveError, match="cannot be read as a private key"):
        ensure_admin_key(tmp_path)
    assert (tmp_path / "id_rsa").read_text() == "not a key"
