"""The daemon follow-swarm-service on three real hives: virtual IPs and node labels are where the task is, and nowhere else."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hive_nornir import Site
from hive_nornir.errors import HiveError
from tests.hosts.pair import container, until
from tests.hosts.sites import build, changes, setup, shell, write_site

ROLES = ("hostsfile", "iptables", "pip-venv", "tls-certificate", "docker", "docker-client", "follow-swarm-service")
UNIT = "follow-swarm-service"
V6 = "fd77:1::"
IPV6 = f"""printf '%s\\n' net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0 >/etc/sysctl.d/99-test.conf
sysctl -q -p /etc/sysctl.d/99-test.conf
ip addr add {V6}1$(hostname | tail -c 2)/64 dev eth0 nodad"""
# What a container needs to serve and to call; there is no Docker Hub here.
IMAGE = """apt-get -qq install -y busybox-static >/dev/null 2>&1
mkdir -p /tmp/root/bin && cp "$(command -v busybox)" /tmp/root/bin/busybox
for name in sh httpd nc sleep; do ln -sf busybox /tmp/root/bin/$name; done
tar -C /tmp/root -c . | docker import -c "ENV PATH=/bin" - tiny:1 >/dev/null"""
SERVE = "httpd -p 80 -h / && httpd -f -p 81 -h /"


class Hives:
    """The site's three hives, by number; the swarm is asked at the first, which nobody kills."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.names = site.inventory.hives
        self.addresses = [str(site.inventory.scope(name)["hive_private_ip"]) for name in self.names]
        self._next = 100

    def run(self, number: int, script: str) -> str:
        """What a script prints there, which must succeed."""
        return shell(self.site, script, self.names[number]).strip()

    def all(self, script: str) -> list[str]:
        """The same on all of them at a time."""
        with ThreadPoolExecutor() as pool:
            return [*pool.map(lambda number: self.run(number, script), range(len(self.names)))]

    def free_address(self) -> str:
        """An address of the site's network that nobody has."""
        self._next += 1
        return f"{self.addresses[0].rpartition('.')[0]}.{self._next}"

    def holders(self, address: str) -> list[int]:
        """Which hives have an address."""
        return [number for number, text in enumerate(self.all("ip -o addr show")) if f" {address}/" in text]

    def rules(self, number: int, word: str) -> list[str]:
        """The rules of both families in which a word stands."""
        return [line for line in self.run(number, "iptables-save; ip6tables-save").splitlines() if word in line and line.startswith("-A")]

    def status(self, number: int) -> dict[str, Any]:
        """What the daemon tells, to a user who is nobody; its exit code is `code`."""
        said = self.run(number, "su -s /bin/sh nobody -c 'hive-vip status; echo code: $?'")
        text, _, code = said.rpartition("code: ")
        return {**json.loads(text), "code": int(code)}

    def hook(self, number: int, service: str, label: str) -> dict[str, Any]:
        """What it tells of one label; nothing if that is unknown to it."""
        return next((h for h in self.status(number)["hooks"] if (h["service"], h["label"]) == (service, label)), {})

    def node_labels(self, number: int) -> dict[str, str]:
        labels: dict[str, str] = json.loads(self.run(0, f"docker node inspect -f '{{{{json .Spec.Labels}}}}' {self.short(number)}"))
        return labels

    def short(self, number: int) -> str:
        return self.names[number].split(".")[0]

    def fetch(self, number: int, url: str) -> str:
        """What a hive gets from a URL; "" if nothing."""
        return self.run(number, f"busybox wget -T 2 -q -O - {url} 2>/dev/null || :")


@contextmanager
def service(hives: Hives, name: str, at: int | str, **labels: str) -> Iterator[None]:
    """A service with one task, gone at the end.

    :param at: number of the hive that it is bound to, or a constraint.
    """
    constraint = f"node.hostname=={hives.short(at)}" if isinstance(at, int) else at
    options = " ".join(f"--label {shlex.quote(f'{label}={value}')}" for label, value in labels.items())
    command = shlex.quote(f"echo {name} >/index.html; {SERVE}")
    hives.run(
        0,
        f"docker service create -d -q --name {name} --network extension --endpoint-mode dnsrr --no-resolve-image --stop-grace-period 1s "
        f"--restart-delay 1s --constraint {constraint} {options} tiny:1 sh -c {command}",
    )
    try:
        yield
    finally:
        hives.run(0, f"docker service rm {name}")


