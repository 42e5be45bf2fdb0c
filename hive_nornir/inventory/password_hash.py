"""Password hashes for /etc/shadow: SHA-crypt (crypt(5) `$5$`, `$6$`) and bcrypt.

Python's crypt module is gone in 3.13 and cryptography has no SHA-crypt, hence the algorithm here: Ulrich Drepper's
"Unix crypt using SHA-256 and SHA-512", version 0.6; the step numbers below are its own.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence

__all__ = ["password_hash"]

_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DEFAULT_ROUNDS = 5000


def password_hash(password: str, hashtype: str = "sha512", salt: str | None = None, rounds: int | None = None) -> str:
    """A hash that the target's login accepts.

    :param hashtype: `sha512`, `sha256` (also as `sha512_crypt` …), `bcrypt` or `blowfish`.
    :param salt: up to 16 characters of `./0-9A-Za-z` (bcrypt: 22); a random one makes every call differ.
    :param rounds: SHA-crypt: 1000 to 999999999, 5000 unless given; bcrypt: the logarithm, 12 unless given.
    :raises ValueError: another hash type, or a salt that does not fit.
    """
    kind = hashtype.removesuffix("_crypt")
    if kind in ("bcrypt", "blowfish"):
        return _bcrypt(password, salt, rounds or 12)
    if kind not in ("sha256", "sha512"):
        raise ValueError(f"password_hash knows sha512, sha256 and bcrypt, not {hashtype!r}")
    chosen = salt if salt is not None else "".join(secrets.choice(_ALPHABET) for _ in range(16))
    if not re.fullmatch(r"[./0-9A-Za-z]{1,16}", chosen):
        raise ValueError("a salt has 1 to 16 characters of ./0-9A-Za-z")
    return _sha_crypt(password.encode(), chosen.encode(), kind, rounds)


def _bcrypt(password: str, salt: str | None, cost: int) -> str:
    import bcrypt

    chosen = bcrypt.gensalt(cost) if salt is None else f"$2b${cost:02}${salt}".encode()
    return bcrypt.hashpw(password.encode(), chosen).decode()


def _sha_crypt(password: bytes, salt: bytes, kind: str, rounds: int | None) -> str:
    count = min(max(rounds or _DEFAULT_ROUNDS, 1000), 999_999_999)
    digest = _mixed(password, salt, kind)
    # Steps 13 to 20: the P and S sequences.
    p = _stretched(hashlib.new(kind, password * len(password)).digest(), len(password))
    s = _stretched(hashlib.new(kind, salt * (16 + digest[0])).digest(), len(salt))
    for turn in range(count):  # step 21
        data = p if turn % 2 else digest
        data += (s if turn % 3 else b"") + (p if turn % 7 else b"") + (digest if turn % 2 else p)
        digest = hashlib.new(kind, data).digest()
    prefix = "$5$" if kind == "sha256" else "$6$"
    shown = f"rounds={count}$" if rounds is not None else ""
    return f"{prefix}{shown}{salt.decode()}${_encoded(digest)}"


def _mixed(password: bytes, salt: bytes, kind: str) -> bytes:
    """Steps 1 to 12: digests B and A."""
    b = hashlib.new(kind, password + salt + password).digest()
    data = password + salt + _stretched(b, len(password))
    length = len(password)
    while length:
        data += b if length & 1 else password
        length >>= 1
    return hashlib.new(kind, data).digest()


def _stretched(digest: bytes, length: int) -> bytes:
    return (digest * (length // len(digest) + 1))[:length]


def _encoded(digest: bytes) -> str:
    """Step 22: three bytes become four characters, in the algorithm's own order of bytes."""
    third = len(digest) // 3
    step = 1 if len(digest) == 64 else 2
    text = ""
    for turn in range(third):
        indexes = [(turn * step) % 3, (turn * step + 1) % 3, (turn * step + 2) % 3]
        text += _characters([digest[third * index + turn] for index in indexes], 4)
    rest = digest[third * 3 :]
    return text + (_characters([0, 0, *rest], 2) if len(rest) == 1 else _characters([0, rest[1], rest[0]], 3))


def _characters(data: Sequence[int], count: int) -> str:
    number = data[0] << 16 | data[1] << 8 | data[2]
    return "".join(_ALPHABET[number >> 6 * place & 63] for place in range(count))
