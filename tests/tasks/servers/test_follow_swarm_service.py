"""The role follow-swarm-service, and how its daemon is restarted, without a server."""

import json
import re
from pathlib import Path

import pytest

from hive_nornir.errors import OperationFailed
from hive_nornir.inventory.ca import SiteCA
from hive_nornir.operations.core import Observed, Operation
from hive_nornir.tasks import vip_daemon
from hive_nornir.tasks.servers import follow_swarm_service as module
from hive_nornir.tasks.servers.follow_swarm_service import FollowSwarmServiceVariables, follow_swarm_service
from hive_vip import __main__ as program
from hive_vip.settings import Settings
from tests.tasks.servers.servers import server
from tests.tasks.servers.targets import due, named

STATE = "LoadState=loaded\nActiveState={}\nSubState=running\nUnitFileState=enabled\nNeedDaemonReload=no\nCanReload=no\nType=simple\n"


def role(folder, *, check=False, groups=("hives", "servers")):
    SiteCA.load_or_create(folder / "ca", "example.com")
    host = server(folder, check=check, groups=groups, site_groups={"hives": ["p-hive0.example.com"], "servers": []})
    return next(follow_swarm_service.function(host, FollowSwarmServiceVariables()))


def test_a_hive_gets_the_daemon_with_all_that_it_needs(tmp_path):
    names = [operation.name for operation in role(tmp_path)]
    wanted = [
        "packages iputils-ping",
        "folder /etc/hive/vip",
        "key /etc/hive/vip/key.pem",
        "file /etc/hive/vip.json",
        "file /opt/hive/lib/hive_vip.pyz",
        "link /usr/bin/hive-vip",
        "file /etc/systemd/system/follow-swarm-service.service",
        "service follow-swarm-service.service",
    ]
    assert [name for name in names if name in wanted] == wanted


def test_another_server_has_none(tmp_path):
    [operation] = role(tmp_path, groups=("repository", "servers"))
    assert "systemctl stop" in due(operation, STATE.format("active")).apply
    assert operation.decide(Observed(STATE.replace("loaded", "not-found"))) is None


def test_the_labels_of_groups_are_told_and_found_where_the_daemon_looks(tmp_path):
    change = due(named(role(tmp_path), "file /etc/hive/vip.json"), "absent")
    assert json.loads(re.search(r"\{.*\}", change.apply, re.DOTALL)[0])["group_labels"] == ["hives", "nfs_volumes", "servers"]
    assert (Path(module.CONFIGURATION), Path(module.CERTIFICATES)) == (program.CONFIGURATION, Settings().certificates)


def test_the_unit_is_as_specified(tmp_path):
    change = due(named(role(tmp_path), "file /etc/systemd/system/follow-swarm-service.service"), "absent")
    lines = {"Type=simple", "Wants=docker.service", "After=docker.service", "Restart=always", "RestartSec=15", "WantedBy=multi-user.target"}
    assert {*lines, "ExecStart=/usr/bin/hive-vip run"} <= set(change.apply.splitlines())


@pytest.mark.parametrize(
    ("start", "role_name"), [("Docker SDK", "pip-venv"), ("folder for certificates", "tls-certificate"), ("Docker", "docker")]
)
def test_what_is_missing_names_its_role(tmp_path, start, role_name):
    found = [operation for operation in role(tmp_path) if operation.name == start or operation.name.startswith(f"{start} in")]
    operation = found[0] if found else named(role(tmp_path), start)
    with pytest.raises(OperationFailed, match=f"run the role {role_name} first"):
        operation.decide(Observed(""))


def test_a_restart_is_a_hand_over_and_a_start_is_none():
    changed = Operation("x", ":", lambda _seen: None)
    for operation in (vip_daemon.running(restart_on=[changed]), vip_daemon.restarted_if_running(on=[changed])):
        change = operation.decide(Observed(STATE.format("active"), triggered=True))
        assert change is not None
        assert change.apply.index("systemctl kill --kill-who=main -s HUP") < change.apply.index("systemctl restart")
        assert operation.decide(Observed(STATE.format("active"))) is None
    started = due(vip_daemon.running(restart_on=[changed]), STATE.format("inactive"))
    assert "HUP" not in started.apply
