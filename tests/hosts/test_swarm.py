"""Three real hives in one swarm: docker-client, docker-client-proxy, swarm, and the commands dexec, dsh and dcp."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from hive_nornir import Site
from tests.hosts.pair import until
from tests.hosts.sites import build, changes, errors, restart, setup, shell, transport, write_site

BEFORE = ("hostsfile", "iptables", "pip-venv", "tls-certificate", "docker")
ROLES = ("docker-client", "docker-client-proxy", "swarm")
# What the services' containers need; there is no Docker Hub here.
IMAGE = """apt-get -qq install -y busybox-static >/dev/null 2>&1
mkdir -p /tmp/root/bin /tmp/root/tmp; cp "$(command -v busybox)" /tmp/root/bin/busybox
for name in ash cat echo env head id ls sh sleep stty; do ln -sf busybox /tmp/root/bin/$name; done
tar -C /tmp/root -c . | docker import -c 'ENV PATH=/bin' - box:1 >/dev/null"""
# Process 1 does not hear TERM: without another signal, stopping Docker would take 10 s each time.
SERVICE = "docker service create -d -q --no-resolve-image --endpoint-mode dnsrr --stop-signal KILL"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three hives, the last of which is the repository too, with two services: `web` on the last, `all` on each."""
    folder = tmp_path_factory.mktemp("swarm") / "site"
    made = write_site(folder, 3, image="debian-13")
    hive = folder / "inventory" / "hive.yml"
    text = hive.read_text().replace("separate_repository: true", "separate_repository: false")
    hive.write_text(f"{text}    internal_cidr_v6: fd00:77::/64\n")
    try:
        build(made)
        setup(made, *BEFORE, *ROLES)
        with ThreadPoolExecutor() as pool:
            [*pool.map(lambda name: shell(made, IMAGE, name), made.inventory.hives)]
        shell(made, f"{SERVICE} --name web --constraint node.hostname==p-hive2 box:1 sleep 1000000")
        shell(made, f"{SERVICE} --name all --mode global box:1 sleep 1000000")
        until(lambda: running(made) == {"web": 1, "all": 3}, 60)
        yield made
        made.close()
    finally:
        made.run("build-infra", destroy=True)


def running(site: Site) -> dict[str, int]:
    """Service -> how many of its tasks run."""
    lines = shell(site, "docker service ls --format '{{.Name}} {{.Replicas}}'", site.inventory.hives[1]).splitlines()
    return {line.split()[0]: int(line.split()[1].partition("/")[0]) for line in lines}


def nodes(site: Site) -> list[str]:
    """`p-hive0 Ready Leader`, as the second hive sees it."""
    said = shell(site, "docker node ls --format '{{.Hostname}} {{.Status}} {{.ManagerStatus}}'", site.inventory.hives[1])
    return sorted(said.splitlines())


def admin(site: Site, script: str, host: int = 0) -> tuple[int, str]:
    """Exit code and output of a script that the administrator runs."""
    done = transport(site, site.inventory.hives[host]).run(f"cd /home/admin; su admin -c {shlex.quote(script)} 2>&1", deadline=60)
    return done.exit_code, done.stdout.decode().strip()


def labels(site: Site, number: int) -> dict[str, str]:
    found: dict[str, str] = json.loads(
        shell(site, f"docker node inspect -f '{{{{json .Spec.Labels}}}}' p-hive{number}", site.inventory.hives[1])
    )
    return found


def all_ready(site: Site) -> bool:
    found = nodes(site)
    statuses = sorted(line.split()[2] for line in found if len(line.split()) == 3)
    return [line.split()[:2] for line in found] == [[f"p-hive{n}", "Ready"] for n in range(3)] and statuses == [
        "Leader",
        "Reachable",
        "Reachable",
    ]


# --- the swarm


def test_all_hives_are_ready_managers_of_one_swarm(site: Site):
    until(lambda: all_ready(site))
    addresses = [site.inventory.scope(name)["hive_private_ip"] for name in site.inventory.hives]
    assert [shell(site, "docker info -f '{{.Swarm.NodeAddr}}'", name).strip() for name in site.inventory.hives] == addresses


