"""The role internal-network on a server with a second interface, as a provider leaves it."""

from __future__ import annotations

from collections.abc import Callable

from hive_nornir import Site
from tests.hosts.sites import changes, errors, setup, shell

VARIABLES = "hive_internal_net_if: int0\nhive_internal_net_addr: 10.99.0.0\nhive_internal_net_cidr: 24\n"


def test_the_second_interface_has_the_private_address_and_the_first_is_refused(make_site: Callable[..., Site]):
    site = make_site(1, variables=VARIABLES)
    # From here on the server's private address is another one than that by which we come.
    host_vars = site.context.root / "inventory" / "host_vars"
    host_vars.mkdir()
    (host_vars / f"{site.inventory.servers[0]}.yml").write_text("hive_private_ip: 10.99.0.4\n")
    site.reload()
    shell(site, "ip link add int0 type veth peer name far0; ip link set far0 up")

    planned = setup(site, "internal-network", check=True)
    assert planned.exit_code == 3
    assert shell(site, "ip -o -4 addr show dev int0") == ""

    setup(site, "iptables", "internal-network")
    assert " 10.99.0.4/24 " in shell(site, "ip -o -4 addr show dev int0")
    assert "10-internal_net.network" in shell(site, "networkctl status int0")
    assert "eth0" in shell(site, "ip route show default")
    rule = "-A HIVE-INPUT -s 10.99.0.0/24 -i int0 -m conntrack --ctstate NEW"
    assert rule in shell(site, "iptables-save")
    assert rule in shell(site, "cat /etc/iptables/rules.v4")
    assert changes(setup(site, "iptables", "internal-network")) == []

    # What somebody changed by hand is put right, by the profile's doing.
    shell(site, "ip addr add 10.99.0.77/24 dev int0")
    assert setup(site, "internal-network").changed == 1
    assert "10.99.0.77" not in shell(site, "ip -o -4 addr show dev int0")

    # L-7: the interface that we come by.
    variables = site.context.root / "inventory" / "group_vars" / "all.yml"
    variables.write_text(variables.read_text().replace("int0", "eth0"))
    site.reload()
    before = shell(site, "ip -o -4 addr; cat /etc/systemd/network/10-internal_net.network")
    report = site.run("setup-hosts", roles=["internal-network"])
    assert report.exit_code == 1
    assert "eth0 of " in errors(report)[0]
    assert "has the default route" in errors(report)[0]
    assert shell(site, "ip -o -4 addr; cat /etc/systemd/network/10-internal_net.network") == before
