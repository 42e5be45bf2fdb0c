"""What a server tells of itself. The texts are those of systemd 257, DRBD 9 and audit 3."""

import json
import subprocess

import pytest

from hive_onhost.failure import ENGINE, NOT_FOUND, USAGE, Failure
from hive_onhost.probes import audit, certificates, docker_volume, drbd, service_discovery, service_restart, vip
from hive_onhost.probes.answers import discovered
from hive_onhost.probes.local import output
from hive_onhost.probes.units import Lists, unit


@pytest.fixture
def commands(monkeypatch):
    """What commands print, by a word in them."""
    known = {}

    def run(words, *, codes=(0,)):
        found = next((answer for key, answer in known.items() if key in " ".join(words)), None)
        if found is None:
            raise Failure(f"cannot run {words}", ENGINE)
        return found

    for module in ("service_discovery", "service_restart", "superuser", "vip"):
        monkeypatch.setattr(f"hive_onhost.probes.{module}.output", run)
    return known


@pytest.mark.parametrize(
    ("now", "entered", "wanted"), [(1000, 900, "1"), (1000, 820, "0"), (1000, 300, "0"), (1000, 0, "0"), (150, 140, "0"), (179, 170, "0")]
)
def test_a_service_was_restarted_if_it_is_young_and_the_host_is_not(commands, monkeypatch, capsys, now, entered, wanted):
    monkeypatch.setattr("time.clock_gettime", lambda _clock: float(now))
    commands["ActiveEnterTimestampMonotonic -- a@b.service"] = f"LoadState=loaded\nActiveEnterTimestampMonotonic={entered * 1_000_000}\n"
    commands["UserspaceTimestampMonotonic"] = "UserspaceTimestampMonotonic=2000000\n"
    assert service_restart.main(["a%b"]) == 0
    assert capsys.readouterr().out.strip() == wanted


def test_a_service_that_is_not_there_was_not_restarted_and_is_no_number(commands):
    commands["UserspaceTimestampMonotonic"] = "UserspaceTimestampMonotonic=0\n"
    commands["ActiveEnter"] = "LoadState=not-found\nActiveEnterTimestampMonotonic=0\n"
    assert service_restart.main(["nix"]) == NOT_FOUND
    assert service_restart.main([]) == USAGE


def test_units_are_found_under_the_names_that_can_be_asked_for(commands, capsys):
    commands["list-unit-files"] = "ssh.service enabled enabled\n"
    commands["--all"] = "a@b.service loaded active running B\nfsck@dev-disk\\x2d1.service loaded active exited Check\n"
    commands["sh -c"] = "\n\n".join(
        f"Type=simple\nId={name}\nUnitFileState=enabled" for name in ("ssh.service", "a@b.service", "c\\x2d.service")
    )
    assert service_discovery.main([]) == 0
    assert json.loads(capsys.readouterr().out) == [{"{#SERVICE}": "a%b.service"}, {"{#SERVICE}": "ssh.service"}]
    commands["--state=failed"] = "x.service loaded failed failed X\n"
    assert service_discovery.main(["--failed"]) == 0
    assert capsys.readouterr().out == "1\n"
    assert [unit(name) for name in ("a%b.service", "ssh")] == ["a@b.service", "ssh.service"]


def test_lists_are_regular_expressions(tmp_path):
    (tmp_path / "white").write_text("^web\n^db")
    (tmp_path / "black").write_text("getty@.*\\.service$\n^web-test")
    lists = Lists.read(tmp_path / "white", tmp_path / "black")
    assert [lists.listed(name) for name in ("web.service", "web-test.service", "db.service", "ssh.service")] == [True, False, True, False]
    both = Lists.read(tmp_path / "none", tmp_path / "black")
    assert [both.listed(name) for name in ("ssh.service", "serial-getty@ttyS0.service")] == [True, False]
    (tmp_path / "black").write_text("a(b\n")
    with pytest.raises(Failure, match=r"'a\(b' is no regular expression"):
        Lists.read(tmp_path / "none", tmp_path / "black")


def test_what_zabbix_cannot_ask_for_is_not_discovered():
    found = discovered([{"NAME": "a", "PATH": "/data"}, {"NAME": "b", "PATH": "/da ta;"}, {"NAME": "c$", "PATH": "/"}])
    assert found == [{"{#NAME}": "a", "{#PATH}": "/data"}]


