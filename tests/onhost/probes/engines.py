"""Engines of a swarm, as the SDK shows them: what they hold is in the form of the API's own answers."""

from __future__ import annotations

import time
from contextlib import contextmanager
from types import SimpleNamespace

from hive_onhost.failure import ENGINE, Failure

NODES = [{"ID": f"n{number}", "Description": {"Hostname": f"p-hive{number}"}} for number in range(3)]
SERVERS = [f"p-hive{number}.example" for number in range(3)]


def stamp(ago):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - ago)) + ".123456789Z"


def service(name, replicas=1, labels=None, mounts=()):
    mode = {"Global": {}} if replicas is None else {"Replicated": {"Replicas": replicas}}
    spec = {"Name": name, "Mode": mode, "TaskTemplate": {"ContainerSpec": {"Image": "box:1", "Mounts": list(mounts)}}}
    return {"ID": f"id-{name}", "Spec": spec | ({"Labels": labels} if labels else {})}


def task(service_name, container, node="n0", state="running", desired="running", ago=100):
    status = {"State": state, "Timestamp": stamp(ago), "ContainerStatus": {"ContainerID": container}}
    return {"ServiceID": f"id-{service_name}", "NodeID": node, "DesiredState": desired, "Status": status}


class Container:
    """A container whose commands answer from a table: the last word of the command -> exit code and output."""

    def __init__(self, name="box", answers=None, stats=()):
        self.name = name
        self.answers = answers or {}
        self._stats = list(stats)

    def exec_run(self, words, demux):
        assert demux
        code, out = next((answer for key, answer in self.answers.items() if key in words), (127, f"no {words}"))
        return (code, (None, out.encode())) if code else (code, (out.encode(), None))

    def stats(self, stream, one_shot):
        assert (stream, one_shot) == (False, True)
        return self._stats.pop(0)


class Engines:
    """Those of all servers.

    :param dead: servers that do not answer, and how long it takes them.
    :param info: server -> the Swarm of its `info`.
    """

    def __init__(self, services=(), tasks=(), containers=None, dead=None, workers=(), info=None):
        self.services, self.tasks, self.containers = services, tasks, containers or {}
        self.dead, self.workers, self.info = dead or {}, workers, info or {}
        self.asked = []

    @contextmanager
    def connect(self, address, patience=0):
        server = address.removesuffix(":2376")
        self.asked.append(server)
        if server in self.dead:
            time.sleep(self.dead[server])
            raise Failure(f"the Docker engine at {address}: no route", ENGINE)

        def told(found):
            if server in self.workers:
                raise Failure(f"the Docker engine at {address}: This node is not a swarm manager. Use …", ENGINE)
            return list(found)

        nodes = self.info.get(server, {}).get("nodes", NODES)
        api = SimpleNamespace(services=lambda: told(self.services), tasks=lambda: told(self.tasks), nodes=lambda: told(nodes))
        yield SimpleNamespace(
            api=api,
            containers=SimpleNamespace(get=lambda name: self.containers[name]),
            info=lambda: {"Swarm": self.info[server]},
        )
