"""NTP-1, NTP-2: the site's time servers, and no others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hive_nornir.tasks.os import os_data
from hive_nornir.tasks.servers.ntp_client import NtpVariables, chrony_text, ntp_client
from tests.operations.recorded import facts_like
from tests.tasks.servers.servers import ALMA, DEBIAN, names, server
from tests.tasks.servers.targets import due, named

SERVERS = ["server ntp1.example iburst", "server 192.0.2.1 iburst"]
DEFAULT = "# time\npool 2.pool.example iburst\nserver 0.example iburst\n  peer 1.example\nsourcedir /run/chrony-dhcp\ndriftfile /d\n"
EL, DEB = os_data(facts_like(*ALMA)).chrony, os_data(facts_like(*DEBIAN)).chrony
AMAZON = os_data(facts_like("amzn", "2")).chrony


def live(text):
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def test_servers_and_pools_of_the_distribution_are_disabled():
    assert live(chrony_text(DEFAULT, SERVERS, EL, ())) == ["driftfile /d", *SERVERS]


def test_where_there_is_a_folder_for_servers_the_configuration_names_it_once():
    folder = "sourcedir /etc/chrony/sources.d"
    assert live(chrony_text(DEFAULT, SERVERS, DEB, ())) == ["driftfile /d", folder]
    assert live(chrony_text(f"{DEFAULT}{folder}\n", SERVERS, DEB, ())) == ["driftfile /d", folder]


def test_a_server_that_is_listed_no_more_disappears():
    text = chrony_text(DEFAULT, SERVERS, EL, ())
    assert live(chrony_text(text, SERVERS[:1], EL, ())) == ["driftfile /d", SERVERS[0]]


def test_the_clouds_own_servers_stay_when_they_are_wanted():
    text = "server 169.254.169.123 prefer iburst\npool 2.example iburst\nsourcedir /run/chrony.d\n"
    assert live(chrony_text(text, SERVERS, AMAZON, AMAZON.provided_sources)) == [
        "server 169.254.169.123 prefer iburst",
        "sourcedir /run/chrony.d",
        *SERVERS,
    ]
    assert live(chrony_text(text, SERVERS, AMAZON, ())) == SERVERS


@pytest.mark.parametrize("data", [EL, DEB])
@given(text=st.text() | st.lists(st.sampled_from(DEFAULT.splitlines())).map("\n".join))
def test_any_configuration_is_settled_after_one_edit(data, text):
    once = chrony_text(text, SERVERS, data, ())
    assert chrony_text(once, SERVERS, data, ()) == once


def test_chrony_is_restarted_when_any_of_its_files_changed(tmp_path):
    v = NtpVariables(hive_ntp_servers=["ntp1.example"])
    operations = ntp_client.function(server(tmp_path), v)
    service = operations[-1]
    assert service.name == "service chrony.service"
    assert names(service.triggered_by) == [
        "time servers in /etc/chrony/chrony.conf",
        "file /etc/chrony/sources.d/hive.sources",
        "no other time servers in /etc/chrony/sources.d",
    ]
    assert "server ntp1.example iburst" in due(named(operations, "file /etc/chrony/sources.d/hive.sources"), "absent").apply


def test_other_files_of_the_folder_are_commented_out(tmp_path):
    operations = ntp_client.function(server(tmp_path), NtpVariables(hive_ntp_servers=["x"]))
    other = named(operations, "no other time servers")
    assert other.decide(_seen("")) is None
    assert due(other, "/etc/chrony/sources.d/pools.sources:pool a\n/etc/chrony/sources.d/pools.sources:pool b").summary == (
        "comment out 2 servers"
    )


def test_it_applies_only_with_servers():
    assert ntp_client._when(NtpVariables(hive_ntp_servers=["x"]))
    assert not ntp_client._when(NtpVariables())


@pytest.mark.parametrize("name", ["a b", "x\nallow all", "", "a;b"])
def test_what_is_no_server_is_refused(name):
    with pytest.raises(ValidationError, match="neither a name nor an address"):
        NtpVariables(hive_ntp_servers=[name])


def _seen(text):
    from hive_nornir.operations.core import Observed

    return Observed(text)


def test_one_server_may_be_a_text():
    assert NtpVariables(hive_ntp_servers="ntp.example").hive_ntp_servers == ["ntp.example"]