@pytest.fixture(scope="module")
def hives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hives]:
    """Three hives in a swarm, two managers and a worker, with IPv6."""
    site = definitions(tmp_path_factory.mktemp("extension") / "site")
    try:
        build(site)
        found = Hives(site)
        found.all(IPV6)
        setup(site, *ROLES)
        idles_without_a_swarm(found)
        make_swarm(found)
        yield found
        site.close()
    finally:
        site.run("build-infra", destroy=True)


def definitions(folder: Path) -> Site:
    """The site: all three are hives, the last one a worker, with IPv6 for containers."""
    site = write_site(folder, 3, image="debian-13")
    inventory = site.context.inventory_path
    hive = (inventory / "hive.yml").read_text().replace("separate_repository: true", "separate_repository: false")
    (inventory / "hive.yml").write_text(f"{hive.rstrip()}\n    internal_cidr_v6: fd77:0:0:8::/61\n")
    (inventory / "host_vars").mkdir()
    (inventory / "host_vars" / f"{site.inventory.hives[2]}.yml").write_text("hive_swarm_mode: worker\n")
    site.reload()
    return site


def idles_without_a_swarm(hives: Hives) -> None:
    """What has to be seen before there is a swarm (FSS, "must idle, not crash-loop")."""
    until(lambda: hives.status(0).get("swarm") == "inactive")
    assert (hives.status(0)["hooks"], hives.status(0)["code"]) == ([], 0)
    assert hives.run(0, f"systemctl show -p NRestarts -p ActiveState {UNIT}") == "NRestarts=0\nActiveState=active"


def make_swarm(hives: Hives) -> None:
    setup(hives.site, "swarm")
    hives.all(IMAGE)
    hives.run(0, "docker network create -d overlay extension")
    until(lambda: [hives.status(number)["swarm"] for number in range(3)] == ["manager", "manager", "worker"], 40)


def test_a_second_run_of_the_role_changes_nothing(hives: Hives):
    assert changes(setup(hives.site, "follow-swarm-service", check=True)) == []
    assert changes(setup(hives.site, "follow-swarm-service")) == []
    assert hives.run(1, f"systemctl is-enabled {UNIT}; systemctl is-active {UNIT}") == "enabled\nactive"
    modes = hives.run(1, "stat -L -c '%U %a %n' /usr/bin/hive-vip /etc/hive/vip /etc/hive/vip/*.pem")
    assert modes.splitlines() == [
        "root 755 /usr/bin/hive-vip",
        "root 700 /etc/hive/vip",
        *(f"root 600 /etc/hive/vip/{name}.pem" for name in ("ca", "cert", "key")),
    ]
    unit = hives.run(1, f"systemctl show -p Type -p Restart -p RestartUSec -p After -p Wants {UNIT}")
    assert {"Type=simple", "Restart=always", "RestartUSec=15s"} < set(unit.splitlines())
    assert all("docker.service" in line for line in unit.splitlines() if line.startswith(("After=", "Wants=")))


