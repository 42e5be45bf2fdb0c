"""The templates of the repository server: services, volumes, errors, backups, swarms (spec swarm-extension.md 5.1, 5.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hive_nornir.tasks.repository.zabbix.export import at, dependent, graph, item, rule, template, trigger
from hive_nornir.tasks.repository.zabbix.host_templates import certificates

__all__ = ["LAST_SETUP", "REPOSITORY", "SWARM", "repository_server", "swarm_services", "swarm_triggers"]

REPOSITORY = "Hive Repository Server"
SWARM = "Docker Swarm Services"

# A probe that asks a hive that is gone waits for it, longer than Zabbix would.
_PATIENT = {"timeout": "30s"}
# A service that has run for less than this was restarted within a working day.
_RESTARTED = 28800

# Made anew by every run of the whole phase that ended well; Zabbix' agent may read its time.
LAST_SETUP = "/var/lib/hive/last-setup"


def repository_server(hives: Sequence[str]) -> dict[str, Any]:
    """Logged errors and backups, and of each hive the services, inner services, volumes and managers."""
    log = 'logrt["/var/log/^service-error\\.log(-[0-9]+|\\.[0-9]+)?$"]'
    errors = item(
        REPOSITORY,
        "Errors in the logs of services",
        log,
        "30s",
        type="ZABBIX_ACTIVE",
        value_type="LOG",
        history="30d",
        trends="0",
        logtimefmt="yyyy/MM/dd hh:mm:ss",
        # nodata() is looked at even when nothing arrives, so the trigger recovers.
        triggers=[trigger(REPOSITORY, "A service has logged an error within 8 hours", f"nodata(/{REPOSITORY}/{log},8h)=0", "WARNING")],
    )
    items = [errors, *_backups(), _last_run(), certificates(REPOSITORY)]
    rules = []
    for hive in hives:
        items += _managers(hive)
        rules += [_services(hive), _standalone(hive), _inner(hive), _volumes(hive)]
    return template(REPOSITORY, "The repository server of hive-nornir.", items, rules)


def _backups() -> list[dict[str, Any]]:
    """What the backup runner says of its last run (BKP-6); it writes a file, and the agent reads that."""
    result = "vfs.file.contents[/var/lib/hive-backup/result.json]"
    failed, good = at(REPOSITORY, "hive.backup.failed"), at(REPOSITORY, "hive.backup.good")
    return [
        item(REPOSITORY, "Result of the last backup", result, "10m", value_type="TEXT", history="7d", trends="0"),
        dependent(
            REPOSITORY,
            "Backups that failed",
            "hive.backup.failed",
            result,
            "$.failed",
            triggers=[trigger(REPOSITORY, "A backup has failed", f"{failed}>0", "HIGH")],
        ),
        dependent(
            REPOSITORY,
            "When the oldest of the last good backups was made",
            "hive.backup.good",
            result,
            "$.entries[*].last_success.min()",
            units="unixtime",
            triggers=[trigger(REPOSITORY, "Something has had no good backup for 2 days", f"now()-{good}>2d", "HIGH")],
        ),
    ]


def _last_run() -> dict[str, Any]:
    """setup-hosts renews certificates, so it has to run now and then; it leaves a mark when it succeeded everywhere."""
    key = f"vfs.file.time[{LAST_SETUP},modify]"
    old = trigger(REPOSITORY, "setup-hosts has not succeeded for 90 days", f"now()-{at(REPOSITORY, key)}>90d", "WARNING")
    return item(REPOSITORY, "When setup-hosts last succeeded", key, "1h", units="unixtime", triggers=[old])


def _managers(hive: str) -> list[dict[str, Any]]:
    total, reachable = _manager_keys(hive)
    return [
        item(REPOSITORY, f"Managers of {hive}", total, "1m", **_PATIENT),
        item(REPOSITORY, f"Reachable managers of {hive}", reachable, "1m", **_PATIENT),
    ]


def swarm_triggers(hives: Sequence[str]) -> list[dict[str, Any]]:
    """A swarm decides only while more than half of its managers are there."""
    found = []
    for hive in hives:
        all_, here = (at(REPOSITORY, key) for key in _manager_keys(hive))
        found += [
            trigger(REPOSITORY, f"A manager of the swarm {hive} is not reachable", f"{here}<{all_} and {here}*2>{all_}", "WARNING"),
            trigger(REPOSITORY, f"The swarm {hive} has lost its quorum", f"{here}*2<={all_}", "HIGH"),
        ]
    return found


def _manager_keys(hive: str) -> tuple[str, str]:
    return f"docker.swarm.managers.total.{hive}", f"docker.swarm.managers.reachable.{hive}"


def _services(hive: str) -> dict[str, Any]:
    replicas, uptime = f"docker-service-replicas.{hive}[{{#SERVICE_NAME}}]", f"docker-service-uptime.{hive}[{{#SERVICE_NAME}}]"
    down = trigger(REPOSITORY, f"Service {{#SERVICE_NAME}} of {hive} does not run in full", f"{at(REPOSITORY, replicas)}<100", "WARNING")
    new = trigger(REPOSITORY, f"Service {{#SERVICE_NAME}} of {hive} was restarted", f"{at(REPOSITORY, uptime)}<{_RESTARTED}", "WARNING")
    prototypes = [
        item(
            REPOSITORY,
            f"Replicas of {{#SERVICE_NAME}} of {hive}",
            replicas,
            "1m",
            units="%",
            value_type="FLOAT",
            **_PATIENT,
            triggers=[down],
        ),
        item(REPOSITORY, f"Uptime of {{#SERVICE_NAME}} of {hive}", uptime, "5m", units="s", value_type="FLOAT", **_PATIENT, triggers=[new]),
    ]
    return rule(REPOSITORY, f"Services of {hive}", f"user.discovery.docker-service.{hive}", "1h", prototypes, **_PATIENT)


def _standalone(hive: str) -> dict[str, Any]:
    key = f"docker-failed-innerservice-count.{hive}[{{#SERVICE_NAME}}]"
    failed = trigger(REPOSITORY, f"An inner service of {{#SERVICE_NAME}} of {hive} has failed", f"{at(REPOSITORY, key)}>0", "WARNING")
    count = item(
        REPOSITORY, f"Failed inner services of {{#SERVICE_NAME}} of {hive}", key, "5m", value_type="FLOAT", **_PATIENT, triggers=[failed]
    )
    return rule(REPOSITORY, f"Standalone services of {hive}", f"user.discovery.docker-standalone-service.{hive}", "1h", [count], **_PATIENT)


def _inner(hive: str) -> dict[str, Any]:
    key = f"docker-innerservice-uptime.{hive}[{{#SERVICE_NAME}},{{#INNER}}]"
    name = f"inner service {{#INNER}} of {{#SERVICE_NAME}} of {hive}"
    restarted = trigger(REPOSITORY, f"The {name} was restarted", f"{at(REPOSITORY, key)}<{_RESTARTED}", "WARNING")
    uptime = item(REPOSITORY, f"Uptime of {name}", key, "5m", units="s", value_type="FLOAT", **_PATIENT, triggers=[restarted])
    return rule(REPOSITORY, f"Inner services of {hive}", f"user.discovery.docker-innerservice.{hive}", "1h", [uptime], **_PATIENT)


def _volumes(hive: str) -> dict[str, Any]:
    key = f"docker-volume.{hive}[{{#SERVICE_NAME}},{{#PATH}}]"
    full = f"{at(REPOSITORY, key, function='min', period='30m')}>90"
    trigger_ = trigger(REPOSITORY, f"Volume {{#NAME}} of {{#SERVICE_NAME}} of {hive} is more than 90 % full", full, "WARNING")
    name = f"Used space of volume {{#NAME}} at {{#PATH}} of {{#SERVICE_NAME}} of {hive}"
    used = item(REPOSITORY, name, key, "10m", units="%", value_type="FLOAT", **_PATIENT, triggers=[trigger_])
    return rule(REPOSITORY, f"Volumes of {hive}", f"user.discovery.docker-volume.{hive}", "1h", [used], **_PATIENT)


def swarm_services(hives: Sequence[str]) -> dict[str, Any]:
    """What the containers of each service use: one question a minute for all of them (PRB-2)."""
    everything = [
        item(
            SWARM, f"All services of {hive}", f"docker.swarm.services.{hive}", "60s", value_type="TEXT", history="0", trends="0", **_PATIENT
        )
        for hive in hives
    ]
    return template(SWARM, "What services of the swarm use.", everything, [_resources(hive) for hive in hives])


def _resources(hive: str) -> dict[str, Any]:
    def key(what: str) -> str:
        return f"docker.swarm.service.{what}.{hive}[{{#SERVICE_NAME}}]"

    def number(name: str, what: str, field: str, **more: Any) -> dict[str, Any]:
        path = f'$[?(@.service=="{{#SERVICE_NAME}}")].{field}.first()'
        source = f"docker.swarm.services.{hive}"
        return dependent(SWARM, f"{name} of {{#SERVICE_NAME}} of {hive}", key(what), source, path, history="7d", trends="90d", **more)

    def busy(name: str, what: str, limit: int) -> dict[str, Any]:
        expression = f"{at(SWARM, key(what), function='avg', period='5m')}>{limit}"
        return trigger(SWARM, f"{name} of {{#SERVICE_NAME}} of {hive} is high", expression, "WARNING")

    running, desired = key("replicas.running"), key("replicas.desired")
    prototypes = [
        number("CPU", "cpu", "cpu", value_type="FLOAT", units="%", triggers=[busy("CPU", "cpu", 80)]),
        number("Memory", "memory", "memory", value_type="FLOAT", units="B"),
        number(
            "Memory in per cent",
            "memory.percent",
            "memory_percent",
            value_type="FLOAT",
            units="%",
            triggers=[busy("Memory", "memory.percent", 90)],
        ),
        number("Memory limit", "memory.limit", "memory_limit", value_type="FLOAT", units="B"),
        number("Running replicas", "replicas.running", "running"),
        number("Desired replicas", "replicas.desired", "desired"),
    ]
    fewer = f"{at(SWARM, running)}<{at(SWARM, desired)}"
    missing = trigger(SWARM, f"Service {{#SERVICE_NAME}} of {hive} runs with fewer replicas than desired", fewer, "HIGH")
    graphs = [
        graph(SWARM, f"CPU of {{#SERVICE_NAME}} of {hive}", [key("cpu")]),
        graph(SWARM, f"Memory of {{#SERVICE_NAME}} of {hive}", [key("memory"), key("memory.limit")]),
        graph(SWARM, f"Replicas of {{#SERVICE_NAME}} of {hive}", [running, desired]),
    ]
    more = {"trigger_prototypes": [missing], "graph_prototypes": graphs, **_PATIENT}
    return rule(SWARM, f"Services of {hive}", f"docker.swarm.service.discovery.{hive}", "300s", prototypes, **more)
