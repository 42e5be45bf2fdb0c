"""A made-up swarm, as the SDK shows it."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

NODES = [{"ID": f"n{number}", "Description": {"Hostname": f"p-hive{number}"}} for number in range(3)]


def task(number, slot, state="running", service="s1", node="n0"):
    container = {"ContainerID": f"c{number}"} if state in ("running", "failed") else {}
    return {"ID": f"t{number}", "ServiceID": service, "Slot": slot, "NodeID": node, "DesiredState": "running"} | {
        "Status": {"State": state, "ContainerStatus": container},
        "Spec": {"ContainerSpec": {"Image": "box:1"}},
    }


def service(name, tasks):
    return SimpleNamespace(id=name, name=name, tasks=lambda: tasks)


def swarm(*services):
    return SimpleNamespace(services=SimpleNamespace(list=lambda filters: list(services)), api=SimpleNamespace(nodes=lambda: NODES))


class Engines:
    """Engines that are all there; `asked` tells which."""

    swarm = "p-hive0.example:2376"

    def __init__(self, found):
        self.found = found
        self.asked = []

    def address(self, node):
        return f"{node}.example:2376"

    @contextmanager
    def connect(self, address, patience=0):
        self.asked.append(address)
        inspect = SimpleNamespace(inspect_container=lambda container: {"Id": container})
        yield self.found if address == self.swarm else SimpleNamespace(api=inspect)

    def docker_command(self, address):
        return ["docker", "--host", address]