def test_its_networks_have_their_parts_of_internal_cidr(site: Site):
    show = "'{{range .IPAM.Config}}{{.Subnet}} {{.Gateway}} {{end}}{{.Ingress}} {{json .Options}}'"
    for name in site.inventory.hives:
        found, _, options = shell(site, f"docker network inspect -f {show} docker_gwbridge", name).strip().rpartition(" ")
        assert {"172.31.254.0/25", "fd00:77:0:0:8000::/67", "false"} <= set(found.split())
        wanted = {"bridge.name": "docker_gwbridge", "bridge.enable_icc": "false", "bridge.enable_ip_masquerade": "true"}
        assert json.loads(options) == {f"com.docker.network.{option}": value for option, value in wanted.items()}
        assert "172.31.254.1/25" in shell(site, "ip -br addr show docker_gwbridge", name)
    assert shell(site, f"docker network inspect -f {show} apiarist-ingress").startswith("172.31.253.0/24 172.31.253.1 true ")
    assert shell(site, "docker network ls -q --filter name=^ingress$") == ""


def test_the_engine_filters_ipv6_too(site: Site):
    for name in site.inventory.hives:
        rules = shell(site, "ip6tables-save", name)
        assert "-A FORWARD -o docker_gwbridge -j DOCKER\n" in rules
        assert "-A FORWARD -i docker_gwbridge -o docker_gwbridge -j DROP\n" in rules
        assert "-A POSTROUTING -s fd00:77:0:0:8000::/67 ! -o docker_gwbridge -j MASQUERADE\n" in rules
        assert rules.count(":DOCKER - ") == 2
        assert ":DOCKER " not in shell(site, "cat /etc/iptables/rules.v6", name)


def test_every_node_has_a_label_for_each_of_its_groups(site: Site):
    for number, name in enumerate(site.inventory.hives):
        groups = site.inventory.object(name).groups
        found = labels(site, number)
        assert {key: value for key, value in found.items() if key != "hive-nornir.groups"} == dict.fromkeys(groups, "true")
    assert "first_hive" in labels(site, 0)
    assert "repository" in labels(site, 2)


def test_a_second_run_changes_nothing_and_costs_one_round_trip_a_role(site: Site):
    site.close()
    report = setup(site, *ROLES)
    assert changes(report) == []
    connecting, facts = 8, 1
    assert all(host.round_trips <= connecting + facts + len(ROLES) + 1 for host in report.hosts.values()), report.hosts
    assert changes(setup(site, *ROLES, check=True)) == []


def test_the_join_token_is_seen_by_nobody(site: Site):
    token = shell(site, "docker swarm join-token -q manager").strip()
    assert token.startswith("SWMTKN-")
    for file in (site.context.context_dir / "runs").rglob("*"):
        assert not file.is_file() or "SWMTKN" not in file.read_text(errors="replace"), file
    for name in site.inventory.hives:
        assert shell(site, "grep -rlsa SWMTKN /run/hive-nornir /var/lib/hive-nornir /var/log || :", name) == ""


def test_labels_follow_the_inventory_and_the_operators_own_stay(site: Site):
    own = "--label-add ssd=true --label-add gone=true --label-add services=true --label-rm hives"
    shell(site, f"docker node update {own} --label-add hive-nornir.groups=gone,hives p-hive1 >/dev/null")
    try:
        found = changes(setup(site, "swarm", check=True, limit=["p-hive1"]))
        assert ["would-change labels hives, no labels gone, services" in line for line in found] == [True]
        assert "gone" in labels(site, 1)
        setup(site, "swarm", limit=["p-hive1"])
        assert set(labels(site, 1)) == {*site.inventory.object(site.inventory.hives[1]).groups, "hive-nornir.groups", "ssd"}
    finally:
        shell(site, "docker node update --label-rm ssd p-hive1 >/dev/null")


def test_a_hive_that_was_set_up_anew_takes_the_place_of_its_former_self(site: Site):
    """It is the first hive, which founds no second swarm; and the run is limited to it."""
    shell(site, "systemctl stop docker.socket docker && rm -rf /var/lib/docker/swarm && systemctl start docker")
    plan = changes(setup(site, "swarm", check=True, limit=["p-hive0"]))
    assert any("would-change join as manager through p-hive1" in line for line in plan), plan
    assert shell(site, "docker info -f '{{.Swarm.LocalNodeState}}'").strip() == "inactive"
    found = changes(setup(site, "swarm", limit=["p-hive0"]))
    assert any("changed join as manager through p-hive1" in line for line in found), found
    until(lambda: all_ready(site), 60)
    assert "first_hive" in labels(site, 0)
    assert changes(setup(site, "swarm")) == []
    until(lambda: running(site) == {"web": 1, "all": 3}, 60)


