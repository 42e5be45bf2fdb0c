"""Names and keys that may reach a shell and a sudoers file; what is done about accounts is in cases/accounts.yaml."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_nornir.errors import UsageError
from hive_nornir.operations import accounts
from hive_nornir.operations._keys import KeyFile, key_identity

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBvftygVPUBMfwZaF8cIIr3tjfz0oieWv6eK7QUerDLJ"
HARMLESS = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


@given(st.text(max_size=40))
def test_a_name_is_refused_or_harmless_in_a_shell(name: str) -> None:
    try:
        accounts.user(name)
    except UsageError:
        return
    assert set(name) <= HARMLESS
    assert 1 <= len(name) <= 32
    assert name[0] not in "-.0123456789"


@pytest.mark.parametrize("name", ["taro", "_chrony", "ec2-user", "hive_admin", "Taro.Yamada"])
def test_ordinary_names_are_taken(name: str) -> None:
    assert accounts.user(name).name == f"user {name}"
    assert accounts.group(name).name == f"group {name}"


@pytest.mark.parametrize("name", ["", "$(id)", "a b", "a\nb", "root;id", "a'b", 'a"b', "日本", "-r", "0day", "x" * 33])
def test_every_factory_refuses_what_is_no_name(name: str) -> None:
    for factory in (
        lambda: accounts.user(name),
        lambda: accounts.user("taro", groups=[name]),
        lambda: accounts.group(name),
        lambda: accounts.member(name, "docker"),
        lambda: accounts.member("taro", name),
        lambda: accounts.authorized_keys(name, [KEY]),
    ):
        with pytest.raises(UsageError):
            factory()


@given(st.text(max_size=20))
def test_a_sudoers_file_is_one_that_sudo_reads(name: str) -> None:
    try:
        path = accounts.sudoers(name, "%ops ALL=(ALL) ALL").name.removeprefix("file ")
    except UsageError:
        return
    assert path.startswith("/etc/sudoers.d/")
    assert set(path.removeprefix("/etc/sudoers.d/")) <= HARMLESS - {"."}


@pytest.mark.parametrize(
    "wrong",
    [{"uid": -1}, {"uid": 2**32 - 1}, {"group": 2**32}, {"home": "tmp"}, {"home": "/a:b"}, {"shell": "/bin/sh\nroot"}, {"comment": "a:b"}],
)
def test_a_field_that_would_break_passwd_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        accounts.user("taro", **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["", "hello", "-----BEGIN OPENSSH PRIVATE KEY-----", f"{KEY} a\n{KEY} b", "ssh-ed25519", f"no pty {KEY}"])
def test_what_is_no_public_key_is_refused(key: str) -> None:
    with pytest.raises(UsageError, match="no public key"):
        accounts.authorized_keys("taro", [key])


@pytest.mark.parametrize(
    "key",
    [
        KEY,
        f"{KEY} a b c",
        f"  {KEY}\n",
        f'from="10.0.0.0/8,192.0.2.1",command="echo \\"a b\\"" {KEY} x',
        f"no-pty\t{KEY}",
        "sk-ssh-ed25519@openssh.com AAAA x",
    ],
)
def test_keys_of_all_forms_are_taken(key: str) -> None:
    assert key_identity(key) is not None
    accounts.authorized_keys("taro", [key])


blobs = st.from_regex(r"[A-Za-z0-9+/]{8,20}", fullmatch=True)
comments = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=10)
keys = st.builds(
    lambda kind, blob, comment: f"{kind} {blob} {comment}".strip(), st.sampled_from(["ssh-rsa", "ssh-ed25519"]), blobs, comments
)
foreign = st.one_of(keys, st.just("# a comment"), st.just(""), comments)


@given(st.lists(keys, max_size=4), st.lists(foreign, max_size=5), st.booleans())
def test_afterwards_every_wanted_key_is_there_once_and_a_second_time_changes_nothing(
    wanted: list[str], there: list[str], exclusive: bool
) -> None:
    file = KeyFile("taro", tuple(wanted), exclusive)
    old = "".join(f"{line}\n" for line in there)
    new = file.text(old)
    assert file.text(new) == new
    found = [key_identity(line) for line in new.splitlines()]
    of_wanted = [key_identity(key) for key in wanted]
    assert set(of_wanted) <= set(found)
    assert all(found.count(identity) == 1 for identity in of_wanted)
    if exclusive:
        assert set(found) == set(of_wanted)
    else:
        kept = [line for line in there if key_identity(line) not in of_wanted]
        assert [line for line in new.splitlines() if key_identity(line) not in of_wanted] == kept
