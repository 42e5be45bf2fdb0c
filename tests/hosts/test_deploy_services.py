"""Services of a real swarm of two hives: every attribute read back, updates of what differs alone, failures told, removal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import yaml

from hive_nornir import Site
from hive_nornir.runs.report import RunReport
from tests.hosts.pair import until
from tests.hosts.sites import REGISTRY_ROLES, build, changes, errors, setup, shell, write_site

ROLES = (*REGISTRY_ROLES, "backup-tools")
BEFORE = (*ROLES, "rsyslogd", "swarm")
IMAGE = "debian:trixie-slim"
SLEEP = ["sh", "-c", "trap 'exit 0' TERM; echo begun; while :; do sleep 1; done"]
SECOND = 1_000_000_000

EVERYTHING: dict[str, Any] = {
    "image": IMAGE,
    "entrypoint": ["sh", "-c"],
    "command": ["trap 'exit 0' TERM; echo begun; while :; do sleep 1; done"],
    "environment": {"PORT": 80, "DB_PASSWORD": "geheim", "WHERE": "{{ hive_stage }}", "LEFT_OUT": "{{ nowhere | default(omit) }}"},
    "ports": ["8080:80", {"target_port": 53, "published_port": 5300, "protocol": "udp", "mode": "host"}],
    "endpoint_mode": "vip",
    "volumes": [
        {"source": "/etc/hostname", "target": "/host-name", "readonly": True},
        {"source": "kept", "target": "/kept", "type": "volume"},
        {"source": "", "target": "/scratch", "type": "tmpfs"},
    ],
    "networks": [{"name": "inner", "aliases": ["www"]}],
    "labels": {"HIVE_MARK": "all", "map": {"a": [1]}},
    "placement": {"constraints": ["node.role == manager"], "preferences": [{"spread": "node.labels.zone"}]},
    "mode": "replicated",
    "replicas": 2,
    "hosts": {"elsewhere": "10.9.9.9"},
    "dns": "10.9.9.8",
    "user": "daemon",
    "working_dir": "/srv",
    "healthcheck": {"test": "test -e /host-name", "interval": "2s", "timeout": "5s", "retries": 3, "start_period": "1s"},
    "sysctls": {"net.ipv4.ip_unprivileged_port_start": 79},
    "cap_add": ["NET_ADMIN"],
    "cap_drop": ["MKNOD"],
    "restart_config": {"condition": "on-failure", "delay": "1s", "max_attempts": 3, "window": "2m"},
    "stop_grace_period": "3s",
    "cpu_limit": 0.5,
    "mem_limit": "64M",
    "logging": {"driver": "json-file", "options": {"max-file": 2}},
}
# attribute -> the way to it in what the swarm shows, what is there
READ_BACK: dict[str, tuple[str, Any]] = {
    "entrypoint": ("TaskTemplate.ContainerSpec.Command", ["sh", "-c"]),
    "command": ("TaskTemplate.ContainerSpec.Args", EVERYTHING["command"]),
    "environment": ("TaskTemplate.ContainerSpec.Env", ["PORT=80", "DB_PASSWORD=geheim", "WHERE=private"]),
    "ports": (
        "EndpointSpec.Ports",
        [
            {"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8080, "PublishMode": "ingress"},
            {"Protocol": "udp", "TargetPort": 53, "PublishedPort": 5300, "PublishMode": "host"},
        ],
    ),
    "endpoint_mode": ("EndpointSpec.Mode", "vip"),
    "volumes": (
        "TaskTemplate.ContainerSpec.Mounts",
        [
            {"Type": "bind", "Source": "/etc/hostname", "Target": "/host-name", "ReadOnly": True},
            {"Type": "volume", "Source": "kept", "Target": "/kept"},
            {"Type": "tmpfs", "Target": "/scratch"},
        ],
    ),
    "networks": ("TaskTemplate.Networks", [{"Target": "inner", "Aliases": ["www"]}]),
    "labels": ("Labels", {"HIVE_MARK": "all", "map": '{"a": [1]}', "HIVE_STANDALONE": "False"}),
    "placement": (
        "TaskTemplate.Placement",
        {
            "Constraints": ["node.role == manager"],
            "Preferences": [{"Spread": {"SpreadDescriptor": "node.labels.zone"}}],
        },
    ),
    "mode": ("Mode", {"Replicated": {"Replicas": 2}}),
    "replicas": ("Mode.Replicated.Replicas", 2),
    "dns": ("TaskTemplate.ContainerSpec.DNSConfig.Nameservers", ["10.9.9.8"]),
    "user": ("TaskTemplate.ContainerSpec.User", "daemon"),
    "working_dir": ("TaskTemplate.ContainerSpec.Dir", "/srv"),
    "healthcheck": (
        "TaskTemplate.ContainerSpec.Healthcheck",
        {
            "Test": ["CMD-SHELL", "test -e /host-name"],
            "Interval": 2 * SECOND,
            "Timeout": 5 * SECOND,
            "Retries": 3,
            "StartPeriod": SECOND,
        },
    ),
    "sysctls": ("TaskTemplate.ContainerSpec.Sysctls", {"net.ipv4.ip_unprivileged_port_start": "79"}),
    "restart_config": (
        "TaskTemplate.RestartPolicy",
        {"Condition": "on-failure", "Delay": SECOND, "MaxAttempts": 3, "Window": 120 * SECOND},
    ),
    "stop_grace_period": ("TaskTemplate.ContainerSpec.StopGracePeriod", 3 * SECOND),
    "cpu_limit": ("TaskTemplate.Resources.Limits.NanoCPUs", SECOND // 2),
    "mem_limit": ("TaskTemplate.Resources.Limits.MemoryBytes", 64 * 1024 * 1024),
    "logging": ("TaskTemplate.LogDriver", {"Name": "json-file", "Options": {"max-file": "2"}}),
}


def services() -> dict[str, Any]:
    """What the tests begin with: one with every attribute, one with none, a standalone and a global one."""
    return {
        "every": EVERYTHING,
        "plain": {"image": IMAGE, "command": SLEEP, "stop_grace_period": "2s"},
        "each": {"image": IMAGE, "command": SLEEP, "mode": "global", "endpoint_mode": "dnsrr", "stop_grace_period": "2s"},
        "watched": {
            "image": IMAGE,
            "command": ["sh", "-c", "trap 'exit 0' TERM; while :; do echo \"it's an ERROR\"; echo harmless ERROR; sleep 1; done"],
            "stop_grace_period": "2s",
            "monitor_error": ["it's an (ERROR|FAILURE)", "harmless"],
            "ignore_error": ["harmless ERROR$"],
            "backup_scripts": [{"name": "watched", "directory": "/srv"}],
        },
    }


def define(site: Site, wanted: dict[str, Any]) -> None:
    """Have the site's definitions be these services."""
    text = {"plugin": "hive_services", "networks": {"inner": {}}, "services": wanted}
    (site.context.root / "inventory" / "services.yml").write_text(yaml.safe_dump(text, sort_keys=False))
    site.reload()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two hives and a repository with its registry, log daemon and backups; nothing is deployed yet."""
    made = write_site(tmp_path_factory.mktemp("services") / "site", 3, image="debian-13", mirror=True)
    define(made, services())
    try:
        build(made)
        setup(made, *BEFORE)
        networks = made.run("build-networks")
        assert networks.ok, errors(networks)
        yield made
        made.close()
    finally:
        made.run("build-infra", destroy=True)


@pytest.fixture(scope="module")
def deployed(site: Site) -> Site:
    """With the services deployed."""
    report = deploy(site)
    assert report.ok, errors(report)
    return site


def deploy(site: Site, *names: str, check: bool = False, destroy: bool = False) -> RunReport:
    return site.run("deploy-services", limit=list(names) or None, check=check, destroy=destroy)


def manager(site: Site, script: str) -> str:
    return shell(site, script, site.inventory.hives[0])


def repository(site: Site, script: str) -> str:
    return shell(site, script, site.inventory.repository)


def inspected(site: Site, name: str) -> dict[str, Any]:
    """A service as the swarm has it, networks by their names."""
    [found] = json.loads(manager(site, f"docker service inspect {name}"))
    ids = dict(line.split() for line in manager(site, "docker network ls --no-trunc --format '{{.ID}} {{.Name}}'").splitlines())
    for network in found["Spec"]["TaskTemplate"].get("Networks", []):
        network["Target"] = ids[network["Target"]]
    return dict(found)


def running(site: Site) -> dict[str, str]:
    """Service -> `1/1`."""
    return dict(line.split()[:2] for line in manager(site, "docker service ls --format '{{.Name}} {{.Replicas}}'").splitlines())


def summaries(report: RunReport) -> list[str]:
    return [line.partition(" service ")[2] for line in changes(report) if " service " in line]


def test_a_dry_run_shows_all_and_touches_nothing(site: Site) -> None:
    images = manager(site, "docker images -q")
    report = deploy(site, check=True)
    assert report.ok, errors(report)
    assert report.exit_code == 3
    assert {line.partition(":")[0] for line in summaries(report)} >= {f"service {name}" for name in services()}
    assert running(site) == {}
    assert repository(site, "ls /etc/rsyslog-services.d") == ""
    assert manager(site, "docker images -q") == images


def test_every_service_runs_when_the_run_has_ended(deployed: Site) -> None:
    assert running(deployed) == {"every": "2/2", "plain": "1/1", "each": "2/2", "watched": "1/1"}


@pytest.mark.parametrize("attribute", READ_BACK)
def test_an_attribute_is_in_the_swarm(deployed: Site, attribute: str) -> None:
    path, wanted = READ_BACK[attribute]
    found: Any = inspected(deployed, "every")["Spec"]
    for step in path.split("."):
        found = found[step]
    if isinstance(found, dict) and isinstance(wanted, dict):
        found = {key: value for key, value in found.items() if key in wanted}
    assert found == wanted


def test_every_attribute_of_a_definition_is_read_back_or_has_a_test_of_its_own() -> None:
    own = {"image", "hosts", "cap_add", "cap_drop"}
    assert set(READ_BACK) | own == set(EVERYTHING)


def test_capabilities_are_in_the_swarm(deployed: Site) -> None:
    container = inspected(deployed, "every")["Spec"]["TaskTemplate"]["ContainerSpec"]
    assert [container["CapabilityAdd"], container["CapabilityDrop"]] in (
        [["NET_ADMIN"], ["MKNOD"]],
        [["CAP_NET_ADMIN"], ["CAP_MKNOD"]],
    )


def test_containers_know_the_servers_and_their_own_hosts(deployed: Site) -> None:
    hosts = inspected(deployed, "every")["Spec"]["TaskTemplate"]["ContainerSpec"]["Hosts"]
    inventory = deployed.inventory
    addresses = [f"{inventory.scope(name)['hive_private_ip']} {name}" for name in inventory.servers]
    assert sorted(hosts) == sorted([*addresses, "10.9.9.9 elsewhere"])


def test_the_image_is_pinned_by_its_digest(deployed: Site) -> None:
    image = inspected(deployed, "plain")["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
    assert image.startswith(f"{IMAGE}@sha256:")


def test_containers_are_called_like_their_service(deployed: Site) -> None:
    assert manager(deployed, "docker exec $(docker ps -qf name=every) hostname") == "every\n"


def test_a_service_that_says_nothing_is_in_every_network_and_logs_to_the_repository(deployed: Site) -> None:
    template = inspected(deployed, "plain")["Spec"]["TaskTemplate"]
    assert {each["Target"] for each in template["Networks"]} == {"hive_default_network", "inner"}
    assert template["LogDriver"]["Name"] == "syslog"
    until(lambda: "plain" in repository(deployed, "grep -s begun /var/log/services/plain.log || :"), 30)


def test_a_second_run_changes_nothing(deployed: Site) -> None:
    report = deploy(deployed)
    assert report.ok, errors(report)
    assert report.changed == 0, changes(report)


def test_lines_that_a_service_says_are_errors_reach_the_monitorings_log(deployed: Site) -> None:
    until(lambda: "it's an ERROR" in repository(deployed, "cat /var/log/service-error.log"), 30)
    text = repository(deployed, "cat /var/log/service-error.log")
    assert "/var/log/services/watched.log" in text
    assert "harmless" not in text


def test_only_what_differs_is_updated_and_its_field_named(deployed: Site) -> None:
    before = {name: inspected(deployed, name)["Version"]["Index"] for name in services()}
    wanted = services()
    wanted["every"] = {**EVERYTHING, "environment": {**EVERYTHING["environment"], "DB_PASSWORD": "anders", "PORT": 81}}
    define(deployed, wanted)
    plan = deploy(deployed, check=True)
    report = deploy(deployed)
    assert report.ok, errors(report)
    [line] = changes(report)
    assert line == "every service service every: changed update environment DB_PASSWORD, environment PORT 80 -> 81"
    assert [each.replace("would-change", "changed") for each in changes(plan)] == [line]
    after = {name: inspected(deployed, name)["Version"]["Index"] for name in services()}
    assert [name for name in before if before[name] != after[name]] == ["every"]
    folder = max((deployed.context.context_dir / "runs").iterdir())
    assert "anders" not in "".join(file.read_text() for file in folder.rglob("*") if file.is_file())
    assert running(deployed)["every"] == "2/2"
    define(deployed, services())
    assert changes(deploy(deployed, "every"))


def test_a_number_of_tasks_that_an_operator_chose_stays(deployed: Site) -> None:
    manager(deployed, "docker service scale -d plain=2")
    report = deploy(deployed, "plain")
    assert report.ok, errors(report)
    assert report.changed == 0, changes(report)
    assert running(deployed)["plain"] == "2/2"
    manager(deployed, "docker service scale -d plain=1")


def test_an_image_of_the_same_name_that_is_another_one_now_is_an_update(deployed: Site) -> None:
    """The site's own registry, whose password goes with the request and is stored on no node."""
    registry = deployed.inventory.scope("plain")["hive_registry"]
    name = f"{registry}/image_own:latest"
    wanted = {**services(), "own": {"image": "{{ hive_registry }}/image_own:latest", "command": SLEEP, "stop_grace_period": "2s"}}
    define(deployed, wanted)
    push(deployed, name, "one")
    report = deploy(deployed, "own")
    assert report.ok, errors(report)
    assert "own service service own: changed create" in changes(report)
    push(deployed, name, "two")
    report = deploy(deployed, "own")
    assert report.ok, errors(report)
    assert changes(report) == ["own service service own: changed update image"]
    [outcome] = [each for each in report.hosts["own"].roles["service"].outcomes if each.status == "changed"]
    assert [line[:2] + line[2:].partition("@")[0] for line in outcome.diff.splitlines()] == [f"- image: {name}", f"+ image: {name}"]
    for hive in deployed.inventory.hives:
        assert shell(deployed, "cat /root/.docker/config.json 2>/dev/null || :", hive) == ""
    deploy(deployed, "own", destroy=True)