RESOURCE = {
    "name": "r0",
    "role": "Secondary",
    "devices": [{"volume": 0, "minor": 1, "disk-state": "UpToDate", "client": False}],
    "connections": [
        {
            "name": "p-hive1",
            "connection-state": "Connected",
            "peer_devices": [{"volume": 0, "replication-state": "Established", "peer-disk-state": "UpToDate", "peer-client": False}],
        },
        {
            "name": "p-hive2",
            "connection-state": "StandAlone",
            "peer_devices": [{"volume": 0, "replication-state": "Off", "peer-disk-state": "Diskless", "peer-client": True}],
        },
    ],
}


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        ("disk", "UpToDate"),
        ("peers", "p-hive1 UpToDate, p-hive2 Diskless client"),
        ("connections", "p-hive1 Connected, p-hive2 StandAlone"),
    ],
)
def test_the_states_of_a_replicated_disk_are_words(commands, capsys, what, wanted):
    commands["sudo -n /usr/sbin/drbdsetup status --json"] = json.dumps([{"name": "other"}, RESOURCE])
    assert drbd.main([what, "r0"]) == 0
    assert capsys.readouterr().out.strip() == wanted
    assert drbd.main([what, "nix"]) == NOT_FOUND


def test_a_client_has_no_disk_and_volumes_may_differ():
    client = {"devices": [{"disk-state": "Diskless", "client": True}, {"disk-state": "Diskless"}]}
    assert drbd.local_disk(client) == "Diskless client, Diskless"


def test_resources_are_those_of_the_configuration(commands, capsys, monkeypatch, tmp_path):
    assert drbd.main([]) == 0
    assert capsys.readouterr().out == "[]\n"
    (tmp_path / "drbdadm").touch()
    monkeypatch.setattr(drbd, "DRBD_RESOURCES", f"{tmp_path}/drbdadm sh-resources")
    commands["sh-resources"] = "data-1 Web_2\n"
    assert drbd.main([]) == 0
    assert json.loads(capsys.readouterr().out) == [{"{#RESOURCE_NAME}": "data-1"}, {"{#RESOURCE_NAME}": "Web_2"}]
    assert drbd.main(["disk"]) == USAGE


AUDIT = """\
----
time->Tue Nov 24 10:00:00 2026
type=PROCTITLE msg=audit(1795500000.1:5): proctitle="x"
type=AVC msg=audit(1795500000.1:5): avc:  denied  { read } for  pid=1 comm="x"
----
type=USER_AVC msg=audit(1795500001.1:6): pid=1 uid=81 msg='avc:  received policyload notice (seqno=2) exe="/usr/bin/dbus-broker"'
----
type=SELINUX_ERR msg=audit(1795500002.1:7): op=security_compute_av reason=bounds
"""


def test_denials_are_counted_without_what_came_with_them_and_without_notices():
    assert audit.denials(AUDIT) == 2
    assert audit.denials("<no matches>\n") == 0


@pytest.mark.parametrize(
    ("hooks", "healthy", "wanted"),
    [
        ([{"here": True, "state": "bound"}], True, 0),
        ([{"here": True, "state": "missing"}, {"here": True, "state": "refused"}, {"here": False, "state": "refused"}], False, 2),
        ([], False, 1),
    ],
)
def test_addresses_that_are_missing_are_counted(hooks, healthy, wanted):
    assert vip.missing({"hooks": hooks}, healthy=healthy) == wanted


def test_a_daemon_that_tells_nothing_is_no_number(commands, capsys):
    commands["hive-vip"] = "1\n"
    assert vip.main([]) == ENGINE
    commands["hive-vip"] = '{\n "hooks": []\n}\n0\n'
    assert vip.main([]) == 0
    assert capsys.readouterr().out == "0\n"


def test_the_first_certificate_that_expires_counts(tmp_path, capsys):
    for name, days in (("a.pem", 10), ("b.pem", 40)):
        make = f"openssl req -x509 -newkey rsa:2048 -nodes -days {days} -subj /CN=test -keyout {tmp_path}/key.pem -out {tmp_path}/{name}"
        subprocess.run(make.split(), check=True, capture_output=True, timeout=20)
    assert certificates.main([f"{tmp_path}/a.pem", f"{tmp_path}/b.pem"]) == 0
    assert 9.9 < float(capsys.readouterr().out) <= 10
    assert certificates.main([f"{tmp_path}/a.pem", f"{tmp_path}/none.pem"]) == ENGINE
    assert certificates.main([]) == USAGE


DF = "Filesystem                                    1024-blocks     Used Available Capacity Mounted on\n"


@pytest.mark.parametrize(
    ("line", "wanted"), [("/dev/vda1   100   43   57      43% /data", 43), ("my share    10   10    0     100% /mnt/a 5% b", 100)]
)
def test_how_full_a_file_system_is(line, wanted):
    assert docker_volume.used(f"{DF}{line}\n") == wanted


def test_a_file_system_without_a_size_is_no_number():
    with pytest.raises(Failure, match="does not tell"):
        docker_volume.used(f"{DF}proc 0 0 0 - /proc\n")


def test_commands_that_fail_are_told_with_what_they_said():
    assert output(["sh", "-c", "echo out; exit 1"], codes=(0, 1)) == "out\n"
    with pytest.raises(Failure, match="fails with 3: because"):
        output(["sh", "-c", "echo because >&2; exit 3"])
    with pytest.raises(Failure, match="cannot run"):
        output(["/no/such/program"])
