import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_nornir.errors import ConnectionFailed, ProviderError
from hive_nornir.inventory.providers import prepared
from hive_nornir.inventory.providers.base import ProviderSite, ServerSpec


@pytest.fixture
def site(tmp_path):
    # An address of RFC 5737 that nobody has; the loopback's 127.1.2.3 answers at once with a refusal.
    servers = [ServerSpec("p-hive0.x", "127.1.2.3", ("hives",), {"hive_sshd_port": 1})]
    return ProviderSite("x", "private", tmp_path, tmp_path / ".hive" / "private", servers, {})


@pytest.mark.parametrize("verb", ["halt", "destroy"])
def test_somebody_elses_servers_are_neither_stopped_nor_deleted(site, verb):
    with pytest.raises(ProviderError, match=f"{verb} is unsupported for prepared servers"):
        getattr(prepared.Prepared(), verb)(site)


def test_a_plan_before_the_first_build_makes_nothing_and_calls_nobody(site):
    assert [(entry.name, entry.state) for entry in prepared.Prepared().plan(site)] == [("p-hive0.x", "missing")]
    assert not site.context_dir.exists()


def test_a_server_that_does_not_answer_is_named_with_its_address(site, monkeypatch):
    monkeypatch.setattr(prepared, "_PORT", 2)

    with pytest.raises(ConnectionFailed, match=r"p-hive0\.x does not answer at 127\.1\.2\.3"):
        prepared.Prepared().build(site)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20), min_size=5, max_size=5))
def test_whatever_the_definitions_say_reaches_the_script_as_it_is(values):
    admin, uid, group, gid, key = values
    variables = {"hive_admin": admin, "hive_admin_uid": uid, "hive_admin_group": group, "hive_admin_gid": gid}

    first, rest = prepared._script(ServerSpec("h", "", (), variables), key).split(prepared.SCRIPT)

    assert rest == ""
    assert shlex.split(first) == ["set", "--", *values]


def test_the_script_is_posix_shell():
    assert subprocess.run(["sh", "-n", str(Path(prepared.__file__).with_name("bootstrap.sh"))], check=False).returncode == 0
