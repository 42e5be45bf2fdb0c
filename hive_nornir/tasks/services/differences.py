"""In which fields a service of the swarm differs from what it is to be, in plain words.

Both are brought into one form first: named fields with texts, without what Docker fills in by itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Difference", "compared", "fields", "lines", "summary"]

HIDDEN = "(not shown)"
_SECRET = re.compile(r"pass|pwd|secret|token|credential|private|auth|api_?key|access_?key", re.IGNORECASE)
_SHORT = 40
_SECOND = 1_000_000_000
# The engine's own defaults (swarmkit, api/defaults/service.go).
_GRACE, _RESTART = 10 * _SECOND, {"Condition": "any", "Delay": 5 * _SECOND, "MaxAttempts": 0, "Window": 0}
# What has a field of its own, or means nothing: who asked for a restart, which platforms the image is for.
_CONTAINER = {
    *("Image", "Command", "Args", "Hostname", "Env", "Dir", "User", "Mounts", "StopGracePeriod", "Healthcheck", "Hosts", "DNSConfig"),
    *("CapabilityAdd", "CapabilityDrop", "Sysctls", "Isolation"),
}
_TEMPLATE = {
    *("ContainerSpec", "Resources", "RestartPolicy", "Placement", "LogDriver", "Networks"),
    *("ForceUpdate", "Runtime", "PluginSpec"),
}
_PLACEMENT = {"Constraints", "Preferences", "Platforms"}


@dataclass(frozen=True)
class Difference:
    """A field that differs.

    :param field: in plain words: `image`, `environment DB_HOST`.
    :param before: what the service has, "" for nothing.
    :param after: what it is to have.
    """

    field: str
    before: str
    after: str


def compared(present: Mapping[str, str], wanted: Mapping[str, str], secrets: Collection[str] = ()) -> list[Difference]:
    """Every field that differs, in order.

    :param present: the service's `fields`; {} for none.
    :param wanted: those that it is to have.
    :param secrets: a value with one of these in it is not shown, nor is one whose name says that it is a secret.
    """
    names = [*wanted, *(name for name in present if name not in wanted)]
    found = []
    for name in names:
        before, after = present.get(name, ""), wanted.get(name, "")
        if before == after or (name == "replicas" and not after):
            continue
        if name == "image" and "@" not in after and before.partition("@")[0] == after:
            continue  # nobody could be asked which one it is now
        hide = _is_secret(name) or any(secret in value for secret in secrets if secret for value in (before, after))
        found.append(Difference(name, HIDDEN if hide and before else before, HIDDEN if hide and after else after))
    return found


def summary(differences: Iterable[Difference]) -> str:
    """The fields that are updated, with their values where these are short: `update replicas 1 -> 2, environment DB_PASSWORD`."""
    return "update " + ", ".join(_words(each) for each in differences)


def lines(differences: Iterable[Difference]) -> str:
    """The differences as a diff."""
    shown = []
    for each in differences:
        shown += [f"{sign} {each.field}: {value}" for sign, value in (("-", each.before), ("+", each.after)) if value]
    return "\n".join(shown)


def fields(spec: Mapping[str, Any], networks: Mapping[str, str]) -> dict[str, str]:
    """A service's fields, those that are not empty.

    :param spec: a ServiceSpec, ours or as the engine shows it.
    :param networks: id -> name of the swarm's networks.
    """
    template = spec["TaskTemplate"]
    container = template["ContainerSpec"]
    replicated = spec["Mode"].get("Replicated")
    attached = template.get("Networks") or spec.get("Networks") or []
    found = {
        "image": container["Image"],
        "mode": "global" if replicated is None else "replicated",
        "replicas": str((replicated or {}).get("Replicas", "")),
        "entrypoint": _listed(container.get("Command")),
        "command": _listed(container.get("Args")),
        "host name": container.get("Hostname"),
        "user": container.get("User"),
        "working directory": container.get("Dir"),
        "networks": ", ".join(sorted(_network(each, networks) for each in attached)),
        "endpoint mode": spec.get("EndpointSpec", {}).get("Mode") or "vip",
        "ports": ", ".join(sorted(_port(each) for each in spec.get("EndpointSpec", {}).get("Ports") or [])),
        "healthcheck": _compact(container.get("Healthcheck")),
        "stop grace period": _seconds(container.get("StopGracePeriod") or _GRACE),
        "dns": _compact(container.get("DNSConfig")),
        "added capabilities": _capabilities(container.get("CapabilityAdd")),
        "dropped capabilities": _capabilities(container.get("CapabilityDrop")),
        **_named("environment", dict(each.partition("=")[::2] for each in container.get("Env") or [])),
        **_named("label", spec.get("Labels")),
        **_named("volume", {mount["Target"]: _mount(mount) for mount in container.get("Mounts") or []}),
        **_named("host", dict(each.split(maxsplit=1)[::-1] for each in container.get("Hosts") or [])),
        **_named("sysctl", container.get("Sysctls")),
        **_placement(template.get("Placement") or {}),
        **_restart(template.get("RestartPolicy") or {}),
        **_logging(template.get("LogDriver") or {}),
        **_resources(template.get("Resources") or {}),
        **_rest(container, _CONTAINER),
        **_rest(template, _TEMPLATE),
    }
    # A value that is empty is not the same as none at all, for environments and labels.
    return {name: "(empty)" if value == "" else str(value) for name, value in found.items() if _is_there(name, value)}


def _is_there(name: str, value: Any) -> bool:
    return bool(value) or (value == "" and name.startswith(("environment ", "label ")))


def _is_secret(name: str) -> bool:
    kind, _, own = name.partition(" ")
    return kind in ("environment", "label", "logging") and bool(_SECRET.search(own))


def _words(difference: Difference) -> str:
    before, after = difference.before or "none", difference.after or "none"
    if HIDDEN in (before, after) or len(before) + len(after) > _SHORT:
        return difference.field
    return f"{difference.field} {before} -> {after}"


def _named(kind: str, values: Mapping[str, Any] | None) -> dict[str, str]:
    return {f"{kind} {name}": str(value) for name, value in sorted((values or {}).items())}


def _listed(value: Any) -> str:
    return json.dumps(value) if value else ""


def _compact(value: Any) -> str:
    """JSON of what is not empty."""
    kept = _without_empty(value)
    return json.dumps(kept, sort_keys=True) if kept else ""


def _without_empty(value: Any) -> Any:
    if isinstance(value, Mapping):
        kept = {key: _without_empty(each) for key, each in value.items()}
        return {key: each for key, each in kept.items() if each not in (None, "", 0, False, [], {})}
    return value


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds / _SECOND:g}s"


def _network(attachment: Mapping[str, Any], networks: Mapping[str, str]) -> str:
    name = networks.get(attachment["Target"], attachment["Target"])
    aliases = f" as {' '.join(sorted(attachment['Aliases']))}" if attachment.get("Aliases") else ""
    options = f" with {_compact(attachment['DriverOpts'])}" if attachment.get("DriverOpts") else ""
    return f"{name}{aliases}{options}"


def _port(port: Mapping[str, Any]) -> str:
    mode = "" if port.get("PublishMode", "ingress") == "ingress" else f" on the {port['PublishMode']}"
    return f"{port.get('PublishedPort') or 'any'}:{port['TargetPort']}/{port.get('Protocol', 'tcp')}{mode}"


def _mount(mount: Mapping[str, Any]) -> str:
    more = _compact({key: value for key, value in mount.items() if key not in ("Type", "Source", "Target", "ReadOnly")})
    words = [mount.get("Type", "volume"), mount.get("Source") or "", "read-only" if mount.get("ReadOnly") else "", more]
    return " ".join(word for word in words if word)


def _capabilities(names: Iterable[str] | None) -> str:
    """The engine knows them with and without CAP_."""
    return ", ".join(sorted({name.upper().removeprefix("CAP_") for name in names or []}))


def _placement(placement: Mapping[str, Any]) -> dict[str, str]:
    constraints = sorted(re.sub(r"\s*(==|!=)\s*", r" \1 ", each) for each in placement.get("Constraints") or [])
    preferences = [each["Spread"]["SpreadDescriptor"] for each in placement.get("Preferences") or []]
    return {"constraints": ", ".join(constraints), "spread over": ", ".join(preferences), **_rest(placement, _PLACEMENT)}


def _restart(policy: Mapping[str, Any]) -> dict[str, str]:
    full = {**_RESTART, **{key: value for key, value in policy.items() if value is not None}}
    return {
        "restart condition": full["Condition"],
        "restart delay": _seconds(full["Delay"]),
        "restart attempts": str(full["MaxAttempts"] or "no limit"),
        "restart window": _seconds(full["Window"]),
    }


def _logging(driver: Mapping[str, Any]) -> dict[str, str]:
    return {"logging driver": driver.get("Name") or "of the engine", **_named("logging", driver.get("Options"))}


def _resources(resources: Mapping[str, Any]) -> dict[str, str]:
    limits = dict(resources.get("Limits") or {})
    cpu, memory = limits.pop("NanoCPUs", 0), limits.pop("MemoryBytes", 0)
    return {
        "cpu limit": f"{cpu / _SECOND:g}" if cpu else "",
        "memory limit": f"{memory / 1024 / 1024:g}M" if memory else "",
        "other limits": _compact(limits),
        "reservations": _compact(resources.get("Reservations")),
    }


def _rest(part: Mapping[str, Any], known: Collection[str]) -> dict[str, str]:
    """What is set that no attribute of ours says, such as by an operator's `docker service update --read-only`."""
    return {f"setting {key}": _compact(value) for key, value in sorted(part.items()) if key not in known}
