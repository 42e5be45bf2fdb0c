"""Password hashes that a login accepts."""

import bcrypt
import pytest

from hive_nornir.inventory.password_hash import password_hash

# Recorded from crypt(3).
VECTORS = [
    (
        "sha512",
        "saltstring",
        None,
        "Hello world!",
        "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
    ),
    ("sha256", "saltstring", None, "Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
    (
        "sha512",
        "tooshort",
        5000,
        "This is just a test",
        "$6$rounds=5000$tooshort$Cf2viHmtEBH9Q0TGLmMYGee6jTMzoHFkHfqTq9qjhc/OoPyHb4.sVZt/UDJyvuBgG37U9yDVYyJn4T9bYloIt0",
    ),
    ("sha256", "a", 1234, "", "$5$rounds=1234$a$8AnVpxCsY5xcZ8weDmEeN7mxLN2lTymELmFL1q4EneC"),
    (
        "sha512",
        "0123456789abcdef",
        None,
        "pässwörd pässwörd pässwörd pässwörd pässwörd pässwörd pässwörd pässwörd pässwörd ",
        "$6$0123456789abcdef$hGeHLQwaPKQMrNt0EhlFaDvn5ufC3XI5i1yyrGW2XLTgSL7HKayYtflfvfRnLPR6NKRcb6/s4culXXY2YsEpJ.",
    ),
]


@pytest.mark.parametrize(("kind", "salt", "rounds", "password", "expected"), VECTORS)
def test_sha_crypt_gives_the_hashes_of_crypt(kind, salt, rounds, password, expected):
    assert password_hash(password, kind, salt, rounds) == expected


def test_bcrypt_and_random_salts():
    hashed = password_hash("secret", "blowfish", rounds=4)
    assert bcrypt.checkpw(b"secret", hashed.encode())
    first, second = password_hash("secret"), password_hash("secret")
    assert first != second
    assert password_hash("secret", salt=first.split("$")[2]) == first


@pytest.mark.parametrize(("kind", "salt"), [("md5", None), ("sha512", "with space"), ("sha512", "x" * 17), ("sha512", "$6$")])
def test_what_does_not_fit_is_an_error(kind, salt):
    with pytest.raises(ValueError, match=r"salt|knows"):
        password_hash("x", kind, salt)
