"""Every attribute of a service as Docker's API is given it; and what is refused before anything is touched."""

from __future__ import annotations

from typing import Any

import pytest

from hive_nornir.errors import DefinitionErrors
from hive_nornir.inventory.definitions.service import ServiceDefinition
from hive_nornir.tasks.services.spec import service_spec
from hive_nornir.tasks.services.surroundings import Surroundings

AROUND = Surroundings(
    networks=("hive_default_network", "inner"),
    servers={"p-hive0.t": "10.0.0.4", "p-hive1.t": "10.0.0.5"},
    volumes=frozenset(["data"]),
    log_options={"syslog-address": "udp://p-hive1.t:10514", "syslog-facility": "local0"},
    proxy={"http_proxy": "http://10.0.0.4:3128", "HTTP_PROXY": "http://10.0.0.4:3128"},
)
SECOND = 1_000_000_000


def spec(around: Surroundings = AROUND, **attributes: Any) -> dict[str, Any]:
    return service_spec("web", {f"hive_{name}": value for name, value in attributes.items()}, around, "nginx:1@sha256:0")


def part(path: str, **attributes: Any) -> Any:
    found: Any = spec(**attributes)
    for step in path.split("."):
        found = found[step]
    return found


CONTAINER = "TaskTemplate.ContainerSpec"
# attribute, its value, where it stands in the API, what stands there
ATTRIBUTES = [
    ("command", "serve --port '80 81'", f"{CONTAINER}.Args", ["serve", "--port", "80 81"]),
    ("command", ["serve", 80, True], f"{CONTAINER}.Args", ["serve", "80", "true"]),
    ("entrypoint", ["/bin/sh", "-c"], f"{CONTAINER}.Command", ["/bin/sh", "-c"]),
    ("working_dir", "/srv", f"{CONTAINER}.Dir", "/srv"),
    ("user", 1000, f"{CONTAINER}.User", "1000"),
    ("stop_grace_period", "1m30s", f"{CONTAINER}.StopGracePeriod", 90 * SECOND),
    ("dns", "10.0.0.1", f"{CONTAINER}.DNSConfig.Nameservers", ["10.0.0.1"]),
    ("cap_add", ["NET_ADMIN"], f"{CONTAINER}.CapabilityAdd", ["NET_ADMIN"]),
    ("cap_drop", ["ALL"], f"{CONTAINER}.CapabilityDrop", ["ALL"]),
    ("sysctls", {"net.core.somaxconn": 512}, f"{CONTAINER}.Sysctls", {"net.core.somaxconn": "512"}),
    ("hosts", {"db": "10.9.9.9"}, f"{CONTAINER}.Hosts", ["10.9.9.9 db", "10.0.0.4 p-hive0.t", "10.0.0.5 p-hive1.t"]),
    (
        "healthcheck",
        {"test": "curl -f localhost", "interval": "10s", "timeout": "500ms", "retries": 3, "start_period": "1m"},
        f"{CONTAINER}.Healthcheck",
        {
            "Test": ["CMD-SHELL", "curl -f localhost"],
            "Interval": 10 * SECOND,
            "Timeout": SECOND // 2,
            "Retries": 3,
            "StartPeriod": 60 * SECOND,
        },
    ),
    ("healthcheck", {"test": ["NONE"]}, f"{CONTAINER}.Healthcheck", {"Test": ["NONE"]}),
    ("healthcheck", {"test": ["CMD", "true"]}, f"{CONTAINER}.Healthcheck", {"Test": ["CMD", "true"]}),
    (
        "restart_config",
        {"condition": "on-failure", "delay": "1s", "max_attempts": "3", "window": "2m"},
        "TaskTemplate.RestartPolicy",
        {"Condition": "on-failure", "Delay": SECOND, "MaxAttempts": 3, "Window": 120 * SECOND},
    ),
    ("cpu_limit", "0.5", "TaskTemplate.Resources.Limits", {"NanoCPUs": SECOND // 2}),
    ("mem_limit", "512M", "TaskTemplate.Resources.Limits", {"MemoryBytes": 512 * 1024 * 1024}),
    ("placement", {"constraints": "node.role == manager"}, "TaskTemplate.Placement.Constraints", ["node.role == manager"]),
    (
        "placement",
        {"preferences": [{"spread": "node.labels.zone"}]},
        "TaskTemplate.Placement.Preferences",
        [{"Spread": {"SpreadDescriptor": "node.labels.zone"}}],
    ),
    (
        "logging",
        {"driver": "json-file", "options": {"max-file": 3}},
        "TaskTemplate.LogDriver",
        {"Name": "json-file", "Options": {"max-file": "3"}},
    ),
    (
        "logging",
        {"options": {"tag": "other"}},
        "TaskTemplate.LogDriver",
        {"Name": "syslog", "Options": {"syslog-address": "udp://p-hive1.t:10514", "syslog-facility": "local0", "tag": "other"}},
    ),
    ("mode", "global", "Mode", {"Global": {}}),
    ("replicas", 3, "Mode", {"Replicated": {"Replicas": 3}}),
    ("replicas", 0, "Mode", {"Replicated": {"Replicas": 0}}),
    ("replicas", -1, "Mode", {"Replicated": {}}),
    ("endpoint_mode", "dnsrr", "EndpointSpec.Mode", "dnsrr"),
    (
        "ports",
        [
            {"target_port": 80, "published_port": 8080, "protocol": "tcp"},
            {"target_port": 53, "published_port": 53, "protocol": "udp", "mode": "host"},
        ],
        "EndpointSpec.Ports",
        [
            {"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8080, "PublishMode": "ingress"},
            {"Protocol": "udp", "TargetPort": 53, "PublishedPort": 53, "PublishMode": "host"},
        ],
    ),
    (
        "labels",
        {"HIVE_VIP": "10.0.0.9", "map": {"a": [1]}, "yes": True},
        "Labels",
        {"HIVE_VIP": "10.0.0.9", "map": '{"a": [1]}', "yes": "true", "HIVE_STANDALONE": "False"},
    ),
    ("standalone", True, "Labels", {"HIVE_STANDALONE": "True"}),
    ("networks", ["inner"], "TaskTemplate.Networks", [{"Target": "inner", "Aliases": None, "DriverOpts": None}]),
    (
        "networks",
        [{"name": "inner", "aliases": ["www"], "options": {"a": 1}}],
        "TaskTemplate.Networks",
        [{"Target": "inner", "Aliases": ["www"], "DriverOpts": {"a": "1"}}],
    ),
    (
        "environment",
        {"PORT": 80, "DEBUG": False, "NONE": None, "http_proxy": "http://own"},
        f"{CONTAINER}.Env",
        ["http_proxy=http://own", "HTTP_PROXY=http://10.0.0.4:3128", "PORT=80", "DEBUG=false", "NONE="],
    ),
    (
        "environment",
        [{"A": 1}, {"B": 2}],
        f"{CONTAINER}.Env",
        ["http_proxy=http://10.0.0.4:3128", "HTTP_PROXY=http://10.0.0.4:3128", "A=1", "B=2"],
    ),
    (
        "volumes",
        [
            {"source": "/var/run/docker.sock", "target": "/var/run/docker.sock"},
            {"source": "data", "target": "/data", "readonly": True},
            {"source": "other", "target": "/other", "type": "volume"},
            {"source": "", "target": "/run", "type": "tmpfs"},
        ],
        f"{CONTAINER}.Mounts",
        [
            {"Target": "/var/run/docker.sock", "Source": "/var/run/docker.sock", "Type": "bind", "ReadOnly": False},
            {"Target": "/data", "Source": "data", "Type": "volume", "ReadOnly": True},
            {"Target": "/other", "Source": "other", "Type": "volume", "ReadOnly": False},
            {"Target": "/run", "Source": None, "Type": "tmpfs", "ReadOnly": False},
        ],
    ),
]


@pytest.mark.parametrize(("attribute", "value", "path", "wanted"), ATTRIBUTES)
def test_an_attribute_becomes_the_apis(attribute: str, value: Any, path: str, wanted: Any) -> None:
    assert part(path, **{attribute: value}) == wanted


def test_every_attribute_that_docker_is_told_is_among_them() -> None:
    elsewhere = {"image", "available_on", "initialize_roles", "backup_scripts", "monitor_error", "ignore_error"}
    assert {attribute for attribute, *_ in ATTRIBUTES} == set(ServiceDefinition.model_fields) - elsewhere


def test_a_service_that_says_nothing_gets_the_sites_network_hosts_logging_and_one_name() -> None:
    found = spec()
    container = found["TaskTemplate"]["ContainerSpec"]
    assert found["Name"] == container["Hostname"] == "web"
    assert container["Image"] == "nginx:1@sha256:0"
    assert [each["Target"] for each in found["TaskTemplate"]["Networks"]] == ["hive_default_network", "inner"]
    assert found["TaskTemplate"]["LogDriver"] == {"Name": "syslog", "Options": {**AROUND.log_options, "tag": "web"}}
    assert found["Mode"] == {"Replicated": {}}
    assert found["EndpointSpec"] == {"Mode": "vip"}
    assert "RestartPolicy" not in found["TaskTemplate"]
    assert "Resources" not in found["TaskTemplate"]


def test_a_null_is_as_if_it_were_not_there() -> None:
    nothing: dict[str, Any] = dict.fromkeys(set(ServiceDefinition.model_fields) - {"image"})
    assert spec(**nothing) == spec()


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"mode": "global", "replicas": 2}, "replicas: a global service has a task on each node"),
        (
            {"endpoint_mode": "dnsrr", "ports": [{"target_port": 80, "published_port": 8080}]},
            "ports: 8080:80 cannot be published with endpoint_mode dnsrr",
        ),
        ({"networks": ["iner"]}, "networks: the stage has no network 'iner' (did you mean 'inner'?)"),
        ({"networks": ["inner", "inner"]}, "a network is named twice"),
        ({"volumes": [{"source": "x", "target": "/x"}]}, "volumes: /x: 'x' is no path of the host"),
        ({"volumes": [{"source": "/x", "target": "/x", "type": "volume"}]}, "'/x' is no name of a volume"),
        ({"volumes": [{"source": "/x", "target": "/x", "type": "tmpfs"}]}, "a tmpfs has no source"),
        ({"volumes": [{"source": "/x", "target": "/y"}, {"source": "/z", "target": "/y"}]}, "two volumes are mounted on /y"),
        ({"volumes": [{"source": "/x", "target": "y"}]}, "the target is an absolute path"),
        ({"placement": {"constraints": ["node.role = manager"]}}, "'node.role = manager' is no constraint"),
        ({"placement": {"preferences": ["zone"]}}, "expected a preference"),
        ({"mem_limit": "1M"}, "less than the 4M"),
        ({"mem_limit": "much"}, "expected a size"),
        ({"cpu_limit": "0.0001"}, "less than the 0.001 processors"),
        ({"replicas": "two"}, "replicas: expected a whole number"),
        ({"replicas": -2}, "expected a number of tasks"),
        ({"stop_grace_period": "soon"}, "expected a duration"),
        ({"mode": "some"}, "expected replicated or global"),
        ({"endpoint_mode": "some"}, "expected vip or dnsrr"),
        ({"command": "say 'hello"}, "No closing quotation"),
        ({"environment": "A=1"}, "environment: expected a map"),
        ({"restart_config": "always"}, "restart_config: 'always' is not what is expected here"),
    ],
)
def test_what_docker_would_not_take_is_refused(attributes: dict[str, Any], message: str) -> None:
    with pytest.raises(DefinitionErrors) as caught:
        spec(**attributes)
    assert message in str(caught.value)
    assert "service web: " in str(caught.value)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(DefinitionErrors) as caught:
        spec(mem_limit="much", replicas="two", networks=["x"])
    assert len(caught.value.problems) == 3
