"""The file of a replicated volume (spec images-networks-volumes-services.md 3.2)."""

from __future__ import annotations

from dataclasses import replace

from hive_nornir.tasks.volumes.drbd.resource_file import resource_file
from tests.tasks.volumes.drbd.volumes import DATA, HOSTS

NUMBERS = {"p-hive0": 0, "p-hive1": 5, "p-hive2": 2}
WANTED = """\
# Written by hive-nornir: build-volumes.
resource data {
    options {
        quorum majority;
        on-no-quorum io-error;
    }
    disk {
        disk-flushes yes;
        md-flushes yes;
        c-plan-ahead 1;
        c-max-rate 1024000;
        c-delay-target 1;
        c-fill-target 1M;
        rs-discard-granularity 1048576;
    }
    net {
        max-buffers 16000;
        max-epoch-size 16000;
        sndbuf-size 1048576;
        cram-hmac-alg sha256;
        shared-secret "w0rd";
    }
    on p-hive0 {
        address 10.0.0.4:7001;
        node-id 0;
        volume 0 {
            device minor 1;
            disk /dev/drbdvg/data;
            meta-disk internal;
        }
    }
    on p-hive1 {
        address 10.0.0.5:7001;
        node-id 5;
        volume 0 {
            device minor 1;
            disk none;
        }
    }
    connection-mesh {
        hosts p-hive0 p-hive1;
    }
}
"""


def test_every_host_has_its_number_and_its_disk_or_none() -> None:
    two = {host: DATA.addresses[host] for host in HOSTS[:2]}
    assert resource_file(replace(DATA, addresses=two, diskful=HOSTS[:1]), NUMBERS, "w0rd") == WANTED


def test_one_host_has_nobody_to_connect_to() -> None:
    text = resource_file(replace(DATA, addresses={"p-hive0": "10.0.0.4"}, diskful=HOSTS[:1]), NUMBERS, "w0rd")
    assert "connection-mesh" not in text
