"""The key pair with which the mother logs in to the servers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hive_nornir.errors import HiveError
from hive_nornir.inventory.atomic import atomic_write

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.serialization.ssh import SSHPrivateKeyTypes

__all__ = ["ensure_admin_key"]


def ensure_admin_key(context_dir: Path) -> Path:
    """The admin's private key, `<context_dir>/id_rsa`; made when it is missing, with its public half beside it.

    RSA of 3072 bits without a passphrase, in OpenSSH's format, under hive-builder's file names: an existing pair is used as it is.

    :param context_dir: `.hive/<stage>`; created 0700 when missing.
    :returns: path of the private key; the public one is `id_rsa.pub`.
    :raises HiveError: the private key is there and its public half is not, and cannot be computed from it.
    """
    from cryptography.hazmat.primitives import serialization

    private, public = context_dir / "id_rsa", context_dir / "id_rsa.pub"
    if private.exists() and public.exists():
        return private
    context_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = _load(private) if private.exists() else _generate(private)
    line = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    atomic_write(public, line + b" hive-nornir\n", 0o644)
    return private


def _generate(private: Path) -> SSHPrivateKeyTypes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    atomic_write(private, pem, 0o600)
    return key


def _load(private: Path) -> SSHPrivateKeyTypes:
    from cryptography.hazmat.primitives import serialization

    # What ssh-keygen wrote years ago is PEM, what it writes now is OpenSSH's own format.
    pem = private.read_bytes()
    try:
        if b"BEGIN OPENSSH" in pem:
            return serialization.load_ssh_private_key(pem, password=None)
        return serialization.load_pem_private_key(pem, password=None)  # type: ignore[return-value]
    except (ValueError, TypeError) as error:
        raise HiveError(
            f"{private} cannot be read as a private key: {error}", f"put its public half beside it, as {private.name}.pub"
        ) from error
