"""Facts, accounts, system settings, the packet filter and restarts on a real server of its own."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator

import pytest

from hive_nornir import Site
from hive_nornir.connections.shell import SshTransport
from hive_nornir.operations import accounts, firewall, system
from hive_nornir.operations.core import Operation, Outcome
from hive_nornir.operations.engine import Engine
from hive_nornir.operations.facts import Facts, facts_operation
from hive_nornir.operations.firewall_live import FilterTable
from hive_nornir.operations.firewall_rules import CHAINS, persisted_head
from hive_nornir.operations.reboot import restart_operation, wait_for_restart
from hive_nornir.tasks.os import os_data
from tests.hosts.sites import build, transport, write_site

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBvftygVPUBMfwZaF8cIIr3tjfz0oieWv6eK7QUerDLJ taro"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshTransport]:
    site: Site = write_site(tmp_path_factory.mktemp("system") / "site", 1)
    try:
        build(site)
        yield transport(site)
        site.close()
    finally:
        site.run("build-infra", destroy=True)


def say(server: SshTransport, script: str) -> str:
    done = server.run(script, deadline=60)
    assert done.exit_code == 0, (script, done.stderr.decode())
    return done.stdout.decode()


def facts(server: SshTransport) -> Facts:
    return Facts.parse(server.run(facts_operation().probe, deadline=30).stdout.decode())


def apply_twice(server: SshTransport, operations: Callable[[], list[Operation]]) -> list[Outcome]:
    """A plan that changes nothing, the changes, and then nothing left to change."""
    planned = [outcome.status for outcome in Engine(server, "server", check=True).run(operations())]
    done = Engine(server, "server").run(operations())
    assert [outcome.status for outcome in done] == [{"would-change": "changed"}.get(status, status) for status in planned], [
        (outcome.operation.name, outcome.error, outcome.stderr) for outcome in done
    ]
    again = Engine(server, "server").run(operations())
    assert [(outcome.operation.name, outcome.status) for outcome in again if outcome.status != "unchanged"] == []
    return done


def test_facts_of_a_server_in_one_round_trip(server: SshTransport) -> None:
    server.reopen(20)
    before = server.traffic.round_trips
    seen = facts(server)
    assert server.traffic.round_trips == before + 1
    assert (seen.column, seen.supported, seen.package_manager, seen.init) == ("D12", True, "apt", "systemd")
    assert seen.kernel == say(server, "uname -r").strip()
    assert seen.ssh_port == 22
    [interface] = [interface for interface in seen.interfaces if interface.name == seen.default_route]
    assert any(address.split("/")[0] == server.target.hostname for address in interface.addresses)
    assert seen.ssh_client == say(server, f"ip -o route get {seen.ssh_client} >/dev/null && echo {seen.ssh_client}").strip()
    assert seen.sshd["port"] == "22"
    assert seen.free_root > 0


def test_a_password_in_a_proxy_url_never_leaves_the_server(server: SshTransport) -> None:
    lines = "http_proxy=http://taro:s3cr3t@10.0.0.1:3128 HTTPS_PROXY=taro:s3cr3t@proxy no_proxy=a,b SECRET=s3cr3t"
    say(server, f"printf '%s\\n' {lines} >>/etc/environment")
    server.reopen(20)
    text = server.run(facts_operation().probe, deadline=30).stdout.decode()
    say(server, "sed -i '/proxy\\|PROXY\\|SECRET/d' /etc/environment")
    server.reopen(20)
    assert "s3cr3t" not in text
    seen = Facts.parse(text).admin_environment
    assert seen == {"http_proxy": "http://***@10.0.0.1:3128", "HTTPS_PROXY": "***@proxy", "no_proxy": "a,b"}
    assert facts(server).admin_environment == {}


def test_a_group_a_user_and_its_keys(server: SshTransport) -> None:
    def wanted() -> list[Operation]:
        return [
            accounts.group("ops", gid=2000),
            accounts.user("taro", uid=2001, group="ops", groups=["adm"], comment="Taro's account"),
            accounts.member("taro", "sudo"),
            accounts.authorized_keys("taro", [KEY]),
            accounts.sudoers("ops", "%ops ALL=(ALL) NOPASSWD: ALL"),
        ]

    apply_twice(server, wanted)
    assert say(server, "getent passwd taro").strip() == "taro:x:2001:2000:Taro's account:/home/taro:/bin/bash"
    assert say(server, "getent shadow taro").split(":")[1] == "*"
    assert set(say(server, "id -nG taro").split()) == {"ops", "adm", "sudo"}
    modes = "700 taro ops /home/taro/.ssh\n600 taro ops /home/taro/.ssh/authorized_keys\n440 root root /etc/sudoers.d/ops\n"
    assert say(server, "stat -c '%a %U %G %n' /home/taro/.ssh /home/taro/.ssh/authorized_keys /etc/sudoers.d/ops") == modes
    assert "NOPASSWD: ALL" in say(server, "sudo -l -U taro")
    assert say(server, "runuser -u taro -- sudo -n id -u").strip() == "0"


def test_a_bad_sudoers_file_is_not_installed(server: SshTransport) -> None:
    [outcome] = Engine(server, "server").run([accounts.sudoers("bad", "%ops ALL=(ALL NOPASSWD ALL")])
    assert (outcome.status, "not valid" in outcome.stderr) == ("failed", True)
    assert say(server, "ls -A /etc/sudoers.d | grep -c bad || :").strip() == "0"


def test_a_link_in_a_home_leads_root_nowhere(server: SshTransport) -> None:
    say(server, "useradd -m mallory; install -d -o mallory -m 700 /home/mallory/.ssh; ln -s /etc/shadow /home/mallory/.ssh/authorized_keys")
    before = say(server, "stat -c '%a %U' /etc/shadow; sha256sum /etc/shadow")
    outcomes = Engine(server, "server").run([accounts.authorized_keys("mallory", [KEY])])
    assert outcomes[0].status == "failed"
    assert "root:" not in outcomes[0].diff
    assert say(server, "stat -c '%a %U' /etc/shadow; sha256sum /etc/shadow") == before


def test_host_name_time_zone_and_locale(server: SshTransport) -> None:
    apply_twice(server, lambda: [system.hostname("p-other"), system.timezone("Asia/Tokyo"), system.locale("ja_JP.UTF-8", family="debian")])
    assert say(server, "hostnamectl --static; uname -n; cat /etc/hostname").split() == ["p-other"] * 3
    assert say(server, "timedatectl show -p Timezone --value; date +%Z").split() == ["Asia/Tokyo", "JST"]
    assert say(server, "localectl status").count("LANG=ja_JP.UTF-8") == 1
    assert "月" in say(server, "LC_ALL=ja_JP.UTF-8 date +%B")


def test_kernel_settings_are_live_and_kept(server: SshTransport) -> None:
    path = "/etc/sysctl.d/90-hive.conf"
    say(server, f"printf '%s\\n' '# of somebody' 'net.ipv4.tcp_syncookies = 1' >{path}")
    apply_twice(server, lambda: [system.sysctl(path, {"net.ipv4.ip_forward": 1, "net.ipv4.tcp_rmem": "131072 1048576 16777216"})])
    assert say(server, "cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/tcp_rmem").split() == ["1", "131072", "1048576", "16777216"]
    lines = say(server, f"cat {path}").splitlines()
    assert lines == [
        "# of somebody",
        "net.ipv4.tcp_syncookies = 1",
        "net.ipv4.ip_forward = 1",
        "net.ipv4.tcp_rmem = 131072 1048576 16777216",
    ]
    [outcome] = Engine(server, "server").run([system.sysctl(path, {"net.ipv4.no_such_setting": 1})])
    assert (outcome.status, "this kernel has no net.ipv4.no_such_setting" in str(outcome.error)) == ("failed", True)


def filter_of(server: SshTransport) -> FilterTable:
    return FilterTable.parse(say(server, "iptables-save -t filter"))


def test_the_packet_filter_beside_rules_of_others(server: SshTransport) -> None:
    os = os_data(facts(server))
    looked = say(server, "iptables-save; ip6tables-save")
    sets = [
        ("docker_api_swarm", "tcp", [2376, 2377, 7946], ["10.0.0.4", "10.0.0.5"]),
        ("drbd", "tcp", ["7000:7999"], ["10.0.0.0/24", "2001:db8::/64"]),
    ]

    def named() -> list[Operation]:
        return [operation for one in sets for operation in firewall.named_set(os, *one)]  # type: ignore[arg-type]

    [failed, not_run] = Engine(server, "server").run(named())
    assert (failed.status, not_run.status) == ("failed", "not-run")
    assert "run the role iptables first" in failed.stderr
    Engine(server, "server", check=True).run(firewall.base_ruleset(os, [22]))
    without_dates = [line for line in looked.splitlines() if not line.startswith("#")]
    now = say(server, "iptables-save; ip6tables-save")
    assert [line for line in now.splitlines() if not line.startswith("#")] == without_dates, "looking changed something"

    say(server, "iptables -N DOCKER; iptables -A DOCKER -p tcp --dport 80 -j ACCEPT; iptables -I FORWARD -j DOCKER")
    say(server, "iptables -N f2b; iptables -I INPUT -j f2b")
    apply_twice(server, lambda: firewall.base_ruleset(os, [22]))
    apply_twice(server, named)
    table = filter_of(server)
    assert table.chains["INPUT"] == ("-A INPUT -j f2b", "-A INPUT -j HIVE-INPUT")
    assert table.chains["FORWARD"] == ("-A FORWARD -j DOCKER", "-A FORWARD -j HIVE-FORWARD")
    assert len(table.chains["DOCKER"]) == 1
    assert [rule.split('"')[1] for rule in table.chains["HIVE-SERVICE"]] == ["allow docker_api_swarm"] * 2 + ["allow drbd"]
    kept = FilterTable.parse(say(server, f"cat {os.firewall.file_v4}"))
    assert {chain: table.chains[chain] for chain in CHAINS} == {chain: kept.chains[chain] for chain in CHAINS}
    assert "DOCKER" not in kept.chains
    say(server, f"iptables-restore --test <{os.firewall.file_v4}; ip6tables-restore --test <{os.firewall.file_v6}")
    assert say(server, f"stat -c %a {os.firewall.file_v4} {os.firewall.file_v6}").split() == ["600", "600"]
    assert persisted_head()[0] in say(server, f"cat {os.firewall.file_v6}")

    sets[0] = ("docker_api_swarm", "tcp", [2376, 2377, 7946], ["10.0.0.5"])
    sets[1] = ("drbd", "tcp", ["7000:7999"], [])
    apply_twice(server, named)
    assert len(filter_of(server).chains["HIVE-SERVICE"]) == 1
    say(server, "iptables -F HIVE-INPUT; iptables -A INPUT -j HIVE-INPUT; ip6tables -D INPUT -j HIVE-INPUT")
    say(server, "rm /etc/hive-nornir/firewall.d/v4/80-ssh")
    apply_twice(server, lambda: [*firewall.base_ruleset(os, [22]), *named()])
    assert filter_of(server).chains["INPUT"].count("-A INPUT -j HIVE-INPUT") == 1

    published = firewall.published_set(os, "registry", "tcp", [5000], ["10.0.0.5", "2001:db8::5"])
    [refused] = Engine(server, "server").run(published)
    assert "does not filter IPv4 by DOCKER-USER" in str(refused.error)
    say(server, "iptables -I FORWARD -j DOCKER-USER; iptables -A DOCKER-USER -s 192.0.2.1 -j DROP; iptables -A DOCKER-USER -j RETURN")
    say(server, "iptables -D DOCKER-USER -j HIVE-PUBLISHED; iptables -A DOCKER-USER -j HIVE-PUBLISHED")
    apply_twice(server, lambda: firewall.published_set(os, "registry", "tcp", [5000], ["10.0.0.5", "2001:db8::5"]))
    table, kept = filter_of(server), FilterTable.parse(say(server, f"cat {os.firewall.file_v4}"))
    calls = ["-A DOCKER-USER -s 192.0.2.1/32 -j DROP", "-A DOCKER-USER -j HIVE-PUBLISHED", "-A DOCKER-USER -j RETURN"]
    assert list(table.chains["DOCKER-USER"]) == calls
    assert {chain: table.chains[chain] for chain in CHAINS} == {chain: kept.chains[chain] for chain in CHAINS}
    assert kept.chains["DOCKER-USER"] == ("-A DOCKER-USER -j HIVE-PUBLISHED",)
    assert say(server, "ip6tables -S HIVE-PUBLISHED").count("published registry") == 2
    apply_twice(server, lambda: firewall.published_set(os, "registry", "tcp", [], []))
    assert "registry" not in say(server, f"iptables-save; ip6tables-save; cat {os.firewall.file_v4} {os.firewall.file_v6}")


def test_rules_that_lock_the_operator_out_undo_themselves(server: SshTransport) -> None:
    os = os_data(facts(server))
    look = f"iptables-save -t filter | sed 's/ .[0-9]*:[0-9]*.$//; /^#/d'; cat {os.firewall.file_v4}; ls /etc/hive-nornir/firewall.d/v4"
    apply_twice(server, lambda: firewall.base_ruleset(os, [22]))
    before = say(server, look)
    [operation] = firewall.base_ruleset(os, [10022])
    assert operation.guard is not None
    operation.guard = dataclasses.replace(operation.guard, seconds=16)
    began = time.monotonic()
    [outcome] = Engine(server, "server").run([operation])
    assert outcome.status == "failed"
    assert "lets us in again" in str(outcome.error)
    assert time.monotonic() - began < 60
    server.proof_of_entry()
    assert say(server, look) == before


def test_a_restart_is_waited_for(server: SshTransport) -> None:
    before = facts(server)
    [pending] = Engine(server, "server").run([restart_operation(["new kernel"], before.boot_id, allowed=False)])
    assert (pending.status, pending.operation.name) == ("unchanged", "reboot pending: new kernel")
    assert facts(server).boot_id == before.boot_id
    [restart] = Engine(server, "server").run([restart_operation(["new kernel"], before.boot_id, allowed=True)])
    assert restart.status == "changed", restart.error
    wait_for_restart(server, "server", before.boot_id, limit=60)
    assert facts(server).boot_id != before.boot_id
