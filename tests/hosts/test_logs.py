"""What containers and hives log arrives on the repository server, over UDP and over TLS; names from the network stay where they belong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hive_nornir import Site
from hive_nornir.operations.core import quote
from tests.hosts.pair import until
from tests.hosts.sites import changes, setup, shell

ROLES = ("rsyslogd", "rsyslogd-client")
IMAGE = "debian:trixie-slim"
PORT = 10514


@pytest.fixture(scope="module")
def site(repository_site: Site) -> Iterator[Site]:
    """The shared hive and repository; logs come over UDP again afterwards."""
    yield repository_site
    assert not repository_site.context.persistents.get("tls_logging")[0]


@contextmanager
def tls(site: Site) -> Iterator[None]:
    """Logs come over TLS; then over UDP again, as before."""
    site.context.persistents.set("tls_logging", "true")
    site.reload()
    try:
        setup(site, *ROLES)
        yield
    finally:
        site.context.persistents.unset("tls_logging")
        site.reload()
        setup(site, *ROLES)


def repository(site: Site, script: str) -> str:
    return shell(site, script, site.inventory.repository)


def hive(site: Site, script: str) -> str:
    return shell(site, script, site.inventory.hives[0])


def logged(site: Site, file: str, text: str) -> bool:
    """Whether a line of a log on the repository has a text."""
    return repository(site, f"grep -sF -- {quote(text)} {quote(file)} || :") != ""


def arrives(site: Site, file: str, text: str) -> str:
    """The line with the text, which gets into the log within half a minute."""
    until(lambda: logged(site, file, text), 30)
    return repository(site, f"grep -F -- {quote(text)} {quote(file)}").strip()


def run_container(site: Site, tag: str, text: str, options: str) -> None:
    """A container on the hive says something."""
    hive(site, f"docker run --rm --log-driver syslog --log-opt syslog-facility=local0 --log-opt tag={tag} {options} {IMAGE} echo {text}")


def over_udp(site: Site) -> str:
    return f"--log-opt syslog-address=udp://{site.inventory.scope(site.inventory.repository)['hive_private_ip']}:{PORT}"


def datagrams(site: Site, *messages: str, sender: str = "") -> None:
    """The hive sends these, as they are.

    :param sender: the repository does, from this address.
    """
    address = site.inventory.scope(site.inventory.repository)["hive_private_ip"]
    lines = [
        "import socket, json",
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        f"s.bind(({sender!r}, 0))",
        f"for each in json.loads({json.dumps(messages)!r}):",
        f"    s.sendto(each.encode(), ({address!r}, {PORT}))",
    ]
    (repository if sender else hive)(site, f"python3 -c {quote(chr(10).join(lines))}")


def test_what_a_container_says_arrives_over_udp_in_its_services_log(site: Site) -> None:
    run_container(site, "web", "said-over-udp", over_udp(site))
    line = arrives(site, "/var/log/services/web.log", "said-over-udp")
    name = re.escape(site.inventory.hives[0].partition(".")[0])
    assert re.fullmatch(rf"\d{{4}}/\d\d/\d\d \d\d:\d\d:\d\d {name}\S* web\[\d+\]: said-over-udp", line)


def test_messages_go_where_their_sender_and_facility_say(site: Site) -> None:
    own = site.inventory.hives[0].partition(".")[0]
    datagrams(
        site,
        f"<142>Nov 24 16:02:01 {own} inner[1]: of-a-program",
        f"<14>Nov 24 16:02:01 {own} cron: of-the-system",
        "<30>Nov 24 16:02:01 standalone init: of-a-standalone-service",
    )
    arrives(site, f"/var/log/services/{own}.inner.log", "of-a-program")
    arrives(site, "/var/log/service-other-facility.log", "of-the-system")
    arrives(site, "/var/log/services/standalone.log", "of-a-standalone-service")
    # A container on the repository itself is no server of the stage.
    repository(site, "ip address add 172.31.254.9/32 dev lo")
    try:
        datagrams(site, "<134>Nov 24 16:02:01 neighbour app: of-a-container", sender="172.31.254.9")
    finally:
        repository(site, "ip address del 172.31.254.9/32 dev lo")
    arrives(site, "/var/log/services/neighbour.log", "of-a-container")


def test_no_name_from_the_network_leaves_the_folder(site: Site) -> None:
    run_container(site, "../../../etc/cron.d/evil", "said-by-evil", over_udp(site))
    datagrams(
        site,
        f"<134>1 2026-11-24T16:02:01Z p-hive0 ../../tmp/{'x' * 40} - - - in-the-new-format",
        f"<134>Nov 24 16:02:01 p-hive0 {'y' * 300}: a-long-name",
        "<142>1 2026-11-24T16:02:01Z ../../../tmp/host /tmp/app - - - two-names",
    )
    arrives(site, f"/var/log/services/{'y' * 64}.log", "a-long-name")
    texts = "-e said-by-evil -e in-the-new -e two-names"
    until(lambda: repository(site, f"cat /var/log/services/* | grep -c {texts} || :") == "3\n", 30)
    assert all(re.fullmatch(r"/var/log/services/_[^/]*", path) for path in places(site)), places(site)


def places(site: Site) -> list[str]:
    """Every file on the repository with what was sent under names that lead elsewhere."""
    search = (
        "find /etc /tmp /root /var/log -xdev -type f -newermt '-10 minutes' -exec grep -lF -e said-by-evil -e in-the-new -e two-names {} +"
    )
    return repository(site, f"{search} || :").split()


def test_files_are_for_the_monitoring_agent_and_rotated(site: Site) -> None:
    run_container(site, "rotated", "before-rotation", over_udp(site))
    arrives(site, "/var/log/services/rotated.log", "before-rotation")
    paths = (
        *("/var/log/services", "/var/log/services/rotated.log", "/var/log/service-error.log", "/var/log/service-other-facility.log"),
        *("/etc/rsyslog.d/services.conf", "/etc/rsyslog-services.d", "/etc/logrotate.d/hive-services"),
    )
    modes = repository(site, f"stat -c '%a %U:%G %n' {' '.join(paths)}")
    assert modes.splitlines() == [
        "750 root:zabbix /var/log/services",
        "640 root:zabbix /var/log/services/rotated.log",
        "640 root:zabbix /var/log/service-error.log",
        "640 root:zabbix /var/log/service-other-facility.log",
        "644 root:root /etc/rsyslog.d/services.conf",
        "775 root:root /etc/rsyslog-services.d",
        "644 root:root /etc/logrotate.d/hive-services",
    ]
    repository(site, "logrotate -f /etc/logrotate.d/hive-services")
    run_container(site, "rotated", "after-rotation", over_udp(site))
    arrives(site, "/var/log/services/rotated.log", "after-rotation")
    assert not logged(site, "/var/log/services/rotated.log", "before-rotation")
    assert logged(site, "/var/log/services/rotated.log.1", "before-rotation")
    assert repository(site, "stat -c '%a %G' /var/log/services/rotated.log") == "640 zabbix\n"


def test_includes_copy_what_they_match_to_the_errors(site: Site) -> None:
    action = 'action(type="omfile" file="/var/log/service-error.log" template="hive-error-line")'
    rule = f'if $.app == "web" and re_match($msg, "E[0-9]+") then {{ {action} }}\n'
    repository(site, f"printf '%s' {quote(rule)} >/etc/rsyslog-services.d/web.conf; rsyslogd -N1; systemctl restart rsyslog")
    try:
        run_container(site, "web", "E42-is-an-error", over_udp(site))
        line = arrives(site, "/var/log/service-error.log", "E42-is-an-error")
        assert re.fullmatch(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d /var/log/services/web.log web\[\d+\]: E42-is-an-error", line)
    finally:
        repository(site, "rm /etc/rsyslog-services.d/web.conf; systemctl restart rsyslog")


def test_only_servers_and_containers_may_send(site: Site) -> None:
    rules = [rule for rule in repository(site, "iptables -S HIVE-SERVICE").splitlines() if '"allow syslog"' in rule]
    servers = [f"{site.inventory.scope(name)['hive_private_ip']}/32" for name in site.inventory.servers]
    assert sorted(rule.split()[3] for rule in rules) == sorted([*servers, "172.31.254.0/25"])
    assert all(f"-p udp -m conntrack --ctstate NEW -m multiport --dports {PORT} " in rule for rule in rules)


def test_a_wrong_include_stops_the_role_and_not_the_daemon(site: Site) -> None:
    repository(site, "echo 'if this is wrong {' >/etc/rsyslog-services.d/wrong.conf; rm /etc/rsyslog.d/services.conf")
    report = site.run("setup-hosts", roles=["rsyslogd"])
    role = report.hosts[site.inventory.repository].roles["rsyslogd"]
    try:
        assert role.status == "failed"
        assert "wrong.conf" in role.stderr
        assert repository(site, "systemctl is-active rsyslog") == "active\n"
    finally:
        repository(site, "rm /etc/rsyslog-services.d/wrong.conf")
        setup(site, "rsyslogd")


def test_over_tls_only_hives_are_heard_and_nothing_is_lost_while_nobody_listens(site: Site) -> None:
    with tls(site):
        assert changes(setup(site, *ROLES)) == []
        assert repository(site, f"ss -Hlun sport = :{PORT}") == ""
        assert all("-p tcp" in rule for rule in repository(site, "iptables -S HIVE-SERVICE | grep 'allow syslog'").splitlines())
        run_container(site, "web", "said-over-tls", "")
        arrives(site, "/var/log/services/web.log", "said-over-tls")

        address, own = site.inventory.scope(site.inventory.repository)["hive_private_ip"], site.inventory.repository
        said = "printf '<134>Nov 24 16:02:01 x web: from-a-stranger\\n'"
        client = f"{{ {said}; sleep 1; }} | timeout 10 openssl s_client -quiet -connect {address}:{PORT}"
        # Without a certificate; with one of the site's authority, but no hive's; and without TLS.
        for options in ("", f"-cert /etc/ssl/hive/certs/{own}_cert.pem -key /etc/ssl/hive/private/{own}_key.pem"):
            repository(site, f"{client} {options} >/dev/null 2>&1 || :")
        hive(site, f'bash -c "{said} >/dev/tcp/{address}/{PORT}"')

        # What is said while the repository is down waits on the hive, and nobody waits for it.
        repository(site, "systemctl stop rsyslog.service syslog.socket")
        run_container(site, "web", "said-meanwhile", "")
        repository(site, "systemctl start rsyslog")
        arrives(site, "/var/log/services/web.log", "said-meanwhile")
        assert not logged(site, "/var/log/services/web.log", "from-a-stranger")
    assert hive(site, "ls /etc/rsyslog.d/docker.conf 2>&1 || :").startswith("ls: ")
    run_container(site, "web", "over-udp-again", over_udp(site))
    arrives(site, "/var/log/services/web.log", "over-udp-again")


def test_a_second_run_changes_nothing_and_neither_does_a_plan(site: Site) -> None:
    report = setup(site, *ROLES)
    assert changes(report) == []
    assert changes(setup(site, *ROLES, check=True)) == []
