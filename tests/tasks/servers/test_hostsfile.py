"""HOST-1 to HOST-3: what stands in /etc/hosts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_nornir.errors import OperationFailed, UsageError
from hive_nornir.tasks.servers.hostsfile import HostsfileVariables, hosts_text, hostsfile
from tests.tasks.servers.servers import names, server
from tests.tasks.servers.targets import due, named

OWN = "p-hive0.example.com"
ENTRIES = {OWN: f"10.1.0.4 {OWN} p-hive0", "p-hive1.example.com": "10.1.0.5 p-hive1.example.com p-hive1"}


def lines(text):
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_each_server_has_a_block_at_the_top_its_inventory_name_first():
    text = hosts_text("127.0.0.1 localhost\n", ENTRIES, OWN)
    assert text.startswith(f"# BEGIN hive-nornir server {OWN}\n10.1.0.4 {OWN} p-hive0\n# END hive-nornir server {OWN}\n")
    assert lines(text)[-1] == "127.0.0.1 localhost"


def test_a_server_that_left_the_inventory_disappears():
    text = hosts_text("", {**ENTRIES, "p-hive9.example.com": "10.1.0.9 p-hive9.example.com p-hive9"}, OWN)
    assert hosts_text(text, ENTRIES, OWN) == hosts_text("", ENTRIES, OWN)


def test_hive_builders_blocks_are_replaced_and_other_peoples_stay():
    inherited = (
        "# BEGIN ANSIBLE MANAGED BLOCK p-hive7.example.com\n10.1.0.7 p-hive7.example.com\n# END ANSIBLE MANAGED BLOCK p-hive7.example.com\n"
    )
    theirs = "# BEGIN ANSIBLE MANAGED BLOCK storage\n10.9.0.1 nas\n# END ANSIBLE MANAGED BLOCK storage\n"
    text = hosts_text(inherited + theirs, ENTRIES, OWN)
    assert "p-hive7" not in text
    assert theirs in text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"127.0.1.1 {OWN} p-hive0\n", ""),
        (f"127.0.1.1\t{OWN} p-hive0 other # installer\n", "127.0.1.1 other\n"),
        ("127.0.1.1 somebody.else\n", "127.0.1.1 somebody.else\n"),
        (f"127.0.0.1 localhost {OWN}-not\n", f"127.0.0.1 localhost {OWN}-not\n"),
    ],
)
def test_no_loopback_address_leads_to_the_own_name(before, after):
    assert hosts_text(before, {}, OWN) == after


def test_a_block_without_an_end_is_not_guessed_at():
    with pytest.raises(OperationFailed, match="END hive-nornir server p-hive0"):
        hosts_text(f"# BEGIN hive-nornir server {OWN}\n10.1.0.4 x\n", ENTRIES, OWN)


@given(st.text(alphabet=st.characters(blacklist_characters="#")))
def test_any_file_is_settled_after_one_edit(text):
    once = hosts_text(text, ENTRIES, OWN)
    assert hosts_text(once, ENTRIES, OWN) == once


def operations(context, v=None, **options):
    return hostsfile.function(server(context, **options), v or HostsfileVariables())


def test_the_repository_restarts_its_syslog_daemon(tmp_path):
    assert names(operations(tmp_path, name="p-hive2.example.com")) == ["servers in /etc/hosts", "restart of rsyslog.service if it runs"]
    assert names(operations(tmp_path)) == ["servers in /etc/hosts"]


def test_cloud_init_leaves_the_file_alone(tmp_path):
    file = named(operations(tmp_path, facts={"cloud_init": True}), "file /etc/cloud/cloud.cfg.d/99-hive-hosts.cfg")
    assert "manage_etc_hosts: false" in due(file, "absent").apply


def shared(folder):
    return HostsfileVariables.model_validate({"hive_shared_repository": {"context_dir": folder}})


def test_a_shared_repository_is_known_to_hives_by_its_known_address(tmp_path):
    (tmp_path / "hosts.yml").write_text("example.com:\n  p-hive2.example.com: 203.0.113.5\n")
    text = due(named(operations(tmp_path, shared(tmp_path)), "servers in /etc/hosts"), "absent").apply
    assert "203.0.113.5 p-hive2.example.com p-hive2 shared-repository\n" in text
    assert "10.1.0.5 p-hive1.example.com p-hive1\n" in text
    assert "10.1.0.6" not in text
    assert operations(tmp_path, shared(tmp_path), name="p-hive2.example.com", groups=("repository", "servers")) == []


@pytest.mark.parametrize("text", [None, "", "other.com: {}\n"])
def test_without_that_address_the_role_to_run_first_is_named(tmp_path, text):
    if text is not None:
        (tmp_path / "hosts.yml").write_text(text)
    with pytest.raises(UsageError, match="get-public-ip"):
        operations(tmp_path, shared(tmp_path))
