"""What has to be on a node, from what the swarm tells."""

from __future__ import annotations

from ipaddress import ip_address

from hive_vip.desired import wanted
from hive_vip.snapshot import Swarm
from tests.vip.fakes import NODE, OTHER, service, task

GATEWAYS = {"container-web": (ip_address("172.18.0.3"), ip_address("fd77::3"))}


def swarm(services, tasks, **more):
    return Swarm("manager", NODE, services, tasks, GATEWAYS, **more)


def test_a_running_task_here_brings_address_label_and_the_way_to_its_container():
    found = wanted(swarm([service("web", HIVE_VIP="10.0.0.9", HIVE_VIP_V6="fd00::9", HIVE_MARK="web-here")], [task("web")]))
    assert [(str(a), str(c.container), c.runs) for a, c in found.here.items()] == [
        ("10.0.0.9", "172.18.0.3", True),
        ("fd00::9", "fd77::3", True),
    ]
    assert (found.marks, found.running_here, found.notes) == ({"web-here": ["web"]}, {"web"}, ())


def test_a_task_that_starts_has_its_address_and_no_rules_yet():
    [claim] = wanted(swarm([service("web", HIVE_VIP="10.0.0.9", HIVE_DNAT_PORTS="80")], [task("web", state="starting")])).claims
    assert (claim.here, claim.runs, claim.container, claim.needs_container) == (True, False, None, True)


def test_a_task_elsewhere_or_without_a_place_brings_nothing():
    web = service("web", HIVE_VIP="10.0.0.9", HIVE_MARK="web-here")
    for tasks in ([task("web", OTHER)], [task("web", "")], []):
        found = wanted(swarm([web], tasks))
        assert (found.here, found.marks) == ({}, {})
        assert [str(claim.vip.address) for claim in found.claims] == ["10.0.0.9"]


def test_the_first_service_has_an_address_and_the_other_is_told():
    # Go leaves away the zeros at the end of a fraction: .5 is before .51
    late = service("late", "2026-11-24T16:00:00.51Z", HIVE_VIP="10.0.0.9")
    early = service("early", "2026-11-24T16:00:00.5Z", HIVE_VIP7="10.0.0.9", HIVE_VIP8="10.0.0.9")
    found = wanted(swarm([late, early], [task("late"), task("early", OTHER)]))
    assert [claim.vip.service for claim in found.claims] == ["early"]
    assert [(r.service, r.label, r.reason) for r in found.refusals] == [
        ("early", "HIVE_VIP8", "10.0.0.9 belongs to HIVE_VIP7 of early, which was first"),
        ("late", "HIVE_VIP", "10.0.0.9 belongs to HIVE_VIP7 of early, which was first"),
    ]
    assert found.here == {}


def test_of_several_tasks_the_lowest_slot_has_the_address_and_that_is_noted():
    web = service("web", HIVE_VIP="10.0.0.9", HIVE_MARK="web-here")
    here_second = wanted(swarm([web], [task("web", NODE, slot=2), task("web", OTHER, slot=1)]))
    here_first = wanted(swarm([web], [task("web", OTHER, slot=3), task("web", NODE, slot=2)]))
    assert (len(here_second.here), len(here_first.here)) == (0, 1)
    assert here_first.notes == ("web has 2 tasks: its virtual IP is where the first of them is",)
    assert here_second.marks == {"web-here": ["web"]}  # a label says where it runs, on each node


def test_a_global_service_has_its_address_at_one_node_whoever_asks():
    web = service("web", HIVE_VIP="10.0.0.9")
    tasks = [task("web", node, slot=0, created=f"2026-11-24T16:00:0{n}Z") for n, node in enumerate((OTHER, NODE))]
    assert [len(wanted(Swarm("manager", node, [web], order)).here) for node in (NODE, OTHER) for order in (tasks, tasks[::-1])] == [
        0,
        0,
        1,
        1,
    ]
    assert wanted(swarm([web], tasks)).notes


def test_a_task_keeps_the_address_until_its_successor_in_the_slot_takes_over():
    web = service("web", HIVE_VIP="10.0.0.9")
    old, new = task("web", NODE), task("web", OTHER, state="preparing", created="2026-11-24T16:00:00Z")
    assert len(wanted(swarm([web], [old, new])).here) == 1
    assert wanted(swarm([web], [old, new])).notes == ()
    assert wanted(swarm([web], [new])).here == {}


def test_two_services_may_have_one_label_and_none_may_have_a_groups():
    services = [service("web", HIVE_MARK="runs"), service("db", HIVE_MARK="runs"), service("bad", HIVE_MARK="hives")]
    found = wanted(swarm(services, [task("web"), task("db"), task("bad")]), reserved={"hives"})
    assert {name: sorted(names) for name, names in found.marks.items()} == {"runs": ["db", "web"]}
    assert [r.reason for r in found.refusals] == ["hives is the label of a group, which setup-hosts manages"]


def test_without_a_swarm_nothing_is_wanted():
    found = wanted(Swarm("inactive"))
    assert (found.here, found.marks, found.refusals) == ({}, {}, ())