def push(site: Site, name: str, text: str) -> None:
    """Have the site's registry offer an image under this name."""
    password = (site.context.context_dir / "registry_password").read_text().strip()
    lines = [
        "set -e",
        "export DOCKER_CONFIG=$(mktemp -d)",
        f"printf %s {password} | docker login -u hive --password-stdin {name.partition('/')[0]} >&2",
        f"docker pull -q {IMAGE} >&2",
        f"printf 'FROM {IMAGE}\\nENV TEXT={text}\\n' | docker build -q -t {name} - >/dev/null",
        f"docker push -q {name} >/dev/null",
        f"docker rmi {name} >/dev/null",
        'rm -rf "$DOCKER_CONFIG"',
    ]
    repository(site, "\n".join(lines))


def test_a_service_that_cannot_start_fails_with_its_tasks_error(deployed: Site) -> None:
    broken = {"image": IMAGE, "command": ["sh", "-c", "exit 7"], "restart_config": {"delay": "1s"}, "networks": []}
    define(deployed, {**services(), "broken": broken})
    report = deploy(deployed, "broken")
    assert report.exit_code == 1
    [error] = errors(report)
    assert "0 of 1 tasks run; its tasks end again and again" in error
    assert "p-hive" in error
    assert "task: non-zero exit (7)" in error
    again = deploy(deployed, "broken", check=True)
    assert again.changed == 0
    assert deploy(deployed, "broken").exit_code == 1  # whoever repeats the run does not take it for good
    assert any("of 1 tasks run" in note and "non-zero exit (7)" in note for note in again.notes)
    assert deploy(deployed, "broken", destroy=True).ok