def test_a_locked_member_is_told_and_left_alone(site: Site):
    second = site.inventory.hives[1]
    key = shell(site, "docker swarm update --autolock=true >/dev/null; docker swarm unlock-key -q").strip()
    try:
        shell(site, "systemctl restart docker", second)
        report = site.run("setup-hosts", roles=["swarm"], limit=[second])
        assert ["membership of the swarm is locked" in error and "docker swarm unlock" in error for error in errors(report)] == [True]
        assert shell(site, "docker info -f '{{.Swarm.LocalNodeState}}'", second).strip() == "locked"
    finally:
        shell(site, f"printf '%s\\n' {key} | docker swarm unlock && docker swarm update --autolock=false >/dev/null", second)
    until(lambda: all_ready(site), 60)


def test_a_changed_internal_cidr_is_refused_with_the_way_out(site: Site):
    hive = site.context.inventory_path / "hive.yml"
    old = hive.read_text()
    hive.write_text(old.replace("172.31.252.0/22", "172.30.252.0/22"))
    site.reload()
    try:
        report = site.run("setup-hosts", roles=["swarm"])
        found = errors(report)
        assert len(found) == 3
        for error in found:
            assert "docker_gwbridge has 172.31.254.0/25 " in error
            assert " instead of 172.30.254.0/25 " in error
            assert "docker swarm leave --force" in error
    finally:
        hive.write_text(old)
        site.reload()
    assert changes(setup(site, "swarm")) == []


def test_a_restarted_hive_is_back_in_the_swarm(site: Site):
    restart(site)
    until(lambda: all_ready(site), 60)
    assert changes(setup(site, *ROLES)) == []
    until(lambda: running(site) == {"web": 1, "all": 3}, 60)


# --- docker-client


def test_the_administrator_reaches_every_engine_with_a_certificate_for_nothing_else(site: Site):
    modes = shell(site, "cd /home/admin/.docker; stat -c '%a %U %n' . ca.pem cert.pem key.pem").splitlines()
    assert modes == ["700 admin .", "600 admin ca.pem", "600 admin cert.pem", "600 admin key.pem"]
    purposes = shell(site, "openssl x509 -in /home/admin/.docker/cert.pem -noout -ext extendedKeyUsage")
    assert "TLS Web Client Authentication" in purposes
    assert "Server" not in purposes
    for name in site.inventory.hives:
        assert admin(site, f"docker --tlsverify -H tcp://{name}:2376 info -f '{{{{.Name}}}}'", 2) == (0, name.split(".")[0])
    assert shell(site, "command -v tput").strip() == "/usr/bin/tput"


# --- the commands; they run on the first hive, the task of `web` on the last


def test_a_command_runs_where_the_task_is_and_its_exit_code_is_ours(site: Site):
    assert admin(site, 'dexec web sh -c \'echo "$1"; exit 7\' x "a  b\'c"') == (7, "a  b'c")
    assert admin(site, "echo sent | dexec -n web sh -c 'cat; echo end'") == (0, "sent\nend")
    assert admin(site, "dexec -2 all env", 1)[0] == 0
    hosts = {admin(site, f"dexec -N {number} all env | grep HOSTNAME")[1] for number in (1, 2, 3)}
    assert len(hosts) == 3
    assert admin(site, "dexec --node p-hive1 all env | grep HOSTNAME")[1] in hosts
    assert admin(site, "dexec web env <&-")[0] == 0


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("dexec nosuch ls", 127, "service nosuch not found"),
        ("dexec we ls", 127, "service we not found"),
        ("dexec -2 web ls", 127, "no task number 2"),
        ("dexec --node p-hive0 web ls", 127, "not running on p-hive0"),
        ("DOCKER_HOST=p-hive0:2375 dexec web ls", 125, "engine at p-hive0:2375"),
        ("HIVE_NAME=other.test dexec web ls", 125, "engine at p-hive2.other.test:2376"),
        ("dexec -h", 1, "usage: dexec"),
        ("dexec -y web ls", 1, "usage: dexec"),
        ("dsh", 1, "usage: dsh"),
        ("dsh web all", 1, "usage: dsh"),
        ("dcp a b", 1, "usage: dcp"),
    ],
)
def test_what_is_wrong_is_told_with_an_exit_code_of_its_own(site: Site, command: str, code: int, said: str):
    found = admin(site, command)
    assert found[0] == code, found
    assert said in found[1]


def test_an_engine_that_shows_another_name_is_not_trusted(site: Site):
    first, last = (site.inventory.scope(site.inventory.hives[number])["hive_private_ip"] for number in (0, 2))
    assert admin(site, f"DOCKER_HOST={first}:2376 dexec web echo yes") == (0, "yes")
    shell(site, f"echo '{last} impostor' >>/etc/hosts")
    try:
        code, said = admin(site, "DOCKER_HOST=impostor:2376 dexec web echo yes")
        assert (code, "certificate is not valid for 'impostor'" in said) == (125, True)
    finally:
        shell(site, "sed -i '/impostor/d' /etc/hosts")


