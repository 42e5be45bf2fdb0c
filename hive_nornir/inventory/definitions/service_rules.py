"""What must hold inside one service (spec inventory.md 5)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hive_nornir.inventory.definitions.findings import Finding, Place
from hive_nornir.inventory.definitions.service import ServiceDefinition
from hive_nornir.inventory.definitions.types import is_template

__all__ = ["check_name", "check_network_name", "check_service"]

_MAX_LABEL = 63
_STANDALONE_LABEL = "HIVE_STANDALONE"


def check_name(name: object) -> Iterator[Finding]:
    """A service's name is a host name in the site."""
    if not isinstance(name, str):
        yield Finding((name,), f"a service's name must be text, found {name!r}", "put quotes around it")
    elif name.startswith("hive-"):
        yield Finding((name,), "service names that start with hive- are reserved", "choose another name")
    elif not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?", name) or len(name) > _MAX_LABEL:
        yield Finding((name,), f"{name!r} is no service name", "letters, digits and hyphens, no hyphen at the ends, 63 at most")


def check_network_name(name: object) -> Iterator[Finding]:
    """A network's name is one that Docker takes."""
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        yield Finding((name,), f"{name!r} is no network name", "letters, digits, '_', '.' and '-', a letter or digit first")


def check_service(service: ServiceDefinition, place: Place) -> list[Finding]:
    """Everything that is wrong between a service's attributes.

    :param place: where it stands; the service holds its valid part.
    """
    return [*_sexagesimal_ports(place), *_ports(service), *_standalone(service), *_labels(service), *_monitoring(service, place)]


def _sexagesimal_ports(place: Place) -> Iterator[Finding]:
    """YAML 1.1 takes `22:22` for a number in base 60."""
    ports = place.raw.get("ports")
    for index, read in enumerate(ports if isinstance(ports, list) else []):
        written = place.source.written((*place.steps, "ports", index)) or ""
        if ":" in written and isinstance(read, int):
            yield Finding(("ports", index), f"YAML reads {written} without quotes as the number {read}", f'write "{written}"')


def _ports(service: ServiceDefinition) -> Iterator[Finding]:
    seen: dict[tuple[object, ...], int] = {}
    for index, port in enumerate(service.ports):
        for key in [("target", port.target_port, port.protocol, port.published_port)] + (
            [("published", port.published_port, port.protocol)] if port.published_port else []
        ):
            if key in seen and seen[key] != index:
                yield Finding(("ports", index), f"the {key[0]} port {key[1]}/{port.protocol} is given twice", "remove one of them")
                break
            seen[key] = index


def _standalone(service: ServiceDefinition) -> Iterator[Finding]:
    if service.standalone and is_template(service.cap_add):
        yield Finding(
            ("cap_add",), "expected a list; a template is not possible in a standalone service", "the tool adds capabilities to it"
        )


def _labels(service: ServiceDefinition) -> Iterator[Finding]:
    if isinstance(service.labels, dict) and _STANDALONE_LABEL in service.labels:
        yield Finding(("labels", _STANDALONE_LABEL), "this label is set by the tool", "use the attribute standalone")


def _monitoring(service: ServiceDefinition, place: Place) -> Iterator[Finding]:
    if service.ignore_error and not place.raw.get("monitor_error"):
        yield Finding(("ignore_error",), "needs monitor_error", "it takes lines out of those that monitor_error finds")
