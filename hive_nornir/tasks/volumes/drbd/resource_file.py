"""A volume's file in /etc/drbd.d (spec images-networks-volumes-services.md 3.2)."""

from __future__ import annotations

from collections.abc import Mapping

from hive_nornir.tasks.volumes.drbd.model import Resource

__all__ = ["resource_file"]

_OPTIONS = {"quorum": "majority", "on-no-quorum": "io-error"}
# c-max-rate in KiB/s: some versions refuse 0, no limit.
_DISK = {
    "disk-flushes": "yes",
    "md-flushes": "yes",
    "c-plan-ahead": "1",
    "c-max-rate": "1024000",
    "c-delay-target": "1",
    "c-fill-target": "1M",
    "rs-discard-granularity": "1048576",
}
# tcp-cork is deliberately not touched.
_NET = {"max-buffers": "16000", "max-epoch-size": "16000", "sndbuf-size": "1048576"}


def resource_file(wanted: Resource, node_ids: Mapping[str, int], secret: str) -> str:
    """The text; the same on all hives.

    :param node_ids: host -> number, of all hosts.
    :param secret: what the hosts recognise each other by; letters and digits.
    """
    net = {**_NET, "cram-hmac-alg": "sha256", "shared-secret": f'"{secret}"'}
    lines = ["# Written by hive-nornir: build-volumes.", f"resource {wanted.name} {{"]
    for title, options in (("options", _OPTIONS), ("disk", _DISK), ("net", net)):
        lines += [f"    {title} {{", *(f"        {name} {value};" for name, value in options.items()), "    }"]
    for host in sorted(wanted.addresses):
        lines += _host(wanted, host, node_ids[host])
    if len(wanted.addresses) > 1:
        lines += ["    connection-mesh {", f"        hosts {' '.join(sorted(wanted.addresses))};", "    }"]
    return "\n".join([*lines, "}", ""])


def _host(wanted: Resource, host: str, node_id: int) -> list[str]:
    disk = [f"            disk {wanted.disk};", "            meta-disk internal;"] if host in wanted.diskful else ["            disk none;"]
    return [
        f"    on {host} {{",
        f"        address {wanted.addresses[host]}:{wanted.port};",
        f"        node-id {node_id};",
        "        volume 0 {",
        f"            device minor {wanted.minor};",
        *disk,
        "        }",
        "    }",
    ]