def test_a_service_is_reached_at_its_addresses_and_speaks_as_them(hives: Hives):
    first, second, third = hives.free_address(), hives.free_address(), f"{V6}100"
    ports = {"HIVE_DNAT_PORTS": "80, 53/udp", "HIVE_DNAT_PORTS7": "81/tcp", "HIVE_DNAT_PORTS_V6": "80"}
    addresses = {"HIVE_VIP": first, "HIVE_VIP7": second, "HIVE_VIP_V6": third}
    for address in (first, third):  # a neighbour believes that somebody else has it, and asks nobody
        hives.run(0, f"ip neigh replace {address} lladdr 02:00:00:00:00:01 nud stale dev eth0")
    with service(hives, "web", 1, HIVE_ENABLE_VIP_SNAT="True", HIVE_MARK="runs-web", **addresses, **ports):
        mac = hives.run(1, "cat /sys/class/net/eth0/address")
        for address in (first, third):
            until(lambda address=address: mac in hives.run(0, f"ip neigh show {address}"), 30)
        urls = [f"http://{first}/", f"http://{second}:81/", f"http://[{third}]/"]
        for url in urls:
            until(lambda url=url: hives.fetch(0, url) == "web", 30)
        assert hives.fetch(0, f"http://{second}/") == hives.fetch(0, f"http://{first}:81/") == ""
        hives.run(2, f"bash -c 'echo word >/dev/udp/{first}/53'")
        until(lambda: "[1:" in hives.run(1, f"iptables-save -c | grep hive_accept_{first}_udp_53"))
        assert [hives.holders(address) for address in (first, second, third)] == [[1], [1], [1]]
        until(lambda: [hives.node_labels(number).get("runs-web") for number in range(3)] == [None, "true", None])

        hives.run(1, f"docker exec -d $(docker ps -q -f name=web) sh -c 'sleep 5 | nc {hives.addresses[0]} 22'")
        until(lambda: f"{first}:" in hives.run(0, "ss -Htn sport = :22"))

        assert hives.status(1)["code"] == 0
        assert hives.run(1, "hive-vip plan") == ""
        assert {rule.split("hive_")[1].split('"')[0] for rule in hives.rules(1, "hive_")} == {
            *(f"{what}_{first}_tcp_80_web" for what in ("dnat", "accept")),
            *(f"{what}_{first}_udp_53_web" for what in ("dnat", "accept")),
            *(f"{what}_{second}_tcp_81_web" for what in ("dnat", "accept")),
            *(f"{what}_{third}_tcp_80_web" for what in ("dnat", "accept")),
            f"snat_{first}_web",
        }
        assert changes(setup(hives.site, "iptables", check=True)) == []
        # Ports and addresses change with their labels, and chains that were flushed come back; the rest stays.
        hives.run(1, "iptables -t nat -F HIVE-DNAT; iptables -D DOCKER-USER -j HIVE-FWD; ip6tables -t nat -D PREROUTING -j HIVE-DNAT")
        hives.run(0, "docker service update -d -q --label-add HIVE_DNAT_PORTS=81 --label-rm HIVE_VIP7 --label-rm HIVE_ENABLE_VIP_SNAT web")
        until(lambda: hives.fetch(0, f"http://{first}:81/") == hives.fetch(0, f"http://[{third}]/") == "web")
        assert hives.fetch(0, f"http://{first}/") == ""
        assert (hives.holders(first), hives.holders(second), hives.rules(1, "hive_snat")) == ([1], [], [])
        until(lambda: hives.hook(1, "web", "HIVE_DNAT_PORTS7").get("error") == "the service has no HIVE_VIP7")
    until(lambda: hives.holders(first) == hives.holders(third) == [])
    until(lambda: "runs-web" not in hives.node_labels(1) and not hives.rules(1, "HIVE-DNAT") and not hives.rules(1, "HIVE-FWD"))


def test_an_address_that_is_not_to_be_had_is_refused_and_left_alone(hives: Hives):
    shared = hives.free_address()
    with (
        service(hives, "first", 1, HIVE_VIP=shared, HIVE_MARK="hives"),
        service(hives, "late", 1, HIVE_VIP0=shared, HIVE_VIP1=hives.addresses[1], HIVE_VIP2="10.0.0.300", HIVE_MARK="taken"),
    ):
        hives.run(0, f"docker node update --label-add taken=true {hives.short(1)} >/dev/null")
        until(lambda: len(hives.status(1)["hooks"]) == 6 and hives.holders(shared) == [1] and hives.hook(1, "late", "HIVE_MARK")["error"])
        errors = {(hook["service"], hook["label"]): hook["error"] for hook in hives.status(1)["hooks"]}
        assert errors == {
            ("first", "HIVE_VIP"): "",
            ("first", "HIVE_MARK"): "hives is the label of a group, which setup-hosts manages",
            ("late", "HIVE_VIP0"): f"{shared} belongs to HIVE_VIP of first, which was first",
            ("late", "HIVE_VIP1"): f"{hives.addresses[1]} is on eth0 already, and it was not this daemon that added it",
            ("late", "HIVE_VIP2"): "'10.0.0.300' is no address",
            ("late", "HIVE_MARK"): "the node has a label taken already, and it was not this daemon that set it",
        }
        assert hives.status(1)["code"] == 1
    until(lambda: hives.holders(shared) == [])
    assert hives.holders(hives.addresses[1]) == [1]
    assert (hives.node_labels(1)["taken"], hives.node_labels(1)["hives"]) == ("true", "true")
    hives.run(0, f"docker node update --label-rm taken {hives.short(1)} >/dev/null")