def test_a_mode_cannot_change_as_the_service_runs(deployed: Site) -> None:
    wanted = services()
    wanted["each"] = {**wanted["each"], "mode": "replicated"}
    define(deployed, wanted)
    report = deploy(deployed, "each")
    assert report.exit_code == 1
    assert "service each is global and cannot become replicated as it runs" in errors(report)[0]
    assert running(deployed)["each"] == "2/2"


def test_a_volume_that_was_not_built_is_not_made_by_accident(deployed: Site) -> None:
    mount = {"source": "built", "target": "/data", "type": "volume", "driver": "local"}
    define(deployed, {**services(), "early": {"image": IMAGE, "command": SLEEP, "volumes": [mount]}})
    report = deploy(deployed, "early")
    assert report.exit_code == 1
    assert "there is no volume built on p-hive0" in errors(report)[0]
    assert "early" not in running(deployed)


def test_an_image_that_nobody_has_is_told(deployed: Site) -> None:
    define(deployed, {**services(), "nobody": {"image": "nobody/nothing:1"}})
    report = deploy(deployed, "nobody")
    assert report.exit_code == 1
    assert "image nobody/nothing:1 cannot be had" in errors(report)[0]
    assert "nobody" not in running(deployed)


def test_what_is_not_defined_any_more_is_told_and_left_alone(deployed: Site) -> None:
    wanted = services()
    del wanted["each"]
    define(deployed, wanted)
    report = deploy(deployed)
    assert report.ok, errors(report)
    assert report.changed == 0, changes(report)
    assert any("service each is not defined any more" in note for note in report.notes)
    assert running(deployed)["each"] == "2/2"


