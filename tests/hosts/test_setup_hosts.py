"""What setup-hosts promises as a whole, on the example site's real servers: derived from the roles' declarations, for every role alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hive_nornir import Site
from hive_nornir.plays.setup_hosts import PLAYS
from tests.hosts.sites import changes, setup, shell

ROLES = list(dict.fromkeys(role.name for play in PLAYS for role in play.roles))

# What changes by itself on a server that is only looked at: logins and logs.
STATE = (
    "find / -xdev \\( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/log -o -path /var/tmp -o -path /var/lib/docker "
    "-o -path /var/lib/systemd -o -path /root/.cache -o -path /var/lib/private \\) -prune -o "
    "-printf '%p %y %m %u %g %s %l %T@\\n' | grep -vE '^(/|/etc|/var/lib) d ' | LC_ALL=C sort | sha256sum; iptables-save | grep -v '^#'"
)


def test_a_second_run_changes_nothing_and_notes_that_all_is_well(example: Site):
    shell(example, "rm -f /var/lib/hive/last-setup", example.inventory.repository)
    report = setup(example)
    assert shell(example, "stat -c %a /var/lib/hive/last-setup", example.inventory.repository) == "644\n"
    assert changes(report) == []
    assert report.changed == 0
    assert set(report.hosts) == set(example.inventory.servers)


def test_a_plan_of_configured_servers_is_empty(example: Site):
    report = setup(example, check=True)
    assert changes(report) == []
    assert report.exit_code == 0


@pytest.mark.parametrize("role", ROLES)
def test_a_role_alone_has_nothing_to_do_and_costs_one_round_trip(example: Site, role: str):
    report = setup(example, role)
    assert report.changed == 0
    connecting, facts = 8, 1
    times = sum(role == found.name for play in PLAYS for found in play.roles)
    for host in report.hosts.values():
        assert host.round_trips <= connecting + facts + times, host


def test_a_plan_of_fresh_servers_touches_nothing(make_site: Callable[..., Site]):
    site = make_site(1, variables="hive_timezone: Asia/Tokyo\n")
    before, here = shell(site, STATE), _files(site.context.context_dir)
    report = site.run("setup-hosts", check=True)
    assert report.exit_code == 3, report.as_dict()
    assert report.changed > 20
    assert shell(site, STATE) == before
    assert _files(site.context.context_dir) == here


def test_the_record_of_a_run_holds_every_change(example: Site):
    site = example
    shell(site, "rm -f /etc/profile.d/hive.sh")
    setup(site, "pip-venv", limit=[site.inventory.servers[0]])
    newest = max((site.context.context_dir / "runs").iterdir())
    events = [json.loads(line) for line in (newest / "events.jsonl").read_text().splitlines()]
    changed = [event for event in events if event["kind"] == "operation" and event["changed"]]
    assert [(event["host"], event["role"], event["operation"]) for event in changed] == [
        (site.inventory.servers[0], "pip-venv", "file /etc/profile.d/hive.sh")
    ]
    assert "+++" in changed[0]["diff"]


def test_a_host_that_is_gone_is_unreachable_and_the_others_are_done(make_site: Callable[..., Site]):
    site = make_site(2)
    gone, alive = site.inventory.servers
    site.nornir.inventory.hosts[gone].hostname = "10.255.255.1"
    for connection in site.nornir.inventory.hosts[gone].connection_options.values():
        assert connection.extras is not None
        connection.extras["timeout"] = 2.0
    report = site.run("setup-hosts", roles=["hostsfile"])
    assert report.as_dict()["unreachable"] == [gone]
    assert report.hosts[alive].roles["hostsfile"].status == "changed"
    assert report.exit_code == 1


def _files(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_sites_own_role_ran_in_its_place(example: Site):
    for name in example.inventory.servers:
        kind = "repository server" if name == example.inventory.repository else "container host"
        assert shell(example, "cat /etc/motd", name).startswith(f"{name.split('.')[0]}, a {kind} of {example.inventory.hive_name}.")
