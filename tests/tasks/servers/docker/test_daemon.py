"""daemon.json and the unit's drop-in say where Docker listens, in one place only (DOC-2, DOC-3)."""

import pytest

from hive_nornir.errors import OperationFailed
from hive_nornir.tasks.servers.docker.daemon import configuration, override, override_text
from tests.tasks.servers.targets import due, settled, target

BIP = "172.31.254.129/25"


@pytest.mark.parametrize(
    ("start", "wanted"),
    [
        ("/usr/sbin/dockerd -H fd:// $DOCKER_OPTS", f"/usr/sbin/dockerd $DOCKER_OPTS --bip={BIP}"),
        (
            "/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock",
            f"/usr/bin/dockerd --containerd=/run/containerd/containerd.sock --bip={BIP}",
        ),
        ("/usr/bin/dockerd --host fd:// --bip 10.0.0.1/24", f"/usr/bin/dockerd --bip={BIP}"),
        ("/usr/bin/dockerd -Hfd:// --host=tcp://0.0.0.0:2375 \\\n  --debug", f"/usr/bin/dockerd --debug --bip={BIP}"),
    ],
)
def test_the_start_command_is_the_distributions_without_listeners(start, wanted):
    text = override_text(f"[Service]\nType=notify\nExecStart={start}\nExecReload=/bin/kill -s HUP $MAINPID\n", BIP)
    assert f"\nExecStart=\nExecStart={wanted}\n" in text
    assert "RestartSec=15\n" in text
    assert "EnvironmentFile=-/etc/environment\n" in text


def test_the_drop_in_is_written_once(tmp_path):
    operation = override(target(tmp_path).os.docker, BIP)
    unit = "[Service]\nExecStart=/usr/sbin/dockerd -H fd://\n"
    assert due(operation, f"{unit}\n==\n").summary == "new"
    assert settled(operation, f"{unit}\n==\n{override_text(unit, BIP)}")
    assert due(operation, f"{unit}\n==\n{override_text(unit, '10.0.0.1/24')}").summary == "content"


def test_without_a_unit_there_is_nothing_to_override(tmp_path):
    change = due(override(target(tmp_path).os.docker, BIP), "\n==\n")
    assert "exit 1" in change.apply


def test_a_unit_that_starts_nothing_is_refused():
    with pytest.raises(OperationFailed, match="no ExecStart"):
        override_text("[Service]\nExecStart=\n", BIP)


def test_the_configuration_asks_every_client_for_a_certificate():
    given = {"address": "10.1.0.4", "ca": "/ca", "certificate": "/cert", "key": "/key"}
    plain = configuration(**given, mirror=None, vfs=False)
    assert plain == {
        "hosts": ["unix:///var/run/docker.sock", "tcp://10.1.0.4:2376"],
        "tlsverify": True,
        "tlscacert": "/ca",
        "tlscert": "/cert",
        "tlskey": "/key",
        "iptables": True,
    }
    more = configuration(**given, mirror="https://mirror.example", vfs=True)
    assert more["registry-mirrors"] == ["https://mirror.example"]
    assert more["storage-driver"] == "vfs"
