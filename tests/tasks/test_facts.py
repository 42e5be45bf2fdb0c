"""Facts of several servers: those that told, and why the others did not."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from nornir.core import Nornir
from nornir.core.inventory import Defaults, Groups, Host, Hosts, Inventory

from hive_nornir.errors import ConnectionFailed
from hive_nornir.runs.runner import HiveRunner
from hive_nornir.tasks.facts import host_facts
from tests.support.local import LocalTransport


class Silent:
    """A host that does not answer."""

    def run(self, script: str, **_: Any) -> None:
        raise ConnectionFailed("cannot connect to b: no answer within 20 s")


def nornir(**transports: Any) -> Nornir:
    hosts = Hosts({name: Host(name=name) for name in transports})
    for name, transport in transports.items():
        hosts[name].connections["hive"] = SimpleNamespace(connection=transport, close=lambda: None)  # type: ignore[assignment]
    return Nornir(inventory=Inventory(hosts=hosts, groups=Groups(), defaults=Defaults()), runner=HiveRunner())


def test_a_server_that_does_not_answer_keeps_no_other_from_telling(tmp_path: Path):
    facts = host_facts(nornir(a=LocalTransport(tmp_path), b=Silent()), ["a", "b"])
    assert list(facts) == ["a"]
    assert facts["a"].kernel
    assert list(facts.errors) == ["b"]


def test_asking_for_its_facts_raises_why(tmp_path: Path):
    facts = host_facts(nornir(b=Silent()), ["b"])
    with pytest.raises(ConnectionFailed, match="no answer"):
        facts["b"]
    with pytest.raises(KeyError):
        facts["c"]


def test_it_is_not_left_out_of_what_is_run_next(tmp_path: Path):
    servers = nornir(b=Silent())
    host_facts(servers, ["b"])
    assert not servers.data.failed_hosts


def test_only_the_servers_that_were_named_are_asked(tmp_path: Path):
    assert list(host_facts(nornir(a=LocalTransport(tmp_path), b=Silent()), ["a"])) == ["a"]


def test_a_mistake_of_ours_is_no_fact_about_a_server():
    class Broken:
        def run(self, script: str, **_: Any) -> None:
            raise TypeError("wrong")

    with pytest.raises(TypeError):
        host_facts(nornir(a=Broken()), ["a"])
