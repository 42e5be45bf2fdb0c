"""The role rsyslogd-client: what is forwarded, by whom and to whom; and nothing without TLS."""

import pytest

from hive_nornir.inventory.ca import SiteCA
from hive_nornir.tasks.servers.rsyslogd_client import RsyslogdClientVariables, rsyslogd_client
from tests.tasks.servers.servers import names, server
from tests.tasks.servers.targets import due, named, settled

FILE = "/etc/rsyslog.d/docker.conf"


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("context")
    SiteCA.load_or_create(folder / "ca", "example.com")
    return folder


def operations(context, **values):
    v = RsyslogdClientVariables.model_validate({"hive_private_ip": "10.1.0.4", **values})
    return next(rsyslogd_client.function(server(context), v))


def test_everything_goes_to_the_repository_that_shows_that_it_is_that(context):
    found = operations(context, hive_tls_logging=True)
    text = due(named(found, f"file {FILE}"), "absent").apply
    assert 'target="p-hive2.example.com" port="10514" protocol="tcp"' in text
    assert 'streamDriverAuthMode="x509/name" streamDriverPermittedPeers="p-hive2.example.com"' in text
    settings = due(named(found, "file /etc/rsyslog.d/00-hive-tls.conf"), "absent").apply
    assert 'KeyFile="/etc/ssl/hive/private/p-hive0.example.com-syslog_key.pem"' in settings
    assert 'queue.fileName="hive-repository"' in text
    assert 'queue.timeoutEnqueue="0"' in text
    assert f"file {FILE}" in [trigger.name for trigger in named(found, "service rsyslog.service").triggered_by]


def test_the_daemon_checks_its_whole_configuration_before_it_is_restarted(context):
    restart = named(operations(context, hive_tls_logging=True), "service rsyslog.service")
    state = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no\nType=notify\n"
    assert settled(restart, state)
    assert due(restart, state, triggered=True).apply.startswith("rsyslogd -N1 >&2\n")


def test_without_tls_nothing_is_forwarded(context):
    found = operations(context)
    assert names(found) == [f"no file {FILE}", "no file /etc/rsyslog.d/00-hive-tls.conf", "restart of rsyslog.service if it runs"]
    assert settled(found[0], "absent")
