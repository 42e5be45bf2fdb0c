"""The templates of every server and of hives: disks, units, certificates, SELinux (spec swarm-extension.md 5.2, 5.4)."""

from __future__ import annotations

from typing import Any

from hive_nornir.tasks.repository.zabbix.export import at, item, rule, template, trigger

__all__ = ["HIVE", "SELINUX", "SYSTEMD", "certificates", "hive_server", "selinux", "systemd"]

HIVE = "Hive Server"
SELINUX = "Hive Server SELinux"
SYSTEMD = "SystemD service monitoring template"

_TEXT = {"value_type": "TEXT", "trends": "0"}


def certificates(name: str) -> dict[str, Any]:
    """The server's certificates, for the template `name`. setup-hosts renews them when a third of their 397 days is left."""
    days = at(name, "hive.certificate.days")
    return item(
        name,
        "Days until the first certificate expires",
        "hive.certificate.days",
        "1h",
        value_type="FLOAT",
        triggers=[
            trigger(name, "A certificate of {HOST.NAME} expires in less than 30 days", f"{days}<30 and {days}>=7", "WARNING"),
            trigger(name, "A certificate of {HOST.NAME} expires in less than 7 days", f"{days}<7", "HIGH"),
        ],
    )


def hive_server() -> dict[str, Any]:
    """Replicated volumes, and virtual IPs."""
    disk, peers, link = (f"{key}[{{#RESOURCE_NAME}}]" for key in ("drbd-resource", "drbd-peers", "drbd-connection"))
    local, remote = at(HIVE, disk), f'find(/{HIVE}/{peers},,"iregexp","(Inconsistent|Outdated|Failed|DUnknown)")'
    resources = rule(
        HIVE,
        "DRBD resources",
        "user.discovery.drbd-resource",
        "3h",
        [
            item(
                HIVE,
                "Disk state of DRBD resource {#RESOURCE_NAME}",
                disk,
                "3m",
                **_TEXT,
                triggers=[
                    trigger(
                        HIVE,
                        "DRBD resource {#RESOURCE_NAME} is not up to date on {HOST.NAME}",
                        f'{local}<>"UpToDate" and {local}<>"Diskless client"',
                        "WARNING",
                    )
                ],
            ),
            item(
                HIVE,
                "Disk states of the peers of DRBD resource {#RESOURCE_NAME}",
                peers,
                "3m",
                **_TEXT,
                triggers=[
                    trigger(
                        HIVE, "A peer of DRBD resource {#RESOURCE_NAME} is not up to date, seen from {HOST.NAME}", f"{remote}=1", "WARNING"
                    )
                ],
            ),
            item(
                HIVE,
                "Connections of DRBD resource {#RESOURCE_NAME}",
                link,
                "3m",
                **_TEXT,
                triggers=[
                    trigger(
                        HIVE,
                        "DRBD resource {#RESOURCE_NAME} stands alone on {HOST.NAME}: split brain",
                        f'find(/{HIVE}/{link},,"like","StandAlone")=1',
                        "HIGH",
                    )
                ],
            ),
        ],
    )
    vip = item(
        HIVE,
        "Virtual IPs and labels that are not as services want them",
        "hive.vip.missing",
        "1m",
        triggers=[
            trigger(
                HIVE,
                "A virtual IP or label is missing on {HOST.NAME}",
                f"{at(HIVE, 'hive.vip.missing', function='min', period='3m')}>0",
                "HIGH",
            )
        ],
    )
    return template(HIVE, "A container host of hive-nornir.", [vip, certificates(HIVE)], [resources])


def selinux() -> dict[str, Any]:
    """Denials of the day: the count starts anew at midnight, so the trigger recovers by itself after a day without any."""
    denied = trigger(
        SELINUX, "SELinux has denied something on {HOST.NAME} today", f"{at(SELINUX, 'ausearch')}>0", "WARNING", manual_close=True
    )
    return template(
        SELINUX, "SELinux denials of a server.", [item(SELINUX, "SELinux denials of today", "ausearch", "10m", triggers=[denied])]
    )


def systemd() -> dict[str, Any]:
    """Units that have failed, and services that were restarted."""
    failed, restart = "systemd.service.failed.count", "systemd.service.restart[{#SERVICE}]"
    count = item(
        SYSTEMD,
        "Failed services",
        failed,
        "1m",
        history="1d",
        triggers=[trigger(SYSTEMD, "A service has failed on {HOST.NAME}", f"{at(SYSTEMD, failed)}>0", "HIGH", manual_close=True)],
    )
    restarted = item(
        SYSTEMD,
        "Restart of {#SERVICE}",
        restart,
        "1m",
        history="1d",
        triggers=[trigger(SYSTEMD, "{#SERVICE} was restarted on {HOST.NAME}", f"{at(SYSTEMD, restart)}=1", "WARNING", manual_close=True)],
    )
    services = rule(SYSTEMD, "Services of systemd", "systemd.service.discovery", "5m", [restarted], lifetime="1d")
    return template(SYSTEMD, "Services of systemd on a server.", [count], [services])
