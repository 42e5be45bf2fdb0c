"""base and the roles that follow it, on real servers of both families: what is so on the server afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hive_nornir import Site
from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Outcome
from hive_nornir.operations.engine import Engine
from hive_nornir.tasks.os import OsData, os_data
from hive_nornir.tasks.role import gather_facts
from hive_nornir.tasks.servers.base.sshd import settings_in_effect
from hive_nornir.tasks.servers.sshd import sshd_guard
from tests.hosts.sites import build, changes, setup, shell, transport, write_site

VARIABLES = "hive_timezone: Asia/Tokyo\nhive_locale: ja_JP.UTF-8\nhive_ntp_servers: [192.0.2.1, 192.0.2.2]\n"
ROLES = ("base", "hostsfile", "ntp-client", "addon")
HOOK = "# check: yes\n[ $HIVE_CHECK = 0 ] || { echo would greet; exit; }\necho $HIVE_HOST $hive_timezone $HIVE_FAMILY >>/root/greeted\n"
IMAGES = ("debian-12", "el-9")


@pytest.fixture(scope="module", params=IMAGES)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two servers on which the roles have run once."""
    site = write_site(tmp_path_factory.mktemp(request.param) / "site", 2, image=request.param, variables=VARIABLES)
    hook = site.context.root / "roles" / "addon.d" / "greet.sh"
    hook.parent.mkdir(parents=True)
    hook.write_text(HOOK)
    try:
        build(site)
        dry = setup(site, "addon", check=True)
        assert [change for change in changes(dry) if "greet" in change]
        assert shell(site, "ls /root/greeted 2>/dev/null || :") == ""
        setup(site, *ROLES)
        yield site
        site.close()
    finally:
        site.run("build-infra", destroy=True)


def os_of(site: Site) -> OsData:
    return os_data(gather_facts(transport(site), "test"))


def test_a_second_run_changes_nothing(site: Site):
    assert changes(setup(site, *ROLES)) == []


def test_the_sites_ca_is_trusted(site: Site):
    authority = (site.context.context_dir / "ca" / "cacert.pem").read_text()
    shell(site, f"openssl verify -CAfile {os_of(site).ca.bundle} <<'E'\n{authority}E")


def test_programs_are_there_and_statistics_are_collected(site: Site):
    for program in ("wget", "unzip", "strace", "tcpdump", "lsof", "sar", "rsyslogd", "chronyd", "telnet"):
        shell(site, f"command -v {program}")
    assert shell(site, "systemctl is-active sysstat; systemctl is-enabled sysstat").split() == ["active", "enabled"]
    if switch := os_of(site).sysstat.switch_file:
        assert 'ENABLED="true"' in shell(site, f"cat {switch}")


def test_the_server_has_its_name_time_zone_and_language(site: Site):
    assert shell(site, "hostname; hostnamectl --static").split() == ["p-hive0", "p-hive0"]
    assert shell(site, "date +%Z").strip() == "JST"
    assert "LANG=ja_JP.UTF-8" in shell(site, f"cat {os_of(site).locale.file}")


def test_people_log_in_with_keys_only(site: Site):
    effective = shell(site, "sshd -T").splitlines()
    assert {"passwordauthentication no", "kbdinteractiveauthentication no", "usedns no"} <= set(effective)
    assert "logingracetime 0" not in effective


def test_nothing_upgrades_the_server_unattended(site: Site):
    for unit in os_of(site).unattended:
        assert shell(site, f"systemctl is-enabled {unit} 2>/dev/null || :").strip() in ("", "disabled", "static", "not-found")


def test_servers_find_each_other_both_ways(site: Site):
    for name in site.inventory.servers:
        address = site.inventory.scope(name)["hive_private_ip"]
        assert shell(site, f"getent hosts {address}").split()[1] == name
        assert shell(site, f"getent hosts {name}").split()[0] == address


def test_the_time_comes_from_the_sites_servers_and_no_others(site: Site):
    sources = shell(site, "chronyc -n sources | sed -n 's/^^[^ ]* *\\([^ ]*\\).*/\\1/p'").split()
    assert sorted(sources) == ["192.0.2.1", "192.0.2.2"]
    assert shell(site, f"systemctl is-enabled {os_of(site).chrony.unit}").strip() == "enabled"


