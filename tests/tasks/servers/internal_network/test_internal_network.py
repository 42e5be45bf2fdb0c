"""Which stack is told what, and what is refused."""

from __future__ import annotations

import subprocess
from ipaddress import IPv4Interface

import pytest
from pydantic import ValidationError

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Observed
from hive_nornir.tasks.servers.internal_network import InternalNetworkVariables
from hive_nornir.tasks.servers.internal_network.address import address_up, may_be_taken
from hive_nornir.tasks.servers.internal_network.stacks import stack_of
from tests.tasks.servers.servers import ALMA, DEBIAN, UBUNTU, server

ADDRESS = IPv4Interface("10.9.0.4/24")
VARIABLES = {
    "hive_internal_net_if": "eth1",
    "hive_internal_net_addr": "10.9.0.0",
    "hive_internal_net_cidr": 24,
    "hive_private_ip": "10.9.0.4",
}
UP = "3: eth1    inet 10.9.0.4/24 brd 10.9.0.255 scope global eth1\\       valid_lft forever preferred_lft forever\n"


def host(tmp_path, **facts):
    found = server(tmp_path, facts=facts)
    found.transport.target.hostname = "192.0.2.10"
    return found


@pytest.mark.parametrize(
    ("distribution", "active", "kind", "unit", "packages"),
    [
        (DEBIAN, "", "systemd-networkd", "systemd-networkd.service", ()),
        (DEBIAN, "ifupdown", "ifupdown", "", ()),
        (ALMA, "", "NetworkManager", "NetworkManager.service", ("NetworkManager",)),
        (UBUNTU, "netplan", "netplan", "", ()),
        (ALMA, "systemd-networkd", "systemd-networkd", "systemd-networkd.service", ()),
    ],
)
def test_the_active_stack_is_told_and_no_second_one_comes(tmp_path, distribution, active, kind, unit, packages):
    found = server(tmp_path, distribution=distribution, facts={"network_stack": active})
    stack = stack_of(found, "eth1", ADDRESS)
    assert (stack.kind, stack.unit, stack.packages) == (kind, unit, packages)


@pytest.mark.parametrize("kind", ["netplan", "systemd-networkd", "ifupdown", "network-scripts"])
def test_a_profile_is_a_file_with_the_address_and_no_gateway(tmp_path, kind):
    stack = stack_of(server(tmp_path, distribution=ALMA, facts={"network_stack": kind}), "eth1", ADDRESS)
    [profile] = stack.profile()
    change = profile.decide(Observed("absent\n"))
    assert change is not None
    assert "10.9.0.4" in change.diff
    assert "ateway" not in change.diff
    assert profile.guard is not None
    assert profile.guard == address_up("eth1", ADDRESS, stack, on=[profile]).guard  # one guarded change


@pytest.mark.parametrize("kind", ["NetworkManager", "ifupdown"])
@pytest.mark.parametrize("starting", ["", "1"], ids=["up", "starting"])
def test_while_the_server_starts_the_profile_alone_is_put_back_since_its_stack_is_not_there_yet(tmp_path, kind, starting):
    stack = stack_of(server(tmp_path, distribution=ALMA, facts={"network_stack": kind}), "eth1", ADDRESS)
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, code in (("ip", 0), ("rm", 0), ("hv_putback", 0), ("nmcli", 1 if starting else 0)):
        (programs / name).write_text(f'#!/bin/sh\necho "{name} $*"\nexit {code}\n')
        (programs / name).chmod(0o755)
    (tmp_path / "addresses").write_text("10.9.0.9/24\n")
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "G": str(tmp_path), "hv_boot": starting}
    done = subprocess.run(["sh", "-c", stack.guard().restore], env=environment, capture_output=True, text=True, check=True, timeout=20)
    said = done.stdout.splitlines()
    assert [line for line in said if line.startswith("ip ")] == (
        [] if starting else ["ip addr flush dev eth1", "ip addr add 10.9.0.9/24 dev eth1"]
    )
    files = "/etc/NetworkManager/system-connections/internal_net.nmconnection /etc/sysconfig/network-scripts/ifcfg-internal_net"
    removed = [f"rm -f {files}"] if starting else []
    profile = [line for line in said if not line.startswith("ip ")]
    assert profile == (["nmcli connection delete internal_net", *removed] if kind == "NetworkManager" else ["hv_putback "])


def test_a_connection_of_network_manager_is_modified_where_it_differs(tmp_path):
    [connection] = stack_of(server(tmp_path, distribution=ALMA, facts={"network_stack": "NetworkManager"}), "eth1", ADDRESS).profile()
    said = (
        "connection.type:802-3-ethernet\nconnection.interface-name:eth1\nconnection.autoconnect:yes\nipv4.method:manual\n"
        "ipv4.addresses:10.9.0.4/24\nipv4.gateway:\nipv4.dns:\nipv4.never-default:yes\n"
    )
    assert connection.decide(Observed(said)) is None
    change = connection.decide(Observed(said.replace("0.4/24", "0.5/24")))
    assert change is not None
    assert change.diff == "- ipv4.addresses 10.9.0.5/24\n+ ipv4.addresses 10.9.0.4/24"
    assert "nmcli connection add" in connection.decide(Observed("", 10)).apply


def test_an_interface_that_we_come_by_is_refused(tmp_path):
    managed = UP.replace("10.9.0.4", "192.0.2.10")
    with pytest.raises(OperationFailed, match="managed through eth1"):
        may_be_taken(host(tmp_path), "eth1", ADDRESS).decide(Observed(managed))
    with pytest.raises(OperationFailed, match="default route"):
        may_be_taken(host(tmp_path, default_route="eth1"), "eth1", ADDRESS).decide(Observed(""))
    with pytest.raises(OperationFailed, match="no interface eth1"):
        may_be_taken(host(tmp_path), "eth1", ADDRESS).decide(Observed("", 1))


def test_an_interface_that_is_as_wanted_is_left_alone_whatever_comes_by_it(tmp_path):
    assert may_be_taken(host(tmp_path, default_route="eth1"), "eth1", ADDRESS).decide(Observed(UP)) is None
    assert address_up("eth1", ADDRESS, stack_of(host(tmp_path), "eth1", ADDRESS), on=[]).decide(Observed(UP)) is None


def test_a_former_address_goes_and_the_new_one_is_asked_for_first(tmp_path):
    up = address_up("eth1", ADDRESS, stack_of(host(tmp_path), "eth1", ADDRESS), on=[])
    change = up.decide(Observed(UP.replace("0.4/24", "0.9/24")))
    assert change is not None
    assert change.diff == "- 10.9.0.9/24\n+ 10.9.0.4/24"
    assert change.apply.index("arping -D") < change.apply.index("ip addr del 10.9.0.9/24")


def test_the_network_and_the_address_belong_together():
    assert InternalNetworkVariables(**VARIABLES).address == ADDRESS
    assert not InternalNetworkVariables(hive_private_ip="10.9.0.4").hive_internal_net_if
    for wrong in ({"hive_internal_net_addr": "10.8.0.0"}, {"hive_internal_net_cidr": None}):
        with pytest.raises(ValidationError):
            InternalNetworkVariables(**{**VARIABLES, **wrong})
