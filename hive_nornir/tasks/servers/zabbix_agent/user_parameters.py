"""What the agent can be asked for beside its own: texts of its user parameters (spec setup-hosts.md ZAG-6, swarm-extension.md 5).

The files are called as hive-builder's, so that on a server of its they take the place of those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hive_nornir.operations.core import quote

__all__ = ["audit", "drbd", "server", "services", "systemd", "volumes"]


def services(hives: Mapping[str, Sequence[str]], home: str) -> str:
    """On the repository, for each hive.

    :param hives: name -> its servers.
    :param home: of the agent, where its certificate is.
    """
    lines = []
    for hive, servers in hives.items():
        ask, of = f"HOME={home} {home}/docker-service", " ".join(map(quote, servers))
        lines += [
            f"UserParameter=user.discovery.docker-service.{hive},{ask} --discover {of}",
            f"UserParameter=user.discovery.docker-standalone-service.{hive},{ask} --discover-standalone {of}",
            f"UserParameter=user.discovery.docker-innerservice.{hive},{ask} --discover-innerservice {of}",
            f'UserParameter=docker-service-uptime.{hive}[*],{ask} --uptime "$1" {of}',
            f'UserParameter=docker-service-replicas.{hive}[*],{ask} --replicas "$1" {of}',
            f'UserParameter=docker-innerservice-uptime.{hive}[*],{ask} --uptime "$1" --inner "$2" {of}',
            f'UserParameter=docker-failed-innerservice-count.{hive}[*],{ask} --failed-innerservice-count "$1" {of}',
            f"UserParameter=docker.swarm.service.discovery.{hive},{ask} --discover {of}",
            f'UserParameter=docker.swarm.service.cpu.{hive}[*],{ask} --stats "$1" --metric cpu {of}',
            f'UserParameter=docker.swarm.service.memory.{hive}[*],{ask} --stats "$1" --metric memory {of}',
            f'UserParameter=docker.swarm.service.memory.percent.{hive}[*],{ask} --stats "$1" --metric memory_percent {of}',
            f'UserParameter=docker.swarm.service.memory.limit.{hive}[*],{ask} --stats "$1" --metric memory_limit {of}',
            f'UserParameter=docker.swarm.service.replicas.running.{hive}[*],{ask} --replica-count "$1" --count-type running {of}',
            f'UserParameter=docker.swarm.service.replicas.desired.{hive}[*],{ask} --replica-count "$1" --count-type desired {of}',
            f"UserParameter=docker.swarm.services.{hive},{ask} --all {of}",
            f"UserParameter=docker.swarm.managers.total.{hive},{ask} --managers total {of}",
            f"UserParameter=docker.swarm.managers.reachable.{hive},{ask} --managers reachable {of}",
        ]
    return _text(lines)


def volumes(hives: Mapping[str, Sequence[str]], home: str) -> str:
    """On the repository, for each hive; see `services`."""
    lines = []
    for hive, servers in hives.items():
        ask, of = f"HOME={home} {home}/docker-volume-discover", " ".join(map(quote, servers))
        lines += [
            f"UserParameter=user.discovery.docker-volume.{hive},{ask} {of}",
            f'UserParameter=docker-volume.{hive}[*],{ask} --service "$1" --path "$2" {of}',
        ]
    return _text(lines)


def drbd() -> str:
    """On hives."""
    ask = "/usr/bin/hive-drbd-status"
    return _text(
        [
            f"UserParameter=user.discovery.drbd-resource,{ask}",
            f'UserParameter=drbd-resource[*],{ask} disk "$1"',
            f'UserParameter=drbd-peers[*],{ask} peers "$1"',
            f'UserParameter=drbd-connection[*],{ask} connections "$1"',
        ]
    )


def systemd() -> str:
    """On hives: their services, and the virtual IPs of the swarm's."""
    return _text(
        [
            "UserParameter=systemd.service.discovery,/usr/bin/hive-service-discovery",
            "UserParameter=systemd.service.failed.count,/usr/bin/hive-service-discovery --failed",
            'UserParameter=systemd.service.restart[*],/usr/bin/hive-service-restart "$1"',
            "UserParameter=hive.vip.missing,/usr/bin/hive-vip-missing",
        ]
    )


def audit() -> str:
    """Where SELinux is on."""
    return _text(["UserParameter=ausearch,/usr/bin/hive-audit-count"])


def server(certificates: Sequence[str]) -> str:
    """On every server.

    :param certificates: files, or patterns of files, that must not expire.
    """
    return _text([f"UserParameter=hive.certificate.days,/usr/bin/hive-certificate-days {' '.join(certificates)}"])


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in ["# Written by hive-nornir.", *lines])
