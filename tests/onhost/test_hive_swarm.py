"""What the role swarm asks and does on a server."""

from types import SimpleNamespace

import docker
import pytest

from hive_onhost import hive_swarm
from hive_onhost.engines import Engines
from hive_onhost.failure import Failure


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setattr(hive_swarm, "time", Clock())


class Manager:
    """A manager's engine; former entries of p-hive1 go down, and can be removed, when they were asked for some times."""

    def __init__(self, *nodes, stubborn=2):
        self.entries = {each["ID"]: each for each in nodes}
        self.stubborn = stubborn
        self.api = self

    def inspect_swarm(self):
        return {"JoinTokens": {"Manager": "SWMTKN-m", "Worker": "SWMTKN-w"}}

    def nodes(self):
        return list(self.entries.values())

    def inspect_node(self, node_id):
        self.stubborn -= 1
        node = self.entries[node_id]
        return {**node, "Status": {"State": "down" if self.stubborn < 0 and node["ID"] == "old" else node["Status"]["State"]}}

    def update_node(self, node_id, version, spec):
        self.entries[node_id] = {**self.entries[node_id], "Spec": spec}

    def remove_node(self, node_id, force):
        if self.stubborn > -4 or self.entries[node_id]["Spec"]["Role"] == "manager":
            self.stubborn -= 1
            raise docker.errors.APIError("node is a manager")
        del self.entries[node_id]


def entry(node_id, name, role="manager", state="ready"):
    return {"ID": node_id, "Version": {"Index": 1}, "Description": {"Hostname": name}, "Spec": {"Role": role}, "Status": {"State": state}}


class Local:
    """Our own engine, which is a member as soon as it has joined."""

    def __init__(self, manager, *, state="active"):
        self.manager, self.state = manager, state
        self.api = self
        self.joined = None

    def info(self):
        swarm = {"LocalNodeState": self.state if self.joined else "inactive", "ControlAvailable": True, "NodeID": "new", "Error": "no way"}
        return {"Name": "p-hive1", "Swarm": swarm}

    def join_swarm(self, addresses, token, advertise_addr):
        self.joined = (addresses, token, advertise_addr)
        self.manager.entries["new"] = entry("new", "p-hive1")


def test_a_host_joins_with_the_managers_token():
    manager = Manager(entry("n0", "p-hive0"))
    local = Local(manager)
    hive_swarm.join(manager, local, "10.0.0.1:2377", "10.0.0.2", "manager")
    assert local.joined == (["10.0.0.1:2377"], "SWMTKN-m", "10.0.0.2")


def test_its_former_entry_is_removed_once_the_swarm_knows_that_it_is_gone():
    manager = Manager(entry("n0", "p-hive0"), entry("old", "p-hive1"), entry("n2", "p-hive10"))
    hive_swarm.join(manager, Local(manager), "10.0.0.1:2377", "10.0.0.2", "manager")
    assert sorted(manager.entries) == ["n0", "n2", "new"]


def test_another_host_of_the_same_name_is_left_alone():
    manager = Manager(entry("alive", "p-hive1"))
    local = Local(manager)
    with pytest.raises(Failure, match="another node p-hive1 in the swarm, and it is up"):
        hive_swarm.join(manager, local, "10.0.0.1:2377", "10.0.0.2", "manager")
    assert local.joined is None
    assert "alive" in manager.entries


def test_a_failed_joining_is_told_in_the_engines_words():
    manager = Manager()
    with pytest.raises(Failure, match="joining failed: no way"):
        hive_swarm.join(manager, Local(manager, state="error"), "10.0.0.1:2377", "10.0.0.2", "manager")


def test_a_host_that_does_not_get_there_is_given_up():
    manager = Manager()
    with pytest.raises(Failure, match="did not become a member"):
        hive_swarm.join(manager, Local(manager, state="pending"), "10.0.0.1:2377", "10.0.0.2", "manager")


def test_looking_tells_a_member_from_a_host_without_engine_and_one_that_is_silent(certificates, port, monkeypatch):
    addresses = {"member": f"localhost:{port}", "fresh": "localhost:1", "impostor": f"127.0.0.1:{port}", "nowhere": "nowhere.invalid:2376"}
    engines = SimpleNamespace(address=addresses.__getitem__, connect=Engines("", "", certificates).connect)
    found = hive_swarm.look(engines, list(addresses))
    assert found["member"] == {"state": "active", "manager": True}
    assert found["fresh"] == {"state": "none", "manager": False}
    assert [found[name]["state"] for name in ("impostor", "nowhere")] == ["", ""]
    assert "CERTIFICATE_VERIFY_FAILED" in found["impostor"]["error"]
