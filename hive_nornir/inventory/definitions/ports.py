"""The forms of a published port (spec inventory.md 5.4)."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from hive_nornir.inventory.definitions.types import Definition, WrongError, is_template

__all__ = ["PortDefinition", "PortEntry", "parse_port"]

_FORMS = "write published:target, such as 8080:80 or 53:53/udp, or only the target, such as 8081"
_SHORT = re.compile(r"(?:(?P<published>\d+):)?(?P<target>\d+)(?:/(?P<protocol>\w+))?")
_PROTOCOLS = ("tcp", "udp", "sctp")
_Number = Annotated[int, Field(ge=1, le=65535)]


class PortDefinition(Definition):
    """A port of a service. Without `published_port` one is assigned."""

    target_port: _Number = Field(description="port inside the container")
    published_port: _Number | None = Field(
        None, description="port of the servers; without it the lowest free one from 61001 is assigned and kept"
    )
    protocol: Literal["tcp", "udp", "sctp"] = Field("tcp", description="the protocol")
    mode: Literal["ingress", "host"] | None = Field(
        None, description="ingress: every hive answers and passes on; host: only hives that run a task; default Docker's, ingress"
    )

    def variables(self) -> dict[str, Any]:
        """The entry of `hive_ports`; without the keys that were not given, `protocol` always."""
        return {"protocol": self.protocol, **self.model_dump(exclude_none=True)}


def parse_port(value: Any) -> Any:
    """A port's short form (text or number) as the map that says the same; maps are given back as they are.

    :raises WrongError: for ranges, addresses, templates and whatever else is no port.
    """
    if isinstance(value, dict):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise WrongError(f"expected a port, found {value!r}", _FORMS)
    text = str(value).strip()
    if is_template(text):
        raise WrongError("templates are not evaluated in ports", "write the number")
    found = _SHORT.fullmatch(text)
    if not found:
        raise WrongError(*_why_not(text))
    protocol = found["protocol"] or "tcp"
    if protocol not in _PROTOCOLS:
        raise WrongError(f"unknown protocol {protocol!r} in port {text!r}", f"known: {', '.join(_PROTOCOLS)}")
    numbers = {"target_port": int(found["target"])}
    if found["published"]:
        numbers["published_port"] = int(found["published"])
    for number in numbers.values():
        if not 1 <= number <= 65535:
            raise WrongError(f"{number} is no port number", "ports are 1 to 65535; published:target needs quotes around it")
    return {**numbers, "protocol": protocol}


def _why_not(text: str) -> tuple[str, str]:
    if re.search(r"\d-\d", text):
        return f"port ranges are not possible: {text!r}", "write one entry for each port"
    if text.count(":") > 1 or re.match(r"\d+\.\d+", text):
        return f"a published port cannot be bound to one address: {text!r}", _FORMS
    return f"expected a port, found {text!r}", _FORMS


_SCHEMA = {
    "oneOf": [
        {"type": "string", "pattern": r"^(\d+:)?\d+(/(tcp|udp|sctp))?$"},
        {"type": "integer", "minimum": 1, "maximum": 65535},
        PortDefinition.model_json_schema(),
    ]
}
PortEntry = Annotated[PortDefinition, BeforeValidator(parse_port), WithJsonSchema(_SCHEMA)]
