"""The role swarm as a whole, without servers."""

import threading
from types import SimpleNamespace

import pytest

from hive_nornir.operations.guard import GuardGate
from hive_nornir.tasks.cluster.swarm import SwarmVariables, swarm
from hive_nornir.tasks.role import RunOptions
from tests.tasks.servers.servers import names, server
from tests.tasks.servers.targets import SERVERS

FIRST, SECOND, _REPOSITORY = SERVERS


def steps(folder, name=FIRST, *, modes=(), facts=None, check=False, **variables):
    host = server(folder, name=name, check=check, facts={"swarm": "active", **(facts or {})}, site_groups={"first_hive": [FIRST]})
    for hive, mode in dict(modes).items():
        host.site.scope(hive)["hive_swarm_mode"] = mode
    host.options = RunOptions(GuardGate())
    host.task = SimpleNamespace(nornir=SimpleNamespace(inventory=SimpleNamespace(hosts=()), data=SimpleNamespace(failed_hosts=set())))
    v = SwarmVariables.model_validate({"hive_private_ip": SERVERS[name], "hive_home_dir": "/home/admin", **variables})
    return host, swarm.function(host, v)


def operations(folder, **options):
    return names(next(steps(folder, **options)[1]))


def test_networks_come_before_the_membership_and_labels_after_it(tmp_path):
    found = operations(tmp_path, hive_internal_cidr="172.31.252.0/22", hive_internal_cidr_v6="fd00::/64")
    assert found[:5] == [
        "network docker_gwbridge",
        "IPv6 rules of docker_gwbridge",
        "member of the swarm",
        "ingress network",
        "node of the swarm",
    ]


def test_only_the_first_hive_makes_the_ingress_network(tmp_path):
    assert operations(tmp_path, name=SECOND, hive_internal_cidr="172.31.252.0/22") == [
        "network docker_gwbridge",
        "member of the swarm",
        "node of the swarm",
    ]
    assert operations(tmp_path, name=SECOND) == ["member of the swarm", "node of the swarm"]


@pytest.mark.parametrize(("modes", "advised"), [({}, True), ({SECOND: "worker"}, False)])
def test_an_odd_number_of_managers_is_advised(tmp_path, modes, advised):
    assert any("an odd number is better" in name for name in operations(tmp_path, modes=modes)) == advised


def test_who_has_to_join_takes_a_turn_and_who_is_a_member_does_not(tmp_path):
    host, joining = steps(tmp_path, SECOND, facts={"swarm": "inactive"})
    next(joining)
    turn = host.options.shared("swarm", threading.Lock)._turn
    assert turn.locked()
    joining.close()
    assert not turn.locked()
    for options in ({}, {"facts": {"swarm": "inactive"}, "check": True}):
        host, member = steps(tmp_path, SECOND, **options)
        next(member)
        assert not host.options.shared("swarm", threading.Lock)._turn.locked()