def test_an_address_goes_to_the_interface_that_its_label_names(hives: Hives):
    hives.run(
        1, "ip link add link eth0 name eth0.5 type macvlan mode bridge; ip link set eth0.5 up; ip -br link show eth0.5 | grep eth0.5@eth0"
    )
    hives.run(0, "ip addr add 10.55.0.1/24 dev eth0")
    try:
        with service(hives, "vlan", 1, HIVE_VIP="10.55.0.9/24@eth0.5", HIVE_DNAT_PORTS="80", HIVE_VIP0="10.55.0.10@eth0.5@eth0"):
            until(lambda: hives.fetch(0, "http://10.55.0.9/") == "vlan", 30)
            assert hives.run(1, "ip -4 -o addr show dev eth0.5 | awk '{print $4}'").split() == ["10.55.0.9/24", "10.55.0.10/32"]
            # Else the first address of a network takes the others with it (L-15).
            assert hives.run(1, "cat /proc/sys/net/ipv4/conf/eth0.5/promote_secondaries") == "1"
            macs = hives.run(1, "cat /sys/class/net/eth0.5/address"), hives.run(0, "ip neigh show 10.55.0.9").split()[4]
            assert macs[0] == macs[1]
        until(lambda: hives.holders("10.55.0.9") == [])
    finally:
        hives.run(1, "ip link del eth0.5")
        hives.run(0, "ip addr del 10.55.0.1/24 dev eth0")


def test_a_router_is_tried_until_it_answers_and_holds_nobody_up(hives: Hives):
    behind, router, other = hives.free_address(), hives.free_address(), hives.free_address()
    with service(hives, "behind", 1, HIVE_VIP=behind, HIVE_ROUTER=router, HIVE_DNAT_PORTS="80"):
        until(lambda: hives.hook(1, "behind", "HIVE_VIP").get("state") == "checking")
        assert hives.rules(1, "behind") == []
        with service(hives, "other", 1, HIVE_VIP=other, HIVE_DNAT_PORTS="80"):
            until(lambda: hives.fetch(0, f"http://{other}/") == "other", 8)
            assert hives.hook(1, "behind", "HIVE_VIP")["state"] == "checking"
        hives.run(2, f"ip addr add {router}/24 dev eth0")
        try:
            until(lambda: hives.fetch(0, f"http://{behind}/") == "behind", 30)
        finally:
            hives.run(2, f"ip addr del {router}/24 dev eth0")
        until(lambda: hives.hook(1, "behind", "HIVE_VIP")["state"] == "bound")


def test_what_a_killed_daemon_left_is_removed_or_taken_over(hives: Hives):
    kept, gone = hives.free_address(), hives.free_address()
    with service(hives, "kept", 1, HIVE_VIP=kept, HIVE_DNAT_PORTS="80"), service(hives, "gone", 1, HIVE_VIP=gone, HIVE_MARK="runs-gone"):
        until(lambda: hives.fetch(0, f"http://{kept}/") == "kept" and hives.holders(gone) == [1], 30)
        until(lambda: hives.node_labels(1).get("runs-gone") == "true")
        hives.run(1, f"systemctl kill -s KILL {UNIT}")
        constraints = f"--constraint-rm node.hostname=={hives.short(1)} --constraint-add node.hostname=={hives.short(2)}"
        hives.run(0, f"docker service update -d -q {constraints} gone")
        until(lambda: hives.holders(gone) == [1, 2], 12)  # the dead one cannot let go
        since = hives.run(1, "date +%s")
        hives.run(1, f"systemctl start {UNIT}")
        until(lambda: hives.holders(gone) == [2] and "runs-gone" not in hives.node_labels(1))
        assert hives.fetch(0, f"http://{kept}/") == "kept"
        journal = hives.run(1, f"journalctl -q -u {UNIT} --since @{since}")
        assert (f"remove {gone}" in journal, f"add {kept}" in journal, "rules" in journal) == (True, False, False)


def test_it_hands_over_when_it_is_upgraded_and_takes_all_back_when_it_is_stopped(hives: Hives):
    address = hives.free_address()
    with service(hives, "handed", 1, HIVE_VIP=address, HIVE_DNAT_PORTS="80", HIVE_MARK="runs-handed"):
        until(lambda: hives.fetch(0, f"http://{address}/") == "handed" and hives.node_labels(1).get("runs-handed") == "true", 30)
        hives.run(1, "rm /opt/hive/lib/hive_vip.pyz")
        before = hives.run(1, "ip monitor address >/run/monitored 2>&1 & echo $!; date +%s").split()
        found = changes(setup(hives.site, "follow-swarm-service", limit=[hives.names[1]]))
        assert [line.split(": ")[0].split(" ", 2)[2] for line in found] == ["file /opt/hive/lib/hive_vip.pyz", f"service {UNIT}.service"]
        until(lambda: hives.status(1)["updated"] > int(before[1]) + 1 and hives.status(1)["running"])
        hives.run(1, f"kill {before[0]}")
        assert address not in hives.run(1, "cat /run/monitored")
        assert "handed over" in hives.run(1, f"journalctl -q -u {UNIT} --since @{before[1]}")
        assert hives.fetch(0, f"http://{address}/") == "handed"

        hives.run(1, f"systemctl stop {UNIT}")
        try:
            assert (hives.holders(address), hives.rules(1, "hive_"), "runs-handed" in hives.node_labels(1)) == ([], [], False)
            assert hives.status(1)["code"] == 1  # nobody looks after it
        finally:
            hives.run(1, f"systemctl start {UNIT}")
        until(lambda: hives.fetch(0, f"http://{address}/") == "handed")


