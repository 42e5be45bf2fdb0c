"""A host and an engine for the daemon, of which everything can be seen; and what real ones said, recorded (Docker 26.1, Debian 13)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from ipaddress import ip_address, ip_interface
from pathlib import Path
from typing import Any

from hive_vip import links, marks, rules
from hive_vip.desired import Claim
from hive_vip.errors import CommandFailedError, SwarmSilentError
from hive_vip.labels import IPAddress, Port, Vip
from hive_vip.ledger import Entry, Ledger
from hive_vip.links import Bound, Link
from hive_vip.snapshot import Service, Swarm, Task

RECORDED = Path(__file__).parent / "recorded"
NODE, OTHER = "node-here", "node-there"
DOCKER_V4 = """\
*filter
:FORWARD ACCEPT [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A DOCKER-USER -j RETURN
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.18.0.0/16 ! -o docker_gwbridge -j MASQUERADE
COMMIT
"""


def recorded(name: str) -> str:
    return (RECORDED / name).read_text()


def api() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(recorded("api.json"))
    return found


def bound(text: str, **more: Any) -> Bound:
    """`10.0.0.4/24` as an address of an interface."""
    interface = ip_interface(text)
    return Bound(interface.ip, interface.network.prefixlen, interface.network, **more)


def vip(address: str, service: str = "web", label: str = "HIVE_VIP", ports: str = "", router: str = "", **more: Any) -> Vip:
    """A virtual IP.

    :param ports: `80 53/udp`.
    """
    found = tuple(Port(int(word.partition("/")[0]), word.partition("/")[2] or "tcp") for word in ports.split())
    return Vip(service, label, ip_address(address), router=ip_address(router) if router else None, ports=found, **more)


def claim(address: str, *, container: str = "", **more: Any) -> Claim:
    """One whose task is here, and runs."""
    return Claim(vip(address, **more), here=True, runs=True, container=ip_address(container) if container else None)


def by_address(*claims: Claim) -> dict[IPAddress, Claim]:
    return {each.vip.address: each for each in claims}


def entry(address: str, prefix: int = 24, interface: str = "eth0", **more: Any) -> Entry:
    return Entry(
        **{
            "address": ip_address(address),
            "prefix": prefix,
            "interface": interface,
            "service": "web",
            "label": "HIVE_VIP",
            "router": "",
            **more,
        }
    )


def service(name: str, created: str = "2026-11-24T16:00:00Z", **labels: str) -> Service:
    return Service(f"id-{name}", name, created, labels)


def task(name: str, node: str = NODE, *, slot: int = 1, state: str = "running", created: str = "2026-11-24T16:00:01Z") -> Task:
    return Task(f"task-{name}-{slot}-{node}", f"id-{name}", node, slot, state, created, f"container-{name}")


def ledger(folder: Path) -> Ledger:
    return Ledger.load(folder / "run" / "vip.json", folder / "lib" / "marks.json")


HERE_SWARM = Swarm("manager", NODE, [service("web", HIVE_VIP="10.0.0.9", HIVE_MARK="runs")], [task("web")])


class FakeHost:
    """A host: interfaces, a packet filter that understands what we give iptables-restore, and a memory of what was done to it."""

    def __init__(self, *interfaces: Link, v4: str = DOCKER_V4, v6: str = "") -> None:
        self.interfaces = list(interfaces) or [Link("eth0", [bound("10.0.0.4/24"), bound("fd00::4/64")], "02:42:0a:00:00:04")]
        self.chains = {4: _chains(v4), 6: _chains(v6)}
        self.done: list[str] = []
        self.announced: list[IPAddress] = []
        self.answering: set[IPAddress] = set()
        self.broken = ""

    def links(self) -> list[Link]:
        return [Link(each.name, tuple(each.bound), each.mac, each.aliases) for each in self.interfaces]

    def bound(self) -> set[str]:
        return {str(each.address) for link in self.interfaces for each in link.bound}

    def add(self, new: Entry) -> None:
        self._may("add")
        link = links.named(self.interfaces, new.interface)
        assert link
        assert str(new.address) not in {str(each.address) for each in link.bound}, "File exists"
        self._replace(link, [*link.bound, bound(f"{new.address}/{new.prefix}")])
        self.done.append(f"add {new.address}")

    def remove(self, old: Entry) -> None:
        self._may("remove")
        link = links.named(self.interfaces, old.interface)
        assert link
        rest = [each for each in link.bound if (each.address, each.prefix) != (old.address, old.prefix)]
        assert len(rest) == len(link.bound) - 1, "Cannot assign requested address"
        self._replace(link, rest)
        self.done.append(f"remove {old.address}")

    def _replace(self, link: Link, addresses: Sequence[Bound]) -> None:
        at = self.interfaces.index(link)
        self.interfaces[at] = Link(link.name, tuple(addresses), link.mac, link.aliases)

    def saved(self, version: int) -> rules.Saved:
        return rules.Saved({name: tuple(lines) for name, lines in self.chains[version].items()})

    def restore(self, version: int, text: str) -> None:
        self._may("restore")
        new = {name: list(lines) for name, lines in self.chains[version].items()}
        table = ""
        for line in text.splitlines():
            table = line[1:] if line[0] == "*" else table
            _obey(new, table, line)
        self.chains[version] = new
        self.done.append(f"restore {version}")

    def forget_flows(self, address: IPAddress) -> None:
        self.done.append(f"forget flows of {address}")

    def announce(self, new: Entry) -> None:
        self.announced.append(new.address)

    def ping(self, _new: Entry, router: IPAddress) -> None:
        if router not in self.answering:
            raise CommandFailedError("ping: exit code 1")

    def _may(self, what: str) -> None:
        if self.broken == what:
            raise CommandFailedError(f"{what} does not work")


class FakeEngine:
    """An engine, and the swarm behind it. What `swarm` is set to, it tells; an exception, it raises."""

    def __init__(self, swarm: Swarm | Exception) -> None:
        self.swarm = swarm
        self.marked: list[str] = []
        self.broken = False

    def look(self) -> Swarm:
        if isinstance(self.swarm, Exception):
            raise self.swarm
        return self.swarm

    def speaks(self) -> None:
        self.look()

    def mark(self, node_id: str, steps: Collection[marks.Step]) -> None:
        if self.broken:
            raise SwarmSilentError("update out of sequence")
        before = self.look()
        assert before.node_id == node_id
        labels = marks.after(before.node_labels, steps)
        self.swarm = Swarm(before.role, node_id, before.services, before.tasks, before.gateways, labels)
        self.marked += [str(step) for step in steps]

    def events(self) -> Iterator[dict[str, Any]]:
        yield from ()


def _chains(text: str) -> dict[tuple[str, str], list[str]]:
    return {name: list(lines) for name, lines in rules.parse(text).chains.items()}


def _obey(chains: dict[tuple[str, str], list[str]], table: str, line: str) -> None:
    """One line for iptables-restore --noflush."""
    if line[0] in "*#" or line == "COMMIT":
        return
    if line[0] == ":":
        chains[table, line[1:].split()[0]] = []
        return
    command, chain, *_ = line.split()
    rest = line.split(" ", 2)[2] if line.count(" ") > 1 else ""
    here = chains.setdefault((table, chain), [])
    if command == "-A":
        here.append(line)
    elif command == "-I":
        position, _, rule = rest.partition(" ")
        assert position == "1"
        here.insert(0, f"-A {chain} {rule}")
    elif command == "-D":
        here.remove(f"-A {chain} {rest}")
    elif command == "-X":
        assert not here, "Directory not empty"
        calls = [rule for (owner, _), lines in chains.items() if owner == table for rule in lines if rule.endswith(f"-j {chain}")]
        assert not calls, "Too many links"
        del chains[table, chain]
    else:
        raise AssertionError(line)