def test_a_shell_has_the_size_of_our_terminal(site: Site):
    terminal = "script -qec 'stty rows 33 cols 101; TERM=vt220 dsh web' /dev/null"
    _code, said = admin(site, f"(sleep 3; printf 'stty size; echo TERM=$TERM; exit\\n'; sleep 2) | {terminal}")
    assert "33 101" in said
    assert "TERM=vt220" in said
    assert admin(site, "echo 'id -u; exit 4' | dsh web") == (4, "0")


def test_tasks_are_listed(site: Site):
    code, said = admin(site, "dexec --json all")
    assert code == 0
    assert {(task["node"], task["state"]) for task in json.loads(said) if task["desired_state"] == "running"} == {
        (f"p-hive{number}", "running") for number in range(3)
    }


def test_files_are_copied_to_and_from_a_task(site: Site):
    admin(site, "rm -rf d back; mkdir d; echo one >'d/a b:c'; ln -s 'a b:c' d/link")
    assert admin(site, "dcp d web:/tmp/; dcp 'd/a b:c' 'web:/tmp/x y:z'; dexec web cat '/tmp/x y:z' '/tmp/d/a b:c'") == (0, "one\none")
    assert admin(site, "dcp 'web:/tmp/x y:z' ./back:1; cat back:1; rm back:1; dcp web:/tmp/d back; ls back") == (0, "one\na b:c\nlink")
    assert admin(site, "dcp -L web:/tmp/d/link followed; cat followed; rm followed") == (0, "one")
    assert admin(site, "dcp web:/tmp/d - | tar t | sort") == (0, "d/\nd/a b:c\nd/link")
    assert admin(site, "tar c d | dcp - web:/tmp/d; dexec web ls /tmp/d/d") == (0, "a b:c\nlink")
    code, said = admin(site, "dcp web:/no/such x")
    assert (code, "/no/such" in said) == (1, True)


def test_files_are_copied_from_service_to_service(site: Site):
    admin(site, "dexec web sh -c 'mkdir -p /tmp/s; head -c 3000000 /dev/zero >/tmp/s/big'")
    assert admin(site, "dcp web:/tmp/s all:/tmp/; dexec all ls /tmp/s; dexec -2 all ls /tmp") == (0, "big")
    copied = "dcp --node p-hive2 web:/tmp/s/big 'all:/tmp/new name' && dexec --node p-hive2 all ls -l '/tmp/new name'"
    assert "3000000" in admin(site, copied)[1].split()


# --- docker-client-proxy


@contextmanager
def environment(site: Site, text: str) -> Iterator[None]:
    """The first hive's logins with more in their environment."""
    shell(site, f"cp -p /etc/environment /etc/environment.kept && printf '%s\\n' {shlex.quote(text)} >>/etc/environment")
    site.close()
    try:
        yield
    finally:
        shell(site, "mv /etc/environment.kept /etc/environment")
        site.close()


def test_containers_inherit_the_proxy_of_the_login_as_long_as_it_has_one(site: Site):
    first, path = site.inventory.hives[0], "/home/admin/.docker/config.json"
    admin(site, 'umask 022; echo \'{"auths": {"r:5000": {"auth": "eDp5"}}}\' >.docker/config.json')
    with environment(site, "HTTP_PROXY=http://user:pass-word@proxy:3128\nNO_PROXY=localhost"):
        assert [line.split(": ", 1)[1] for line in changes(setup(site, "docker-client-proxy", check=True, limit=[first]))][:1] == [
            "would-change the proxy of the login"
        ]
        assert "proxies" not in shell(site, f"cat {path}")
        setup(site, "docker-client-proxy", limit=[first])
        found = json.loads(shell(site, f"cat {path}"))
        assert found["proxies"]["default"] == {"httpProxy": "http://user:pass-word@proxy:3128", "noProxy": "localhost"}
        assert found["auths"] == {"r:5000": {"auth": "eDp5"}}
        assert shell(site, f"stat -c '%a %U:%G' {path}") == "600 admin:admin\n"
        assert "HTTP_PROXY=http://user:pass-word@proxy:3128" in admin(site, "docker run --rm box:1 env")[1]
        assert changes(setup(site, "docker-client-proxy", limit=[first])) == []
    for file in (site.context.context_dir / "runs").rglob("*"):
        assert not file.is_file() or "pass-word" not in file.read_text(errors="replace"), file
    setup(site, "docker-client-proxy", limit=[first])
    assert json.loads(shell(site, f"cat {path}")) == {"auths": {"r:5000": {"auth": "eDp5"}}}
    shell(site, f"rm {path}")