def test_address_and_label_move_when_their_host_dies_and_it_comes_back_without_them(hives: Hives):
    address = hives.free_address()
    hives.run(0, f"docker node update --availability drain {hives.short(1)}")
    with service(hives, "moves", f"node.hostname!={hives.short(0)}", HIVE_VIP=address, HIVE_DNAT_PORTS="80", HIVE_MARK="runs-moves"):
        until(lambda: hives.fetch(0, f"http://{address}/") == "moves" and hives.node_labels(2).get("runs-moves") == "true", 30)
        hives.run(0, f"docker node update --availability active {hives.short(1)}")
        with container(hives.site, 2) as server:
            server.kill()
            try:
                # The first hive believes that it is at the dead one, until it is told.
                until(lambda: hives.fetch(0, f"http://{address}/") == "moves", 60)
                until(lambda: hives.node_labels(1).get("runs-moves") == "true")
            finally:
                server.start()
        hives.site.close()
        until(lambda: is_up(hives, 2), 60)
        until(lambda: "runs-moves" not in hives.node_labels(2), 40)
        assert hives.holders(address) == [1]


def is_up(hives: Hives, number: int) -> bool:
    """Whether the daemon of a hive that was started runs."""
    try:
        return bool(hives.status(number)["running"])
    except (HiveError, AssertionError):  # no ssh yet, no daemon yet
        hives.site.close()
        return False


def test_what_a_stopped_engine_stood_for_is_given_up_and_so_it_is_where_the_leader_is_missed(hives: Hives):
    own, on_manager, on_worker = hives.free_address(), hives.free_address(), hives.free_address()
    drop_in = f"/run/systemd/system/{UNIT}.service.d"
    setting = f"mkdir -p {drop_in}; printf '[Service]\\nEnvironment=HIVE_VIP_WITHOUT_QUORUM=3\\n' >{drop_in}/test.conf"
    with (
        service(hives, "own", 1, HIVE_VIP=own, HIVE_DNAT_PORTS="80", HIVE_MARK="runs-own"),
        service(hives, "led", 0, HIVE_VIP=on_manager),
        service(hives, "work", 2, HIVE_VIP=on_worker),
    ):
        everywhere = [[1], [0], [2]]
        until(lambda: [hives.holders(address) for address in (own, on_manager, on_worker)] == everywhere, 30)
        until(lambda: hives.node_labels(1).get("runs-own") == "true" and hives.fetch(0, f"http://{own}/") == "own")
        process = hives.run(1, f"systemctl show -p MainPID {UNIT}")
        for number in (0, 2):
            hives.run(number, f"{setting}; systemctl daemon-reload; systemctl restart {UNIT}")
        hives.run(1, "iptables -t nat -F; systemctl stop docker.socket docker")
        try:
            assert hives.holders(own) == [1]  # a short absence is none
            until(lambda: hives.holders(own) == [], 20)
            until(lambda: hives.rules(1, "hive_") == [] and hives.status(1)["swarm"] == "unreachable")
            assert hives.status(1)["running"]
            until(lambda: hives.holders(on_manager) == hives.holders(on_worker) == [], 60)
        finally:
            hives.run(1, "systemctl start docker.socket docker")
            for number in (0, 2):
                hives.run(number, f"rm -r {drop_in}; systemctl daemon-reload; systemctl restart {UNIT}")
        until(lambda: [hives.holders(address) for address in (own, on_manager, on_worker)] == everywhere, 60)
        until(lambda: hives.fetch(0, f"http://{own}/") == "own", 30)
        assert hives.run(1, f"systemctl show -p MainPID {UNIT}") == process