def test_a_hook_ran_once_and_knows_where(site: Site):
    name, family = site.inventory.servers[0], os_of(site).family
    assert shell(site, "cat /root/greeted") == f"{name} Asia/Tokyo {family}\n"


def test_a_restart_that_is_not_allowed_is_told_at_the_end_of_the_run(site: Site):
    hook = site.context.root / "roles" / "addon.d" / "restart.sh"
    hook.write_text("echo new firmware >>$HIVE_REBOOT\n")
    first = site.inventory.servers[0]
    try:
        told = setup(site, "addon", limit=[first]).notes
        assert f"{first}: reboot pending: new firmware" in told
        assert any("roles/addon.d: greet.sh (sha256 " in note for note in told)
    finally:
        hook.unlink()
        shell(site, "rm -f /run/hive-nornir.addon-reboot")


def try_settings(site: Site, settings: dict[str, str], seconds: int) -> list[Outcome]:
    """Put settings of sshd into effect on the first server."""
    data = os_of(site).sshd
    guard = replace(sshd_guard(data, "settings of sshd", [data.config, data.dropin]), seconds=seconds)
    return Engine(transport(site), "test").run([settings_in_effect(data, settings, "false", guard=guard)])


STATE = "sha256sum /etc/ssh/sshd_config /etc/ssh/sshd_config.d/* 2>/dev/null; sshd -T"


def test_settings_that_lock_out_undo_themselves(site: Site):
    before = shell(site, STATE)
    [outcome] = try_settings(site, {"AllowUsers": "nobody-at-all"}, seconds=6)
    assert isinstance(outcome.error, OperationFailed)
    assert "lets us in again" in outcome.error.message
    assert shell(site, STATE) == before
    transport(site).proof_of_entry()


@pytest.mark.parametrize("settings", [{"PasswordAuthentication": "perhaps"}, {"NoSuchOption": "yes"}])
def test_settings_that_are_wrong_are_never_installed(site: Site, settings: dict[str, str]):
    before = shell(site, STATE)
    [outcome] = try_settings(site, settings, seconds=60)
    assert outcome.status == "failed"
    assert shell(site, STATE) == before


def test_where_no_drop_ins_are_read_a_block_comes_first(site: Site):
    shell(site, "cp -a /etc/ssh /root/ssh; rm /etc/ssh/sshd_config.d/00-hive.conf")
    shell(site, "sed -i '/^Include/d' /etc/ssh/sshd_config; echo 'PasswordAuthentication yes' >>/etc/ssh/sshd_config")
    try:
        setup(site, "base", limit=[site.inventory.servers[0]])
        assert "passwordauthentication no" in shell(site, "sshd -T")
        assert shell(site, "head -n 1 /etc/ssh/sshd_config").startswith("# BEGIN hive-nornir sshd")
        assert shell(site, "ls /etc/ssh/sshd_config.d") == ""
        assert changes(setup(site, "base", limit=[site.inventory.servers[0]])) == []
    finally:
        shell(site, "rm -rf /etc/ssh; mv /root/ssh /etc/ssh; systemctl reload ssh || systemctl reload sshd")


def test_behind_a_proxy_logins_know_it(make_site: Callable[..., Site], tmp_path: Path):
    site = make_site(1, variables="hive_pip_index_url: https://index.example/simple\n")
    site.context.persistents.set("http_proxy", "127.0.0.1:1")
    again = Site.open(site.context.root, "private")
    address = again.inventory.scope(again.inventory.servers[0])["hive_private_ip"]
    shell(again, "echo 'http_proxy=http://old:1' >>/etc/environment")
    # The packages come through the proxy from now on, and there is none: what is before them is done all the same.
    again.run("setup-hosts", roles=["base"])
    text = shell(again, "cat /etc/environment")
    assert f"https_proxy=http://{address}:3128\n" in text
    assert "old" not in text
    assert "PIP_INDEX_URL=https://index.example/simple\n" in text
    assert f'Acquire::http::Proxy "http://{address}:3128";' in shell(again, "cat /etc/apt/apt.conf.d/95hive-proxy")

    again.context.persistents.unset("http_proxy")
    without = Site.open(site.context.root, "private")
    setup(without, "base")  # packages come without it at once, in the same run
    assert "proxy" not in shell(without, "cat /etc/environment; ls /etc/apt/apt.conf.d; env").lower()
    assert changes(setup(without, "base")) == []
