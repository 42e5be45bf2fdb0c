"""Who is let in to sshd, and where it listens."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Observed
from hive_nornir.tasks.servers.strict_source_ip import StrictSourceIpVariables, strict_source_ip
from hive_nornir.tasks.servers.strict_source_ip.listening import listens_on, port_guard, port_label
from tests.tasks.servers.servers import ALMA, server


def variables(*sources: str, port: int | None = None) -> StrictSourceIpVariables:
    return StrictSourceIpVariables(hive_ssh_source_ips=list(sources) or None, hive_sshd_port=port)


def steps(tmp_path, v, **facts):
    host = server(tmp_path, facts={"ssh_client": "198.51.100.7", "sshd": {"port": "22"}, "ssh_port": 22, **facts})
    return strict_source_ip.function(host, v)


@pytest.mark.parametrize("sources", [["198.51.100.0/24"], ["2001:db8::/32", "198.51.100.7"]])
def test_we_are_let_in(tmp_path, sources):
    [check] = next(steps(tmp_path, variables(*sources)))
    assert check.decide(Observed("")) is None


@pytest.mark.parametrize("client", ["198.51.100.7", "2001:db8::7"])
def test_sources_without_our_own_address_are_refused(tmp_path, client):
    [check] = next(steps(tmp_path, variables("192.0.2.0/24"), ssh_client=client))
    with pytest.raises(OperationFailed, match=f"from {client}"):
        check.decide(Observed(""))


def test_no_sources_at_all_and_what_is_no_address_are_wrong():
    for wrong in ([], ["office.example"]):
        with pytest.raises(ValidationError):
            StrictSourceIpVariables(hive_ssh_source_ips=wrong)


def names(operations) -> list[str]:
    return [operation.name for operation in operations]


def test_with_the_port_in_place_everything_is_one_look(tmp_path):
    role = steps(tmp_path, variables("198.51.100.0/24"))
    next(role)
    operations = role.send({})
    assert "sshd listens on 22" in names(operations)
    assert "packet filter" in names(operations)
    with pytest.raises(StopIteration):
        role.send({})


def test_a_new_port_is_opened_beside_the_old_one(tmp_path):
    role = steps(tmp_path, variables(port=2222))
    next(role)
    assert "sshd listens on 22, 2222" in names(role.send({}))


def test_listening_is_compared_with_what_is_configured_and_what_is_so(tmp_path):
    os = server(tmp_path).os
    *_, listening = listens_on(os.sshd, {2222}, port_guard(os, "test", 2222))
    assert listening.decide(Observed("2222\n@@\n2222\n2222\n")) is None
    change = listening.decide(Observed("22\n@@\n22\n", triggered=True))
    assert change.diff == "- port 22\n+ port 2222"
    with pytest.raises(OperationFailed, match="ports 22, 2222, although ours are 2222"):
        listening.decide(Observed("22\n2222\n@@\n22\n2222\n"))


def test_selinux_has_to_know_another_port_only(tmp_path):
    host = server(tmp_path, distribution=ALMA, facts={"selinux": "enforcing"})
    assert names(port_label(host, 2222)) == ["SELinux label of port 2222"]
    assert port_label(host, 22) == []
    assert port_label(server(tmp_path), 2222) == []
