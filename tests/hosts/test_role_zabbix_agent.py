"""The role zabbix-agent on a hive and a repository server: the agent's own words, and what it can get at."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from hive_nornir import Site
from tests.hosts.pair import until
from tests.hosts.sites import changes, setup, shell
from tests.hosts.test_setup_hosts import STATE

IMAGE = "debian:trixie-slim"
# What hive-builder leaves on a server: all rights, the server's own key, an environment of the agent's own, an old place of its settings.
FORMER = """\
id zabbix >/dev/null 2>&1 || useradd -r -d /nonexistent -s /usr/sbin/nologin zabbix
mkdir -p -m 777 /var/lib/zabbix/.docker /var/lib/zabbix/docker/bin
echo key >/var/lib/zabbix/.docker/former.pem
echo 'zabbix ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/zabbix
echo '# old' >/etc/zabbix_agentd.conf"""
# A systemd inside of a container, as a standalone service has it.
STANDALONE = (
    "--label HIVE_STANDALONE=True --cap-add ALL --env container=docker --mount type=tmpfs,target=/run --mount type=tmpfs,target=/tmp "
    "--mount type=bind,source=/sys/fs/cgroup,target=/sys/fs/cgroup --mount type=volume,source=data,target=/data "
    f"{IMAGE} /lib/systemd/systemd"
)

# Services to be found, and not to be found.
PROBES = """\
cd /etc/systemd/system
install='[Install]\\nWantedBy=multi-user.target\\n'
printf "[Service]\\nExecStart=/bin/sleep inf\\n$install" >probe@.service
printf "[Service]\\nExecStart=nonsense\\nType=odd\\n$install" >probe-broken.service
printf "[Service]\\nExecStart=/bin/false\\n" >probe-fails.service
systemctl daemon-reload
systemctl enable -q --now probe@a.service
systemctl enable -q probe-broken.service"""
NO_PROBES = """\
systemctl disable -q --now probe@a.service probe-broken.service 2>/dev/null
systemctl reset-failed 'probe*'
rm /etc/systemd/system/probe*.service
systemctl daemon-reload"""


@pytest.fixture(scope="module")
def site(repository_site: Site) -> Iterator[Site]:
    """The shared hive and repository, with agents; a dry run before showed that it touches nothing."""
    for host in repository_site.inventory.servers:
        shell(repository_site, FORMER, host)
    state = f"{STATE} | sed 's/\\[[0-9:]*\\]//'"  # what the packet filter has counted meanwhile is nothing
    before = [shell(repository_site, state, host) for host in repository_site.inventory.servers]
    plan = changes(setup(repository_site, "zabbix-agent", check=True))
    assert [shell(repository_site, state, host) for host in repository_site.inventory.servers] == before
    assert {line.split(": ")[1].split(" ")[0] for line in plan} <= {"would-change", "unknown"}, plan
    setup(repository_site, "follow-swarm-service", "zabbix-agent")
    hive(repository_site, "docker network create -d overlay probed >/dev/null")
    create(repository_site, "inner", STANDALONE)
    create(repository_site, "pages", "--replicas 2 --mount type=volume,source=pages,target=/srv/pages nginx:stable")
    yield repository_site
    hive(repository_site, "docker service rm inner pages; until docker network rm probed 2>/dev/null; do sleep 0.2; done")


def create(site: Site, name: str, what: str) -> None:
    # This kernel has no virtual addresses of services.
    network = "--network probed --endpoint-mode dnsrr"
    hive(site, f"docker service create -d -q --name {name} {network} --no-resolve-image --restart-delay 1s {what}")


def repository(site: Site, script: str) -> str:
    return shell(site, script, site.inventory.repository)


def hive(site: Site, script: str) -> str:
    return shell(site, script, site.inventory.hives[0])


def value(site: Site, host: str, key: str) -> str:
    """What the agent answers, as its own account, within its own time-out."""
    said = shell(site, f"runuser -u zabbix -- zabbix_agentd -t '{key}'", host)
    found = re.search(r"\s\[[a-z]\|(.*)\]\s*$", said, re.DOTALL)
    assert found, said
    return found[1]


def of_hive(site: Site, key: str) -> str:
    return value(site, site.inventory.hives[0], key)


def of_swarm(site: Site, key: str, *parameters: str) -> Any:
    """What the repository's agent answers of the hive's swarm, a number or JSON."""
    name = f"{key}.{site.inventory.hive_name}" + (f"[{','.join(parameters)}]" if parameters else "")
    return json.loads(value(site, site.inventory.repository, name))


def test_the_agent_runs_now_and_at_boot_with_its_settings(site: Site):
    first, last = site.inventory.hives[0], site.inventory.repository
    expected = {first: (f"localhost,{last}", f"{last}:10051"), last: ("localhost,172.31.255.130", f"{last}:10051")}
    for host, (server, active) in expected.items():
        assert shell(site, "systemctl is-enabled zabbix-agent; systemctl is-active zabbix-agent", host) == "enabled\nactive\n"
        assert shell(site, "zabbix_agentd -V | head -1", host).startswith("zabbix_agentd (daemon) (Zabbix) 7.0.")
        assert shell(site, "stat -c '%a %U:%G' /etc/zabbix/zabbix_agentd.conf", host) == "640 root:zabbix\n"
        text = shell(site, "grep -v ^# /etc/zabbix/zabbix_agentd.conf", host).splitlines()
        assert text == [
            "PidFile=/run/zabbix/zabbix_agentd.pid",
            "LogFile=/var/log/zabbix-agent/zabbix_agentd.log",
            "LogFileSize=0",
            f"Hostname={host}",
            f"Server={server}",
            f"ServerActive={active}",
            "Timeout=30",
            "Include=/etc/zabbix/zabbix_agentd.conf.d/*.conf",
        ]
        assert shell(site, "readlink /etc/zabbix_agentd.conf", host) == "/etc/zabbix/zabbix_agentd.conf\n"
        assert shell(site, "ss -Hltn sport = :10050 | wc -l", host).strip() != "0"
        assert value(site, host, "agent.hostname") == host


def test_the_agent_is_asked_by_the_monitoring_server_and_by_no_one_else(site: Site):
    addresses = {name: str(site.inventory.scope(name)["hive_private_ip"]) for name in site.inventory.servers}
    for host in site.inventory.servers:
        rules = shell(site, "iptables -S HIVE-SERVICE | grep 'allow zabbix_tcp'", host).splitlines()
        assert sorted(rule.split()[3] for rule in rules) == sorted(f"{each}/32" for each in ("172.31.255.130", *addresses.values()))
        assert all("--dports 10050 " in rule for rule in rules)
    ask = "import sys, zabbix_utils; print(zabbix_utils.Getter(sys.argv[1], timeout=10).get('agent.ping').value)"
    first = addresses[site.inventory.hives[0]]
    assert repository(site, f'/opt/hive/venv/bin/python -c "{ask}" {first}') == "1\n"
    # The server's container is the one that the repository's agent answers; another container does not even reach it.
    question = "ZBXD\\001\\012\\0\\0\\0\\0\\0\\0\\0agent.ping"  # its header has the length
    from_container = f"exec 3<>/dev/tcp/172.31.255.129/10050 && printf '{question}' >&3 && tail -c 1 <&3"
    assert repository(site, f'docker exec zabbix-server bash -c "{from_container}"') == "1"
    stranger = f'docker run --rm --network zabbix_default {IMAGE} timeout 3 bash -c ": </dev/tcp/172.31.255.129/10050" 2>/dev/null'
    assert repository(site, f"{stranger} && echo reached || echo closed") == "closed\n"


def test_only_the_repositorys_agent_can_ask_dockers_api_and_none_has_more_rights_than_its_probes_need(site: Site):
    modes = "stat -c '%a %U:%G %n' /var/lib/zabbix /var/lib/zabbix/.docker /var/lib/zabbix/.docker/*.pem /var/lib/zabbix/hive-cache"
    assert repository(site, f"rm /var/lib/zabbix/.docker/former.pem; {modes}").splitlines() == [
        "755 root:root /var/lib/zabbix",
        "750 root:zabbix /var/lib/zabbix/.docker",
        *(f"600 zabbix:zabbix /var/lib/zabbix/.docker/{name}.pem" for name in ("ca", "cert", "key")),
        "750 zabbix:zabbix /var/lib/zabbix/hive-cache",
    ]
    usage = repository(site, "openssl x509 -noout -ext extendedKeyUsage -in /var/lib/zabbix/.docker/cert.pem")
    assert usage.split("\n")[1].strip() == "TLS Web Client Authentication"
    assert (
        repository(site, "runuser -u zabbix -- /var/lib/zabbix/docker/bin/python -c 'import docker; print(docker.__version__)'")[0] == "7"
    )
    assert hive(site, "ls -A /var/lib/zabbix") == ""
    allowed = hive(site, "visudo -cq; sudo -l -U zabbix | sed -n 's/^ *(root) //p'")
    assert allowed == "NOPASSWD: /usr/sbin/drbdadm sh-resources, /usr/sbin/drbdsetup status --json\n"
    for command in ("id", "/usr/sbin/drbdsetup down r0", "/usr/sbin/drbdsetup status --json --verbose"):
        assert hive(site, f"runuser -u zabbix -- sudo -n {command} 2>&1 || :").count("a password is required") == 1
    assert "not allowed to run sudo" in repository(site, "sudo -l -U zabbix")
    assert repository(site, "id -nG zabbix").split() == ["zabbix", "adm"]
    pid = repository(site, "systemctl show -p MainPID --value zabbix-agent").strip()
    groups = repository(site, f"sed -n 's/^Groups:\\s*//p' /proc/{pid}/status; getent group adm | cut -d: -f3").split()
    assert groups[-1] in groups[:-1]


def test_a_hive_tells_of_its_services(site: Site):
    hive(site, PROBES)
    try:
        found = {each["{#SERVICE}"] for each in json.loads(of_hive(site, "systemd.service.discovery"))}
        assert {"docker.service", "ssh.service", "zabbix-agent.service", "probe%a.service"} <= found
        # A template, an instance that the black list names, what ends by itself, what starts when it is called.
        assert not found & {"probe@.service", "getty%tty1.service", "sshd-keygen.service", "dbus.service", "systemd-hostnamed.service"}

        before = int(of_hive(site, "systemd.service.failed.count"))
        hive(site, "systemctl start probe-fails || :")
        until(lambda: int(of_hive(site, "systemd.service.failed.count")) == before + 1)
        hive(site, "echo '^probe-fails\\.service$' >>/etc/zabbix/service_discovery_blacklist")
        assert int(of_hive(site, "systemd.service.failed.count")) == before
        assert [line for line in changes(setup(site, "zabbix-agent")) if "service_discovery_blacklist: changed content" in line]

        hive(site, "systemctl restart probe@a.service")
        up = time.clock_gettime(time.CLOCK_MONOTONIC) - int(hive(site, "systemctl show --value -p UserspaceTimestampMonotonic")) / 1e6
        assert of_hive(site, "systemd.service.restart[probe%a.service]") == ("1" if up > 182 else "0")
        assert "there is no unit nix.service" in of_hive(site, "systemd.service.restart[nix.service]")
    finally:
        hive(site, NO_PROBES)


def test_a_hive_tells_of_its_certificates_virtual_addresses_and_disks(site: Site):
    assert 300 < float(of_hive(site, "hive.certificate.days")) < 398
    until(lambda: of_hive(site, "hive.vip.missing") == "0", 20)
    hive(site, "systemctl stop follow-swarm-service")
    try:
        assert of_hive(site, "hive.vip.missing") == "1"
    finally:
        hive(site, "systemctl start follow-swarm-service")
    assert of_hive(site, "user.discovery.drbd-resource") == "[]"
    assert "drbdsetup" in of_hive(site, "drbd-resource[r0]")


def test_the_repository_tells_of_the_swarms_services(site: Site):
    until(lambda: of_swarm(site, "docker-service-replicas", "pages") == 100, 60)
    assert {each["{#SERVICE_NAME}"] for each in of_swarm(site, "user.discovery.docker-service")} >= {"inner", "pages"}
    assert of_swarm(site, "docker.swarm.service.discovery") == of_swarm(site, "user.discovery.docker-service")
    assert of_swarm(site, "user.discovery.docker-standalone-service") == [{"{#SERVICE_NAME}": "inner"}]
    volumes = of_swarm(site, "user.discovery.docker-volume")
    assert {"{#SERVICE_NAME}": "pages", "{#NAME}": "pages", "{#PATH}": "/srv/pages"} in volumes

    stamps = hive(site, "docker service ps -q pages | xargs docker inspect -f '{{json .Status.Timestamp}}'").replace('"', "").split()
    since = int(hive(site, f"date -d {max(stamps)} +%s"))
    assert abs(of_swarm(site, "docker-service-uptime", "pages") - (time.time() - since)) < 6
    counts = [of_swarm(site, f"docker.swarm.service.replicas.{kind}", "pages") for kind in ("running", "desired")]
    assert counts == [2, 2]
    used = int(hive(site, "df -P /var/lib/docker | awk 'NR == 2 {print int($5)}'"))
    assert abs(of_swarm(site, "docker-volume", "pages", "/srv/pages") - used) <= 1

    limit = of_swarm(site, "docker.swarm.service.memory.limit", "pages")
    memory = of_swarm(site, "docker.swarm.service.memory", "pages")
    assert 100_000 < memory < limit
    assert of_swarm(site, "docker.swarm.service.memory.percent", "pages") == pytest.approx(memory / limit * 100, abs=0.02)
    assert 0 <= of_swarm(site, "docker.swarm.service.cpu", "pages") < 100
    [told] = [each for each in of_swarm(site, "docker.swarm.services") if each["service"] == "pages"]
    assert (told["running"], told["desired"], told["replicas"], told["memory_limit"]) == (2, 2, 100, limit)
    assert [of_swarm(site, f"docker.swarm.managers.{what}") for what in ("total", "reachable")] == [1, 1]

    name = site.inventory.hive_name
    for key in ("docker-service-uptime", "docker-service-replicas", "docker.swarm.service.cpu", "docker-innerservice-uptime"):
        assert "service nix not found" in value(site, site.inventory.repository, f"{key}.{name}[nix,nix]")


def test_the_repository_tells_of_services_inside_of_services(site: Site):
    inner = "$(docker ps -q -f name=inner.1)"
    until(lambda: hive(site, f"docker exec {inner} systemctl is-active nginx.service || :") == "active\n", 60)
    # Its units are found out again by the one that keeps the cache fresh, as the agent's account.
    repository(site, "systemctl start zabbix-agent-cache-builder")
    files = repository(site, "stat -c '%U %n' /var/lib/zabbix/hive-cache/*.json; cat /var/lib/zabbix/hive-cache/*.json").splitlines()
    assert files[0].startswith("zabbix /var/lib/zabbix/hive-cache/discover_innerservice_cache_")
    assert "nginx.service" in json.loads(files[1])["inner"]["inner"]
    found = of_swarm(site, "user.discovery.docker-innerservice")
    assert {"{#SERVICE_NAME}": "inner", "{#INNER}": "nginx.service"} in found
    assert not [each for each in found if each["{#SERVICE_NAME}"] == "pages"]

    entered = float(hive(site, f"docker exec {inner} systemctl show --value -p ActiveEnterTimestampMonotonic nginx.service")) / 1e6
    uptime = of_swarm(site, "docker-innerservice-uptime", "inner", "nginx.service")
    assert abs(uptime - (time.clock_gettime(time.CLOCK_MONOTONIC) - entered)) < 6
    before = of_swarm(site, "docker-failed-innerservice-count", "inner")
    hive(site, f"docker exec {inner} systemctl kill -s SEGV nginx.service")
    until(lambda: of_swarm(site, "docker-failed-innerservice-count", "inner") == before + 1, 20)
    assert of_swarm(site, "docker-innerservice-uptime", "inner", "nginx.service") == -1


def test_the_cache_is_kept_fresh_every_hour(site: Site):
    unit = "zabbix-agent-cache-builder"
    assert repository(site, f"systemctl is-enabled {unit}.timer; systemctl is-active {unit}.timer") == "enabled\nactive\n"
    timers = repository(site, f"systemctl show -p TimersMonotonic {unit}.timer")
    assert "OnBootUSec=5min" in timers
    assert "OnUnitActiveUSec=1h" in timers
    shown = repository(site, f"systemctl show -p Type -p User -p WorkingDirectory -p Result {unit}").splitlines()
    assert set(shown) == {"Type=oneshot", "User=zabbix", "WorkingDirectory=/var/lib/zabbix", "Result=success"}
    assert "Operation refused" in repository(site, f"systemctl stop {unit} 2>&1 || :")
    assert hive(site, f"systemctl cat {unit}.timer 2>&1 || :").startswith("No files found")


def test_a_dead_hive_does_not_keep_the_agent_from_answering(site: Site):
    name, network = site.inventory.hive_name, str(site.inventory.scope(site.inventory.servers[0])["hive_private_ip"]).rpartition(".")[0]
    program = "runuser -u zabbix -- env HOME=/var/lib/zabbix /var/lib/zabbix/docker-service"
    # Packets to it are lost.
    repository(site, f"echo {network}.250 p-dead.{name} >>/etc/hosts; ip neigh replace {network}.250 lladdr 02:00:00:00:00:fa dev eth0")
    try:
        # The agent itself waits for 30 s; alone on a machine it is half a second, and six.
        assert repository(site, f"timeout 20 {program} --replicas pages p-dead.{name} {site.inventory.hives[0]}") == "100\n"
        assert "no server answers" in repository(site, f"timeout 20 {program} --replicas pages p-dead.{name} 2>&1 || :")
        assert "p-dead" in repository(site, "journalctl -q --no-pager -t docker-service SYSLOG_FACILITY=18 | tail -1")
    finally:
        repository(site, f"sed -i /p-dead/d /etc/hosts; ip neigh del {network}.250 dev eth0")


def test_a_second_run_changes_nothing_and_costs_one_round_trip(site: Site):
    site.close()  # else what the tests asked counts too
    report = setup(site, "zabbix-agent")
    assert changes(report) == []
    connecting, facts = 8, 1
    trips = {name: host.round_trips for name, host in report.hosts.items()}
    assert max(trips.values()) <= connecting + facts + 1, trips
    assert changes(setup(site, "zabbix-agent", check=True)) == []


def test_a_change_restarts_the_agent_and_one_that_is_stopped_starts_now_and_at_boot(site: Site):
    pid = "systemctl show --value -p MainPID zabbix-agent"
    before = hive(site, f"{pid}; echo 'UserParameter=other,echo 1' >>/etc/zabbix/zabbix_agentd.conf.d/hive-server.conf").split()[0]
    found = changes(setup(site, "zabbix-agent"))
    assert [line.split(": ", 1)[1] for line in found] == ["changed content", "changed restart"]
    assert hive(site, pid).strip() != before
    hive(site, "systemctl disable -q --now zabbix-agent")
    assert [line.split(": ", 1)[1] for line in changes(setup(site, "zabbix-agent"))] == ["changed enable, start"]
    assert hive(site, "systemctl is-enabled zabbix-agent; systemctl is-active zabbix-agent") == "enabled\nactive\n"