def test_rules_go_with_the_attributes_that_they_are_of(deployed: Site) -> None:
    wanted = services()
    gone = ("monitor_error", "ignore_error", "backup_scripts")
    wanted["watched"] = {key: value for key, value in wanted["watched"].items() if key not in gone}
    define(deployed, wanted)
    report = deploy(deployed)
    assert report.ok, errors(report)
    assert repository(deployed, "ls /etc/rsyslog-services.d /var/lib/hive-backup.d | grep watched || :") == ""
    assert repository(deployed, "systemctl is-active rsyslog") == "active\n"
    define(deployed, services())
    assert deploy(deployed).ok


def test_an_expression_that_the_log_daemon_does_not_take_never_gets_into_its_configuration(deployed: Site) -> None:
    wanted = services()
    wanted["watched"] = {**wanted["watched"], "monitor_error": ["(not closed"]}
    define(deployed, wanted)
    before = repository(deployed, "cat /etc/rsyslog-services.d/watched.conf")
    report = deploy(deployed, "watched")
    assert report.exit_code == 1
    assert report.hosts["watched"].roles["service"].status == "ok"
    assert repository(deployed, "cat /etc/rsyslog-services.d/watched.conf") == before
    define(deployed, services())


def test_removal_ends_the_tasks_and_takes_rules_and_backups_along(deployed: Site) -> None:
    report = deploy(deployed, destroy=True)
    assert report.ok, errors(report)
    assert running(deployed) == {}
    with ThreadPoolExecutor() as pool:
        assert [*pool.map(lambda name: shell(deployed, "docker ps -q", name), deployed.inventory.hives)] == ["", ""]
    assert repository(deployed, "ls /etc/rsyslog-services.d /var/lib/hive-backup.d | grep watched || :") == ""
    again = deploy(deployed, destroy=True)
    assert again.changed == 0, changes(again)
