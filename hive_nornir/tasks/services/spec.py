"""What a service is to be, in the words of Docker's API (spec images-networks-volumes-services.md 4.1).

The keys are those of `ServiceSpec` in the API's description.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docker.types import (
    ContainerSpec,
    DNSConfig,
    DriverConfig,
    EndpointSpec,
    Mount,
    NetworkAttachmentConfig,
    Placement,
    Resources,
    TaskTemplate,
)

from hive_nornir.errors import nearest
from hive_nornir.tasks.services.attributes import (
    Attributes,
    WrongValueError,
    flag,
    label,
    mapping,
    nanocpus,
    nanoseconds,
    number,
    octets,
    text,
    texts,
    words,
)
from hive_nornir.tasks.services.surroundings import Surroundings

__all__ = ["LABEL", "service_spec"]

# On every service that is ours.
LABEL = "HIVE_STANDALONE"


def service_spec(name: str, variables: Mapping[str, Any], around: Surroundings, image: str) -> dict[str, Any]:
    """The ServiceSpec of a service.

    Without the attribute `replicas` the spec has no number of them: a new service begins with one, an existing one keeps its own.

    :param variables: of the service, `hive_…`.
    :param image: what its containers run.
    :raises DefinitionErrors: attributes are wrong or do not go together; with all of them.
    """
    own = Attributes(name, variables)
    template = TaskTemplate(
        _container(own, around, image),
        resources=_resources(own),
        placement=own.get("placement", _placement),
        log_driver=own.get("logging", lambda given: _logging(name, given, around)) or _logging(name, {}, around),
    )
    attached = own.get("networks", lambda given: _networks(given, around))
    template["Networks"] = _networks(around.networks, around) if attached is None else attached
    if policy := own.get("restart_config", _restart_policy):
        template["RestartPolicy"] = policy
    mode, endpoint, labels = _mode(own), _endpoint(own), _labels(own)
    own.finish()
    return {"Name": name, "Labels": labels, "TaskTemplate": template, "Mode": mode, "EndpointSpec": endpoint}


def _container(own: Attributes, around: Surroundings, image: str) -> ContainerSpec:
    environment = {**around.proxy, **(own.get("environment", mapping) or {})}
    hosts = {**around.servers, **(own.get("hosts", mapping) or {})}
    nameservers = own.get("dns", texts)
    found = ContainerSpec(
        image,
        command=own.get("entrypoint", words),
        args=own.get("command", words),
        hostname=own.service,
        env=[f"{key}={'' if value is None else text(value)}" for key, value in environment.items()],
        workdir=own.get("working_dir", text),
        user=own.get("user", text),
        mounts=own.get("volumes", lambda given: _mounts(given, around)) or [],
        stop_grace_period=own.get("stop_grace_period", nanoseconds),
        hosts={key: text(value) for key, value in hosts.items()},
        dns_config=DNSConfig(nameservers=nameservers) if nameservers else None,
        cap_add=own.get("cap_add", texts) or [],
        cap_drop=own.get("cap_drop", texts) or [],
        sysctls={key: text(value) for key, value in (own.get("sysctls", mapping) or {}).items()},
    )
    if healthcheck := own.get("healthcheck", _healthcheck):
        found["Healthcheck"] = healthcheck
    return found


def _labels(own: Attributes) -> dict[str, str]:
    given = {key: label(value) for key, value in (own.get("labels", mapping) or {}).items()}
    return {**given, LABEL: str(bool(own.get("standalone", flag)))}


def _mounts(given: Any, around: Surroundings) -> list[Mount]:
    found: list[Mount] = []
    for entry in given:
        source, target = text(entry.get("source") or ""), text(entry["target"])
        # hive-builder's sites leave the type of binds out; a volume of build-volumes is never a path.
        kind: Any = text(entry.get("type") or ("volume" if source in around.volumes else "bind"))
        _mount_fits(kind, source, target)
        if any(target == other["Target"] for other in found):
            raise WrongValueError(f"two volumes are mounted on {target}")
        found.append(Mount(target, source or None, type=kind, read_only=flag(entry.get("readonly") or False)))
    return found


def _mount_fits(kind: str, source: str, target: str) -> None:
    if kind not in ("bind", "volume", "tmpfs"):
        raise WrongValueError(f"{target}: the type is bind, volume or tmpfs, not {kind!r}")
    if not target.startswith("/"):
        raise WrongValueError(f"{target}: the target is an absolute path")
    if kind == "bind" and not source.startswith("/"):
        raise WrongValueError(f"{target}: {source!r} is no path of the host", "a volume's name needs `type: volume`")
    if kind == "volume" and (not source or source.startswith("/")):
        raise WrongValueError(f"{target}: {source!r} is no name of a volume", "a path of the host needs `type: bind`")
    if kind == "tmpfs" and source:
        raise WrongValueError(f"{target}: a tmpfs has no source, found {source!r}")


def _networks(given: Any, around: Surroundings) -> list[NetworkAttachmentConfig]:
    entries = [each if isinstance(each, Mapping) else {"name": each} for each in given]
    found = []
    for entry in entries:
        network = text(entry["name"])
        if network not in around.networks:
            raise WrongValueError(f"the stage has no network {network!r}", nearest(network, around.networks))
        options = {key: text(value) for key, value in mapping(entry.get("options") or {}).items()}
        found.append(NetworkAttachmentConfig(network, aliases=texts(entry.get("aliases") or []) or None, options=options or None))
    if len({each["Target"] for each in found}) < len(found):
        raise WrongValueError("a network is named twice")
    return found


def _healthcheck(given: Any) -> dict[str, Any]:
    test = given["test"]
    # As in Docker's Compose: a text is for a shell, a list says NONE, CMD or CMD-SHELL first, and without that it is a program's.
    command = ["CMD-SHELL", test] if isinstance(test, str) else texts(test)
    if command[:1] not in (["CMD"], ["CMD-SHELL"], ["NONE"]):
        command = ["CMD", *command]
    if test == "NONE":
        command = ["NONE"]
    times = {"interval": "Interval", "timeout": "Timeout", "start_period": "StartPeriod"}
    found = {key: nanoseconds(given[name]) for name, key in times.items() if given.get(name) is not None}
    retries = {"Retries": number(given["retries"])} if given.get("retries") is not None else {}
    return {"Test": command, **found, **retries}


def _resources(own: Attributes) -> Resources | None:
    cpu, memory = own.get("cpu_limit", nanocpus), own.get("mem_limit", octets)
    return Resources(cpu_limit=cpu, mem_limit=memory) if cpu or memory else None


def _restart_policy(given: Any) -> dict[str, Any]:
    """Only what is given: what docker's own class fills in is not the engine's default."""
    known = {
        "condition": ("Condition", text),
        "delay": ("Delay", nanoseconds),
        "max_attempts": ("MaxAttempts", number),
        "window": ("Window", nanoseconds),
    }
    return {key: convert(given[name]) for name, (key, convert) in known.items() if given.get(name) is not None}


def _placement(given: Any) -> Placement:
    constraints = texts(given.get("constraints") or [])
    for constraint in constraints:
        if "==" not in constraint and "!=" not in constraint:
            raise WrongValueError(f"{constraint!r} is no constraint", "write for example node.hostname == p-hive0")
    return Placement(constraints=constraints, preferences=[_preference(each) for each in given.get("preferences") or []])


def _preference(given: Any) -> tuple[str, str]:
    """`spread: node.labels.zone` as hive-builder has it, or as the API writes it."""
    spread = next((value for key, value in given.items() if str(key).lower() == "spread"), None) if isinstance(given, Mapping) else None
    if isinstance(spread, Mapping):
        spread = spread.get("SpreadDescriptor")
    if not isinstance(spread, str) or len(given) != 1:
        raise WrongValueError(f"expected a preference such as spread: node.labels.zone, found {given!r}")
    return "spread", spread


def _logging(name: str, given: Mapping[str, Any], around: Surroundings) -> DriverConfig:
    """The driver that is given; without one, syslog to the repository, with the options that are given added."""
    options = {key: text(value) for key, value in (given.get("options") or {}).items()}
    if driver := given.get("driver"):
        return DriverConfig(text(driver), options)
    return DriverConfig("syslog", {**around.log_options, "tag": name, **options})


def _mode(own: Attributes) -> dict[str, Any]:
    mode, given = own.get("mode", text) or "replicated", own.get("replicas", number)
    replicas = -1 if given is None else given
    if mode not in ("replicated", "global"):
        own.wrong("mode", f"expected replicated or global, found {mode!r}")
    if replicas < -1:
        own.wrong("replicas", f"expected a number of tasks, found {replicas}")
    if mode == "global":
        if replicas >= 0:
            own.wrong("replicas", "a global service has a task on each node", "remove replicas, or make the mode replicated")
        return {"Global": {}}
    return {"Replicated": {"Replicas": replicas} if replicas >= 0 else {}}


def _endpoint(own: Attributes) -> EndpointSpec:
    mode = own.get("endpoint_mode", text) or "vip"
    if mode not in ("vip", "dnsrr"):
        own.wrong("endpoint_mode", f"expected vip or dnsrr, found {mode!r}")
    ports = own.get("ports", _ports) or []
    through_ingress = [f"{port['PublishedPort']}:{port['TargetPort']}" for port in ports if port["PublishMode"] == "ingress"]
    if mode == "dnsrr" and through_ingress:
        own.wrong(
            "ports", f"{', '.join(through_ingress)} cannot be published with endpoint_mode dnsrr", "give them `mode: host`, or use vip"
        )
    return EndpointSpec(mode=mode, ports=ports)


def _ports(given: Any) -> list[dict[str, Any]]:
    return [
        {
            "Protocol": text(port.get("protocol") or "tcp"),
            "TargetPort": number(port["target_port"]),
            "PublishedPort": number(port.get("published_port") or 0),
            "PublishMode": text(port.get("mode") or "ingress"),
        }
        for port in given
    ]
