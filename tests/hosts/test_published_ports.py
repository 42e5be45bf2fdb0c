"""Ports that containers publish are open to their sources only (spec setup-hosts.md F-5, P-9), on real servers with Docker.

Debian 12 has Docker 20.10, which takes IPv6 by its proxy, Debian 13 has 26.1, which translates it too.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence

import pytest

from hive_nornir import Site
from hive_nornir.operations import firewall
from hive_nornir.operations.engine import Engine
from hive_nornir.tasks.os import os_data
from hive_nornir.tasks.role import gather_facts
from tests.hosts.pair import until
from tests.hosts.sites import changes, restart, setup, shell, transport

SiteMaker = Callable[..., Site]
PORTS = (5000, 6000, 8080)
SERVER6, ALLOWED6, OTHER6 = "fd77::4", "fd77::5", "fd77::6"
DAEMON = {
    "debian-12": "{}",
    "debian-13": '{"ipv6": true, "fixed-cidr-v6": "fd78::/64", "experimental": true, "ip6tables": true}',
}
# What is open to all by IPv6: the proxy is a process of the host, whose other ports are closed.
OPEN6: dict[str, set[int]] = {"debian-12": set(), "debian-13": {6000, 8080}}
# An image made of the server's own programs; 6000 leads to a container's 5000, and a container's 8080 is published twice.
CONTAINERS = """tar -C / -c bin lib lib64 sbin | docker import - host >/dev/null
run() { docker run -d --restart always -v /usr:/usr:ro -v /etc:/etc:ro "$@" -nocert -quiet >/dev/null; }
run --name web -p 5000:8080 -p 8080:8080 host openssl s_server -accept 8080
run --name other -p 6000:5000 host openssl s_server -accept 5000"""
RESTRICTED = {"allowed": {5000, 6000, 8080}, "stranger": {6000, 8080}}


def publish(site: Site, sources: Sequence[str], ports: Sequence[int] = (5000,), *, check: bool = False) -> str:
    """Restrict who reaches port 5000; what became of it."""
    server = transport(site)
    os = os_data(gather_facts(server, "server"))
    [outcome] = Engine(server, "server", check=check).run(firewall.published_set(os, "registry", "tcp", ports, sources))
    assert outcome.status != "failed", (outcome.error, outcome.stderr)
    return outcome.status


def from_server(site: Site, address: str) -> set[int]:
    """The ports that the second server reaches."""
    tries = "; ".join(f"timeout 3 bash -c '</dev/tcp/{address}/{port}' 2>/dev/null && echo {port}" for port in PORTS)
    return {int(port) for port in shell(site, f"{tries}; :", site.inventory.servers[1]).split()}


def from_here(address: str) -> set[int]:
    """The ports that this machine reaches."""

    def reaches(port: int) -> bool:
        try:
            with socket.create_connection((address, port), timeout=3):
                return True
        except OSError:
            return False

    return {port for port in PORTS if reaches(port)}


def reachable(site: Site) -> dict[str, set[int]]:
    """Who reaches what of the first server by IPv4: the second server, and this machine."""
    address, _ = addresses(site)
    return {"allowed": from_server(site, address), "stranger": from_here(address)}


def addresses(site: Site) -> list[str]:
    return [str(site.inventory.scope(name)["hive_private_ip"]) for name in site.inventory.servers]


def with_ipv6(site: Site) -> None:
    """Both servers have an IPv6 address; the second has another one beside it."""
    on = "sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.eth0.disable_ipv6=0"
    for server, address in zip(site.inventory.servers, (SERVER6, ALLOWED6), strict=True):
        shell(site, f"{on}; ip -6 addr add {address}/64 dev eth0 nodad", server)
    shell(site, f"ip -6 addr add {OTHER6}/128 dev eth0 nodad", site.inventory.servers[1])


def from_server_by_ipv6(site: Site, source: str) -> set[int]:
    """The ports that the second server reaches from one of its addresses."""
    shell(site, f"ip -6 route replace {SERVER6}/128 dev eth0 src {source}", site.inventory.servers[1])
    return from_server(site, SERVER6)


@pytest.mark.parametrize("image", DAEMON)
def test_a_published_port_is_open_to_its_sources_whatever_docker_does(make_site: SiteMaker, image: str):
    site = make_site(2, image=image)
    _, allowed = addresses(site)
    with_ipv6(site)
    setup(site, "iptables", limit=[site.inventory.servers[0]])

    # Before Docker is there.
    assert publish(site, [allowed, ALLOWED6], check=True) == "would-change"
    assert "5000" not in shell(site, "iptables-save; cat /etc/iptables/rules.*; ls /etc/hive-nornir/firewall.d/v4")
    assert publish(site, [allowed, ALLOWED6]) == "changed"
    assert publish(site, [allowed, ALLOWED6]) == "unchanged"
    install = "export DEBIAN_FRONTEND=noninteractive; apt-get -q update && apt-get install -qy --no-install-recommends docker.io docker-cli"
    shell(site, f"mkdir /etc/docker; echo '{DAEMON[image]}' >/etc/docker/daemon.json")
    server = transport(site)
    packages = install if image == "debian-13" else install.removesuffix(" docker-cli")
    assert server.run(f"{{ {packages}; }} >/dev/null 2>&1", deadline=300).exit_code == 0
    shell(site, CONTAINERS)
    until(lambda: reachable(site) == RESTRICTED, 30)
    assert publish(site, [allowed, ALLOWED6]) == "unchanged"
    _containers_speak_freely(site)
    assert 5000 in from_server_by_ipv6(site, ALLOWED6)
    assert from_server_by_ipv6(site, OTHER6) == OPEN6[image]

    shell(site, "systemctl restart docker")
    until(lambda: reachable(site) == RESTRICTED, 30)
    restart(site)
    until(lambda: reachable(site) == RESTRICTED, 60)
    assert publish(site, [allowed, ALLOWED6]) == "unchanged"
    assert changes(setup(site, "iptables", limit=[site.inventory.servers[0]])) == []
    if image == "debian-12":
        _mended_and_changed(site)


def _containers_speak_freely(site: Site) -> None:
    """To each other, whatever the port, and to the world."""
    shell(site, "docker exec web bash -c \"</dev/tcp/$(docker inspect -f '{{.NetworkSettings.IPAddress}}' other)/5000\"")
    shell(site, f"docker exec web bash -c '</dev/tcp/{addresses(site)[1]}/22'")


def _mended_and_changed(site: Site) -> None:
    address, allowed = addresses(site)
    gateway = address.rpartition(".")[0] + ".1"
    shell(site, "iptables -D DOCKER-USER -j HIVE-PUBLISHED")
    assert from_here(address) == set(PORTS)
    assert publish(site, [allowed]) == "changed"
    assert reachable(site) == RESTRICTED

    assert publish(site, [gateway]) == "changed"
    assert reachable(site) == {"allowed": {6000, 8080}, "stranger": {5000, 6000, 8080}}
    assert publish(site, []) == "changed"
    assert from_here(address) == {6000, 8080}

    # The boot service takes Docker's rules away when it starts (F-2): Docker gets them back, and ours hold (L-9).
    shell(site, "systemctl stop netfilter-persistent")
    found = changes(setup(site, "iptables", limit=[site.inventory.servers[0]]))
    assert any("restart of docker.service" in line for line in found), found
    until(lambda: from_here(address) == {6000, 8080}, 30)

    assert publish(site, [], ports=[]) == "changed"
    assert reachable(site) == {"allowed": set(PORTS), "stranger": set(PORTS)}
    assert shell(site, "iptables-save | grep -c registry; cat /etc/iptables/rules.* | grep -c registry; :").split() == ["0", "0"]
