"""The role iptables on real servers: what is open, what stays shut, and that nobody is locked out on the way."""

import functools
import re
import socket
from collections.abc import Callable

import pytest

from hive_nornir import Site
from hive_nornir.connections.shell import SshTransport
from hive_nornir.operations import _firewall_decisions
from hive_nornir.operations.core import Guard
from hive_nornir.operations.firewall_rules import Family, Ruleset
from hive_nornir.tasks.servers import iptables as iptables_module
from tests.hosts.sites import changes, errors, restart, setup, shell, transport

SiteMaker = Callable[..., Site]
OWN_CHAINS = "iptables-save -t filter | grep -E '^(:|-A )HIVE-' | sed 's/ \\[.*//'; ip6tables-save -t filter | grep -E '^-A HIVE-' || :"


def reaches(site: Site, port: int) -> bool:
    """Whether this machine gets an answer from a port of the first server."""
    address = str(site.inventory.scope(site.inventory.servers[0])["hive_private_ip"])
    try:
        with socket.create_connection((address, port), timeout=2):
            return True
    except OSError:
        return False


def listen(site: Site, port: int) -> None:
    """Something that answers on the first server."""
    shell(site, f"systemd-run --quiet --unit=hive-test-{port} openssl s_server -accept {port} -nocert -quiet")
    shell(site, f"n=0; until ss -Hltn sport = :{port} | grep -q . || [ $n = 50 ]; do n=$((n+1)); sleep 0.1; done")


def test_only_ssh_is_open_now_and_after_a_restart(make_site: SiteMaker):
    site = make_site(1)
    listen(site, 8000)
    assert reaches(site, 8000)
    setup(site, "iptables")

    assert not reaches(site, 8000)
    assert reaches(site, 22)
    order = [rule.split(" -j ")[1] for rule in shell(site, "iptables -S HIVE-INPUT").splitlines() if rule.startswith("-A")]
    assert order == ["ACCEPT", "HIVE-SERVICE", "ACCEPT", "ACCEPT", "ACCEPT", "REJECT --reject-with icmp-host-prohibited"]
    assert "--dport 22" in shell(site, "ip6tables -S HIVE-INPUT")
    shell(site, "for f in v4 v6; do [ $(stat -c %a /etc/iptables/rules.$f) = 600 ]; done; iptables-restore --test </etc/iptables/rules.v4")
    assert shell(site, "systemctl is-enabled netfilter-persistent; systemctl is-active netfilter-persistent") == "enabled\nactive\n"
    assert changes(setup(site, "iptables")) == []

    # L-19: whoever waits for logins for ever lets nobody take all places.
    shell(site, "echo LoginGraceTime 0 >/etc/ssh/sshd_config.d/50-test.conf")
    assert len(changes(setup(site, "iptables"))) == 1
    assert "--hashlimit-above 5/sec" in shell(site, "iptables -S HIVE-INPUT")
    assert reaches(site, 22)
    assert changes(setup(site, "iptables")) == []
    shell(site, "rm /etc/ssh/sshd_config.d/50-test.conf")
    setup(site, "iptables")

    chains = shell(site, OWN_CHAINS)
    restart(site)
    assert shell(site, OWN_CHAINS) == chains
    listen(site, 8000)
    assert not reaches(site, 8000)
    assert changes(setup(site, "iptables")) == []


def test_a_plan_shows_the_rules_and_loads_none(make_site: SiteMaker):
    site = make_site(1)
    plan = setup(site, "iptables", check=True)
    outcomes = plan.hosts[site.inventory.servers[0]].roles["iptables"].outcomes
    assert any("--dport 22" in outcome.diff for outcome in outcomes)
    assert shell(site, "iptables-save; ls -d /etc/hive-nornir 2>/dev/null || :").find("HIVE") == -1


OLD = {
    "nftables": "printf 'table inet old { chain in { type filter hook input priority 5; tcp dport 8000 drop; }; }\\n' >/etc/nftables.conf\n"
    "systemctl enable -q nftables; systemctl restart nftables",
    "ufw": "ufw allow 22/tcp >/dev/null; ufw --force enable >/dev/null; systemctl enable -q --now ufw",
}


@pytest.mark.parametrize("old", OLD)
def test_another_firewall_gives_way_without_locking_anybody_out(make_site: SiteMaker, old: str):
    site = make_site(1)
    shell(site, f"export DEBIAN_FRONTEND=noninteractive; {{ apt-get -q update && apt-get install -qy {old}; }} >/dev/null 2>&1; {OLD[old]}")
    listen(site, 8000)
    found = changes(setup(site, "iptables"))
    assert any(f"no service {old}.service" in line for line in found)
    assert reaches(site, 22)
    assert not reaches(site, 8000)
    assert shell(site, f"systemctl is-active {old}; :").strip() == "inactive"
    assert shell(site, f"systemctl is-enabled {old} 2>/dev/null; :").strip() in ("disabled", "masked", "masked-runtime")
    assert "old" not in shell(site, "nft list tables 2>/dev/null || :")
    assert changes(setup(site, "iptables")) == []


def test_rules_without_our_way_in_undo_themselves(make_site: SiteMaker, monkeypatch: pytest.MonkeyPatch):
    site = make_site(1)
    listen(site, 8000)
    real = _firewall_decisions.baseline

    def without_ssh(_ports: object, family: Family, _gateway_ports: object, **_more: object) -> Ruleset:
        return real([2], family)

    monkeypatch.setattr(_firewall_decisions, "baseline", without_ssh)
    monkeypatch.setattr(iptables_module, "Guard", functools.partial(Guard, seconds=12))
    report = site.run("setup-hosts", roles=["iptables"])
    assert any("nobody gets in any more" in error for error in errors(report)), errors(report)
    site.close()
    assert isinstance(transport(site), SshTransport)
    assert "HIVE" not in re.sub(r"^:HIVE.*", "", shell(site, "iptables -S INPUT; ls /etc/iptables 2>/dev/null || :"))
    assert reaches(site, 8000)

    monkeypatch.undo()
    setup(site, "iptables")
    assert not reaches(site, 8000)
