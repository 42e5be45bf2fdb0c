"""Hosts for roles that are looked at without a connection."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from hive_nornir.operations.core import Change, Observed, Operation
from hive_nornir.tasks.os import os_data
from hive_nornir.tasks.role import Target
from tests.operations.recorded import facts_like

SERVERS = {"p-hive0.example.com": "10.1.0.4", "p-hive1.example.com": "10.1.0.5", "p-hive2.example.com": "10.1.0.6"}


def target(
    context: Path,
    *,
    name: str = "p-hive0.example.com",
    distribution: tuple[str, str] = ("debian", "12"),
    user: str = "admin",
    check: bool = False,
    variables: Mapping[str, Any] | None = None,
) -> Target:
    """A server of a site of three, the last one the repository.

    :param user: as whom the product logs in.
    :param variables: of every server, beside its address.
    """
    scopes = {server: {"hive_private_ip": address, **(variables or {})} for server, address in SERVERS.items()}
    site = SimpleNamespace(
        servers=list(SERVERS),
        hives=list(SERVERS)[:2],
        repository=list(SERVERS)[2],
        hive_name="example.com",
        scope=scopes.__getitem__,
        context=SimpleNamespace(context_dir=context, known_hosts=context / "known_hosts"),
    )
    facts = facts_like(*distribution)
    found = SimpleNamespace(
        name=name,
        short_name=name.split(".")[0],
        groups=("hives", "servers"),
        site=site,
        check=check,
        facts=facts,
        os=os_data(facts),
        variables=scopes[name],
        transport=SimpleNamespace(target=SimpleNamespace(username=user)),
    )
    return cast("Target", found)


def named(operations: list[Operation], start: str) -> Operation:
    """The operation whose name begins so."""
    [found] = [operation for operation in operations if operation.name.startswith(start)]
    return found


def due(operation: Operation, text: str, *, triggered: bool = False) -> Change:
    """The change that an operation decides on."""
    change = operation.decide(Observed(text, triggered=triggered))
    assert change is not None, operation.name
    return change


def settled(operation: Operation, text: str) -> bool:
    """Whether an operation has nothing to do."""
    return operation.decide(Observed(text)) is None
