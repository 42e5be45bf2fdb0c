"""Where a service is reached from outside: at its virtual addresses, and at the ports that it publishes (spec swarm-extension.md 1)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

__all__ = ["addresses"]


def addresses(variables: Mapping[str, Any], nodes: Collection[str], hives: Mapping[str, str]) -> list[str]:
    """`address:port` or, where every port of an address is the service's, `address`; in the order of the definition.

    :param variables: of the service, `hive_…`.
    :param nodes: where its tasks run, by inventory name.
    :param hives: inventory name -> address of each hive.
    """
    return [*_virtual(variables.get("hive_labels") or {}), *_published(variables.get("hive_ports") or [], nodes, hives)]


def _virtual(labels: Mapping[str, Any]) -> list[str]:
    found = []
    for name, value in labels.items():
        matched = re.fullmatch(r"HIVE_VIP(\d?)(_V6)?", name)
        if matched:
            address = str(value).partition("@")[0].partition("/")[0]
            ports = str(labels.get(f"HIVE_DNAT_PORTS{matched[1]}{matched[2] or ''}") or "").split(",")
            found += [_joined(address, port.strip()) for port in ports]
    return found


def _published(ports: Collection[Mapping[str, Any]], nodes: Collection[str], hives: Mapping[str, str]) -> list[str]:
    found = []
    for port in ports:
        number = port.get("published_port")
        # In mode host only the nodes with a task answer; else the swarm's mesh does on every one.
        names = nodes if port.get("mode") == "host" else hives
        protocol = "" if port.get("protocol", "tcp") == "tcp" else f"/{port['protocol']}"
        found += [_joined(hives[name], f"{number}{protocol}") for name in names if number and name in hives]
    return found


def _joined(address: str, port: str) -> str:
    host = f"[{address}]" if ":" in address and port else address
    return f"{host}:{port}" if port else host
