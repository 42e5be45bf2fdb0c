"""The role backup-tools: the runner's settings, its timer, and the descriptions of what services back up."""

import json

import pytest

from hive_nornir.errors import OperationFailed, UsageError
from hive_nornir.operations.core import Observed
from hive_nornir.tasks.repository import backup_scripts
from hive_nornir.tasks.repository.backup_tools import BackupToolsVariables, backup_tools
from hive_onhost.backup.services import target
from tests.tasks.servers.servers import names, server
from tests.tasks.servers.targets import SERVERS, due, named, settled

HIVE, OTHER, REPOSITORY = SERVERS
FILES = {"name": "files", "directory": "/data", "cleanup_days_before": 7}
DUMP = {"name": "dump", "ext": "sql.gz", "backup_command": "dump | gzip", "restore_command": "gunzip | load", "batch_scripts": ["sync"]}


def site_of(context, **scripts):
    host = server(context, name=REPOSITORY, site_groups={"first_hive": [OTHER]})
    scopes = {**{name: {} for name in host.site.services}, **{name: {"hive_backup_scripts": given} for name, given in scripts.items()}}
    host.site.services = list(scopes)
    host.site.scope = scopes.__getitem__
    return host


def operations(context, **scripts):
    host = site_of(context, **scripts)
    return backup_tools.function(host, BackupToolsVariables(hive_home_dir="/home/admin", hive_registry_backup_cleanup_days_before=9))


def test_settings_tell_where_and_how_long(tmp_path):
    written = due(named(operations(tmp_path), "file /etc/hive/backup.json"), "absent").apply
    text = written[written.index("{") : written.rindex("}") + 1]
    assert json.loads(text) == {"folder": "/home/admin/backup", "zabbix_days": 3, "registry_days": 9, "hook": ""}


def test_the_command_is_there_before_the_timer_runs(tmp_path):
    found = names(operations(tmp_path))
    assert found.index("link /usr/bin/hive-backup.sh") < found.index("service backup.timer")
    timer = due(named(operations(tmp_path), "file /etc/systemd/system/backup.timer"), "absent").apply
    for line in ("OnCalendar=*-*-* 01:00:00", "Persistent=true", "WantedBy=timers.target"):
        assert f"{line}\n" in timer
    service = due(named(operations(tmp_path), "file /etc/systemd/system/backup.service"), "absent").apply
    for line in ("Type=oneshot", "User=admin", "Group=admin", "WorkingDirectory=/home/admin", "ExecStart=/usr/bin/hive-backup.sh"):
        assert f"{line}\n" in service


def test_hive_builders_own_script_is_replaced(tmp_path):
    assert due(named(operations(tmp_path), "link /usr/bin/hive-backup.sh"), "regular file|755|root|root|0|0|9\n")


def test_folders_are_for_the_administrator(tmp_path):
    found = operations(tmp_path)
    assert "hv_dir /home/admin/backup 700 admin:admin" in due(named(found, "folder /home/admin/backup"), "absent").apply
    assert "hv_dir /var/lib/hive-backup.d 750 root:admin" in due(named(found, "folder /var/lib/hive-backup.d"), "absent").apply


def test_services_are_described_as_the_runner_reads_it(tmp_path):
    host = site_of(tmp_path, store=[FILES, DUMP])
    described = backup_scripts.descriptions(host.site)
    assert described.keys() == {"store"}
    assert described["store"]["managers"] == [f"{OTHER}:2376", f"{HIVE}:2376"]
    files, dump = target("store", described["store"]["entries"], lambda: None).jobs
    assert (files.name, files.extension, files.days) == ("files", "tar.gz", 7)
    assert (dump.name, dump.extension, dump.days) == ("dump", "sql.gz", None)


def test_a_description_is_not_shown_since_commands_may_hold_secrets(tmp_path):
    found = operations(tmp_path, store=[DUMP])
    change = due(named(found, "file /var/lib/hive-backup.d/store"), "absent")
    assert change.diff == ""
    assert "640 root:admin" in change.apply
    assert "certificate for Docker's API" in names(found)
    assert "certificate for Docker's API" not in names(operations(tmp_path))


def test_descriptions_of_services_that_are_no_more_go(tmp_path):
    others = named(operations(tmp_path, store=[FILES]), "no other descriptions")
    assert settled(others, "store\n")
    change = due(others, "old one\nstore\n")
    assert change.diff == "- old one"
    assert "rm -f -- 'old one'" in change.apply


@pytest.mark.parametrize(
    ("scripts", "said"),
    [
        ({"store": [FILES], "shop": [FILES]}, "a backup of store is called 'files' too"),
        ({"store": [FILES, FILES]}, "a backup of store is called 'files' too"),
        ({"store": [{**FILES, "name": "hive-zabbix"}]}, "a backup of the repository server is called 'hive-zabbix' too"),
        ({"hive-store": [FILES]}, "names that begin with hive- are reserved"),
        ({"store": [{"name": "x"}]}, "service store: backup_scripts"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(tmp_path, scripts, said):
    with pytest.raises(UsageError, match=said):
        backup_scripts.descriptions(site_of(tmp_path, **scripts).site)


def test_the_environment_of_the_commands_is_a_precondition(tmp_path):
    with pytest.raises(OperationFailed, match="/opt/hive/venv") as raised:
        operations(tmp_path)[0].decide(Observed("", exit_code=1))
    assert raised.value.hint == "run the role pip-venv first"
