"""The role rsyslogd: who may send, where messages go, and what differs where the daemon is not root."""

import pytest

from hive_nornir.inventory.ca import SiteCA
from hive_nornir.inventory.shared_hosts import SharedHosts
from hive_nornir.tasks.repository.rsyslogd import RsyslogdVariables, rsyslogd
from hive_nornir.tasks.repository.service_logs import configuration_text, rotation_text, tcp_listener
from tests.tasks.servers.servers import ALMA, DEBIAN, UBUNTU, names, server
from tests.tasks.servers.targets import SERVERS, due, named

HIVE, OTHER, REPOSITORY = SERVERS
CONFIGURATION, TLS = "file /etc/rsyslog.d/services.conf", "file /etc/rsyslog.d/00-hive-tls.conf"


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("context")
    SiteCA.load_or_create(folder / "ca", "example.com")
    return folder


def operations(context, distribution=DEBIAN, **values):
    facts = {"selinux": "permissive"} if distribution is ALMA else {}
    host = server(context, name=REPOSITORY, distribution=distribution, facts=facts)
    given = {"hive_private_ip": "10.1.0.6", "hive_internal_cidr": "172.31.252.0/22", **values}
    return next(rsyslogd.function(host, RsyslogdVariables.model_validate(given)))


def text_of(found):
    return due(named(found, CONFIGURATION), "absent").apply


def sources(found):
    """Whom the packet filter is to let in."""
    lines = due(named(found, "firewall set syslog"), "@@has-v6\n").apply.splitlines()
    return sorted({line.split()[3] for line in lines if line.startswith("-A HIVE-SERVICE")})


def test_over_udp_the_stages_servers_and_containers_may_send(context):
    found = operations(context)
    text = text_of(found)
    assert 'input(type="imudp" port="10514" ruleset="hive-services")' in text
    assert '$fromhost-ip == ["127.0.0.1", "::1", "10.1.0.4", "10.1.0.5", "10.1.0.6"]' in text
    assert '$hostname == ["localhost", "p-hive0.example.com",' in text
    assert sources(found) == ["10.1.0.4/32", "10.1.0.5/32", "10.1.0.6/32", "172.31.254.0/25"]
    assert not [name for name in names(found) if "key" in name]
    assert named(found, f"no {TLS}") in named(found, "service rsyslog.service").triggered_by


def test_over_tls_hives_show_who_they_are_and_the_repository_does_too(context):
    found = operations(context, hive_tls_logging=True, hive_safe_syslog_port=6514)
    text = text_of(found)
    assert f'permittedPeer=["{HIVE}", "{OTHER}"]' in text
    assert 'streamDriver.mode="1" streamDriver.authMode="x509/name"' in text
    assert f'KeyFile="/etc/ssl/hive/private/{REPOSITORY}-syslog_key.pem"' in due(named(found, TLS), "absent").apply
    assert "imudp" not in text
    restart = named(found, "service rsyslog.service")
    assert {named(found, CONFIGURATION), named(found, TLS), named(found, "file /etc/ssl/hive/certs/hive-syslog-ca.pem")} < set(
        restart.triggered_by
    )
    assert named(found, f"certificate /etc/ssl/hive/certs/{REPOSITORY}-syslog_cert.pem") in restart.triggered_by


def test_the_servers_own_network_is_one_source(context):
    found = operations(context, hive_internal_net_addr="192.168.9.0", hive_internal_net_cidr=24)
    assert sources(found) == ["172.31.254.0/25", "192.168.9.0/24"]


def test_a_shared_repository_takes_the_logs_of_all_hives_that_it_knows(context, tmp_path):
    SharedHosts(tmp_path).record("other.example", "p-hive0.other.example", "203.0.113.7", is_hive=True, write=True)
    found = operations(context, hive_shared_repository={"context_dir": tmp_path}, hive_tls_logging=True)
    assert '"p-hive0.other.example"]' in text_of(found)
    assert "203.0.113.7/32" in sources(found)
    assert 'CertFile="/etc/ssl/hive/certs/shared-repository-syslog_cert.pem"' in due(named(found, TLS), "absent").apply


def test_a_daemon_that_is_not_root_gets_a_folder_and_a_key_of_its_own(context):
    found = operations(context, UBUNTU, hive_tls_logging=True)
    assert "fileGroup" not in text_of(found)
    assert "hv_dir /var/log/services 2750 syslog:zabbix" in due(named(found, "folder /var/log/services"), "absent").apply
    assert "syslog:root" in due(named(found, "key "), "").apply
    assert "syslog in group ssl-cert" in names(found)
    allowed = due(named(found, "block rsyslogd in /etc/apparmor.d/local/usr.sbin.rsyslogd"), "regular file|644|root|root|0|0|0\nx\n").apply
    assert "/etc/ssl/hive/** r," in allowed
    profile = named(found, "AppArmor profile")
    assert "apparmor_parser -r /etc/apparmor.d/usr.sbin.rsyslogd" in due(profile, "", triggered=True).apply
    assert profile in named(found, "service rsyslog.service").triggered_by


def test_el_needs_a_port_label_and_another_umask(context):
    found = operations(context, ALMA)
    assert "semanage port -a -t syslogd_port_t -p udp 10514" in due(named(found, "SELinux label"), "due").apply
    assert "$Umask 0027\n" in text_of(found)
    assert "$Umask" not in text_of(operations(context))


def test_names_from_the_network_are_made_names_of_files():
    listener = tcp_listener(1, ["x", "x"])
    assert 'permittedPeer=["x"]' in listener
    text = configuration_text(listener, {"a.b": "10.0.0.1"}, group="", umask="")
    for name in ("programname", "hostname"):
        assert f'property(name="{name}" position.from="1" position.to="64" securepath="replace" controlcharacters="drop")' in text
    assert text.count('startswith "."') == 2


def test_rotation_covers_every_file_that_is_written():
    text = rotation_text("root")
    assert text.split("{")[0].split()[-3:] == [
        "/var/log/services/*.log",
        "/var/log/service-error.log",
        "/var/log/service-other-facility.log",
    ]
    assert "create 0640 root zabbix" in text.split("{")[1]
