"""What would be done is told, and nothing is done."""

from __future__ import annotations

from hive_vip.desired import wanted
from hive_vip.planning import plan
from hive_vip.snapshot import Swarm
from tests.vip.fakes import NODE, FakeHost, entry, ledger, service, task


def told(folder, *services, entries=()):
    host, book = FakeHost(), ledger(folder)
    book.entries = {each.address: each for each in entries}
    swarm = Swarm("manager", NODE, services, [task("web")], {"container-web": [entry("172.18.0.3").address]}, {"taken": "true"})
    found = plan(wanted(swarm, {"hives"}), swarm, book, host.links(), {4: host.saved(4), 6: host.saved(6)}, {"hives"})
    assert host.done == []
    assert not (folder / "run").exists()
    return found


def test_nothing_to_do_is_nothing_to_say(tmp_path):
    assert told(tmp_path) == []


def test_addresses_rules_labels_and_what_cannot_be(tmp_path):
    web = service("web", HIVE_VIP="10.0.0.9", HIVE_DNAT_PORTS="80", HIVE_ROUTER="10.0.0.1", HIVE_VIP1="10.9.9.9", HIVE_MARK="taken")
    lines = told(tmp_path, web, service("bad", HIVE_VIP="x"), entries=[entry("10.0.0.7")])
    assert lines[:2] == ["forget 10.0.0.7/24 on eth0 (HIVE_VIP of web)", "add 10.0.0.9/24 on eth0 (HIVE_VIP of web)"]
    assert any(line.startswith("IPv4: -A HIVE-DNAT -d 10.0.0.9/32 ") for line in lines)
    assert lines[-3:] == [
        "cannot: no interface has a network with 10.9.9.9; name one: 10.9.9.9@INTERFACE",
        "cannot: the node has a label taken already, and it was not this daemon that set it",
        "refused: HIVE_VIP of bad: 'x' is no address",
    ]
