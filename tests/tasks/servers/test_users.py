"""The operators' accounts: what is given, what is refused, what is taken away."""

import pytest
from pydantic import ValidationError

from hive_nornir.errors import OperationFailed
from hive_nornir.inventory.known_hosts import KnownHosts
from hive_nornir.operations.core import Observed
from hive_nornir.tasks.servers.users import UsersVariables, users
from hive_nornir.tasks.servers.withdrawal import remembered, withdrawn
from tests.tasks.servers.base.test_sshd import said
from tests.tasks.servers.targets import due, named, settled, target

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFPaH8NSx5lNZNmmdxxvYRM6vrLZIlEUQiKnOm0V0aFX"
VALUES = {
    "hive_user_groups": {"ops": {"gid": 2000}},
    "hive_users": {"alice": {"uid": 2001, "group": 2000, "id_rsa_pub": f"{KEY} alice@home"}},
}


def variables(**values):
    return UsersVariables.model_validate({**VALUES, **values})


def operations(context, v=None, **options):
    return users.function(target(context, **options), v or variables())


def test_groups_are_mandatory_with_users():
    with pytest.raises(ValidationError, match="needs hive_user_groups"):
        variables(hive_user_groups={})


@pytest.mark.parametrize("name", ["admin", "root", "hive-admin"])
def test_the_administrators_own_account_and_sudo_rule_are_not_touched(name):
    with pytest.raises(ValidationError, match="is the administrator's"):
        variables(hive_user_groups={name: {"gid": 2000}})
    with pytest.raises(ValidationError, match="is the administrator's"):
        variables(hive_users={name: VALUES["hive_users"]["alice"]})


@pytest.mark.parametrize("gid", [0, 2147483648])
def test_a_gid_has_its_limits(gid):
    with pytest.raises(ValidationError):
        variables(hive_user_groups={"ops": {"gid": gid}})


def test_it_applies_when_users_are_listed_even_if_none(tmp_path):
    assert users._when(variables())
    assert users._when(variables(hive_users={}))
    assert not users._when(UsersVariables())


@pytest.mark.parametrize("group", [2000, "2000", "ops"])
def test_a_group_is_given_by_name_or_number(tmp_path, group):
    alice = VALUES["hive_users"]["alice"] | {"group": group}
    change = due(named(operations(tmp_path, variables(hive_users={"alice": alice})), "user alice"), "\n\n\n\n")
    assert "-g ops" in change.apply


def test_a_sudo_rule_is_in_a_file_that_sudo_reads(tmp_path):
    found = operations(tmp_path, variables(hive_user_groups={"site.ops": {"gid": 2000}}))
    change = due(named(found, "file /etc/sudoers.d/site_ops"), "absent")
    assert "%site.ops ALL=(ALL) NOPASSWD: ALL" in change.apply
    assert "visudo" in change.apply


def test_everybody_knows_every_server_by_name_and_address(tmp_path):
    pins = KnownHosts(tmp_path / "known_hosts")
    pins.pin(["p-hive1.example.com"], KEY)
    change = due(named(operations(tmp_path), "known hosts of alice"), "absent\n600 alice:2000\n")
    assert f"p-hive1.example.com,10.1.0.5 {KEY}\n" in change.apply
    assert "runuser -u alice" in change.apply


def test_own_lines_of_known_hosts_stay_and_those_of_lost_servers_go(tmp_path):
    KnownHosts(tmp_path / "known_hosts").pin(["p-hive1.example.com"], KEY)
    old = (
        f"600 alice:2000\n600 alice:2000\ngithub.com ssh-rsa AAAA\n# BEGIN hive-nornir servers\np-hive9 {KEY}\n# END hive-nornir servers\n"
    )
    change = due(named(operations(tmp_path), "known hosts of alice"), old)
    assert "github.com ssh-rsa AAAA\n" in change.apply
    assert "p-hive9" not in change.apply


def test_on_another_port_servers_are_known_with_it(tmp_path):
    KnownHosts(tmp_path / "known_hosts").pin(["p-hive1.example.com"], KEY, port=2222)
    found = operations(tmp_path, variables={"hive_safe_sshd_port": 2222})
    assert f"[p-hive1.example.com]:2222,[10.1.0.5]:2222 {KEY}" in due(named(found, "known hosts of alice"), "absent\n\n").apply


def test_roots_login_is_refused_under_guard_only_if_we_are_not_root(tmp_path):
    refusal = operations(tmp_path)[-1]
    assert refusal.name == "root's login is refused"
    assert refusal.guard is not None
    assert "01-hive-users.conf" in refusal.guard.save
    change = due(refusal, said(None, effective="permitrootlogin without-password\n"))
    assert "sshd_config.d/01-hive-users.conf" in change.apply
    assert change.apply.count("sshd -t") == 2  # the candidate, and the whole before the reload
    assert settled(
        refusal,
        said(
            "# Written by hive-nornir; read before everything else, and the first value of an option counts.\nPermitRootLogin no\n",
            effective="permitrootlogin no\n",
        ),
    )

    refused = operations(tmp_path, user="root")[-1]
    with pytest.raises(OperationFailed, match="logs in as root"):
        refused.decide(Observed(""))


@pytest.mark.parametrize("distribution", [("debian", "12"), ("centos", "7")])
def test_where_sshd_includes_nothing_the_setting_comes_first_in_its_own_file(tmp_path, distribution):
    refusal = operations(tmp_path, distribution=distribution)[-1]
    text = said(
        None,
        config="# BEGIN hive-nornir sshd\n# END hive-nornir sshd\nPermitRootLogin yes\n",
        includes="alone",
        effective="permitrootlogin yes\n",
    )
    change = due(refusal, text)
    assert "01-hive-users.conf" not in change.apply
    assert (
        change.diff.index("+# BEGIN hive-nornir users")
        < change.diff.index("+PermitRootLogin no")
        < change.diff.index(" # BEGIN hive-nornir sshd")
    )


def test_what_is_given_is_remembered_before(tmp_path):
    found = operations(tmp_path)
    assert found[0].name == "record of users and keys"
    text = due(found[0], "").apply
    assert all(line in text for line in ("group ops\n", "user alice\n", f"key alice {KEY}\n"))


RECORD = ["group ops", "user alice", f"key alice {KEY}"]


def test_a_record_keeps_what_is_still_to_be_taken_away():
    assert settled(remembered(RECORD), "\n".join([*RECORD, "user bob"]))
    assert "user bob\n" in due(remembered(RECORD), "user bob\n").apply


def test_who_is_not_listed_any_more_loses_every_way_in():
    change = due(withdrawn(RECORD), "\n".join([*RECORD, "user bob", "key bob ssh-rsa AAAAold"]))
    assert change.summary == "take away user bob, a key of bob"
    assert "authorized_keys" in change.apply
    assert "usermod -g" in change.apply
    assert "rm -rf" not in change.apply
    assert "AAAAold" not in change.apply  # with the user go all of its keys
    assert settled(withdrawn(RECORD), "\n".join(RECORD))


def test_an_old_key_and_an_old_groups_sudo_rule_go():
    change = due(withdrawn(RECORD), "\n".join([*RECORD, "key alice ssh-rsa AAAAold", "group for.mer"]))
    assert "grep -vF -e AAAAold" in change.apply
    assert "/etc/sudoers.d/for_mer" in change.apply
    assert "usermod" not in change.apply
