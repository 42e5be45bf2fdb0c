"""The operator's private keys, read once for all hosts."""

from __future__ import annotations

import functools
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from hive_nornir.errors import ConnectionFailed

if TYPE_CHECKING:
    import paramiko

__all__ = ["private_key"]

_one_reader = threading.Lock()


def private_key(file: Path) -> paramiko.PKey:
    """A key to log in with.

    :param file: in any format that ssh(1) reads, without a passphrase.
    :raises ConnectionFailed: it cannot be read, or is no such key.
    """
    import paramiko

    try:
        with _one_reader:
            return _read(file, file.stat().st_mtime_ns)
    except OSError as error:
        raise ConnectionFailed(
            f"cannot read the private key {file}: {error.strerror}", "run build-infra first, it makes the key"
        ) from error
    except (paramiko.SSHException, ValueError, TypeError) as error:
        raise ConnectionFailed(
            f"cannot use the private key {file}: {error}", "it must be one that ssh(1) reads, without a passphrase"
        ) from error


@functools.lru_cache(maxsize=8)
def _read(file: Path, modified: int) -> paramiko.PKey:  # noqa: ARG001 - `modified` makes a new key a new entry
    import paramiko
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    data = file.read_bytes()
    if b"BEGIN OPENSSH" in data and not file.with_name(f"{file.name}-cert.pub").exists():
        # Whether the numbers of an RSA key are prime takes 0.2 s to find out, as long as all of a run's look-up of one role;
        # ssh(1) does not ask either.
        loaded = load_ssh_private_key(data, None, unsafe_skip_rsa_key_validation=True)
        if isinstance(loaded, RSAPrivateKey):
            return paramiko.RSAKey(key=loaded)
    return paramiko.PKey.from_path(file)
