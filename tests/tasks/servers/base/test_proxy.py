"""BASE-3, BASE-4, BASE-15: what logins and the package manager know of the proxy."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_nornir.operations.engine import Engine
from hive_nornir.tasks.servers.base.proxy import environment_text, environment_values, metadata_refresh, pip_configuration
from hive_nornir.tasks.servers.base.variables import BaseVariables
from tests.support.local import LocalTransport
from tests.tasks.servers.servers import ALMA, server
from tests.tasks.servers.targets import due, named, settled

PROXIED = BaseVariables(hive_private_ip="10.1.0.4", hive_http_proxy="proxy.example:8080")
PLAIN = BaseVariables(hive_private_ip="10.1.0.4")


def test_a_login_finds_the_proxy_at_the_servers_own_address(tmp_path):
    values = environment_values(server(tmp_path), PROXIED)
    assert values["http_proxy"] == values["HTTPS_PROXY"] == "http://10.1.0.4:3128"
    assert values["no_proxy"].split(",") == [
        *("localhost", "127.0.0.1", "p-hive0.example.com", "p-hive1.example.com", "p-hive2.example.com", "web", "db")
    ]
    assert values["PIP_CERT"] == "/usr/local/share/ca-certificates/hive-example.com.crt"


def test_pip_gets_its_index_without_a_proxy_too(tmp_path):
    v = BaseVariables(hive_private_ip="10.1.0.4", hive_pip_index_url="https://index.example/simple", hive_pip_trusted_host="index.example")
    assert environment_values(server(tmp_path), v) == {
        "PIP_INDEX_URL": "https://index.example/simple",
        "PIP_TRUSTED_HOST": "index.example",
    }


def test_lines_of_hive_builder_are_replaced_and_others_stay():
    text = environment_text('LANG="C"\nhttp_proxy=http://old:1\nexport HTTP_PROXY=http://old:1\n', {"http_proxy": "x", "HTTP_PROXY": "x"})
    assert text.startswith('LANG="C"\n# BEGIN hive-nornir')
    assert "old" not in text


def test_without_values_the_block_goes_and_somebody_elses_proxy_stays():
    own = environment_text("http_proxy=http://theirs:1", {"PIP_INDEX_URL": "x"})
    assert environment_text(own, {}) == "http_proxy=http://theirs:1\n"


@given(st.text(), st.dictionaries(st.sampled_from(["http_proxy", "PIP_CERT", "NO_PROXY"]), st.sampled_from(["a", "b c", "http://x:1"])))
def test_the_environment_is_settled_after_one_edit(text, values):
    once = environment_text(text, values)
    assert environment_text(once, values) == once


def test_hosts_that_pip_trusted_without_a_check_are_trusted_no_more_behind_a_proxy():
    [operation] = pip_configuration(PROXIED)
    assert operation.name == "no lines matching ^\\s*trusted-host\\s*= in /etc/pip.conf"
    assert pip_configuration(PLAIN) == []


def test_apt_has_the_proxy_in_a_file_which_goes_when_it_is_not_needed(tmp_path):
    [with_proxy] = metadata_refresh(server(tmp_path), PROXIED)
    assert 'Acquire::https::Proxy "http://10.1.0.4:3128";' in due(with_proxy, "absent").apply
    [without] = metadata_refresh(server(tmp_path), PLAIN)
    assert due(without, "needless\n").apply == "rm -f -- /etc/apt/apt.conf.d/95hive-proxy"
    assert settled(without, "")


def apt_file(tmp_path, environment):
    """What becomes of apt's file, which has our proxy, without one in the inventory; with this text in /etc/environment."""
    paths = {"proxy_file": str(tmp_path / "95hive-proxy"), "makecache_unit": ""}
    host = server(tmp_path)
    host.os = host.os.model_copy(
        update={
            "environment_file": str(tmp_path / "environment"),
            "repositories": host.os.repositories.model_copy(update=paths),
        }
    )
    (tmp_path / "environment").write_text(environment)
    (tmp_path / "95hive-proxy").write_text('Acquire::http::Proxy "http://10.1.0.4:3128";\n')
    (tmp_path / "state").mkdir()
    operations = metadata_refresh(host, PLAIN)
    # The login had the proxy when it was made, and our block is still to be taken out by an earlier step of the same exchange.
    [outcome] = Engine(LocalTransport(tmp_path / "state"), "here").run(operations)
    [again] = Engine(LocalTransport(tmp_path / "state"), "here").run(operations)
    assert again.status == "unchanged"
    return outcome, (tmp_path / "95hive-proxy").read_text() if (tmp_path / "95hive-proxy").exists() else ""


def test_apts_proxy_goes_in_the_same_run_as_the_proxy_of_logins(tmp_path):
    outcome, text = apt_file(tmp_path, environment_text("LANG=C\n", {"HTTP_PROXY": "http://10.1.0.4:3128"}))
    assert (outcome.status, text) == ("changed", "")


@pytest.mark.skipif(os.geteuid() != 0, reason="files of root's")
def test_apt_takes_over_a_proxy_that_somebody_else_set_up_without_telling_it(tmp_path):
    outcome, text = apt_file(tmp_path, environment_text('HTTP_PROXY="http://me:secret@p:1"\n', {"HTTPS_PROXY": "http://10.1.0.4:3128"}))
    assert text == 'Acquire::http::Proxy "http://me:secret@p:1";\nAcquire::https::Proxy "http://me:secret@p:1";\n'
    assert "secret" not in f"{outcome.summary}{outcome.diff}{outcome.observed}"


@pytest.mark.parametrize("v", [PROXIED, PLAIN])
def test_the_refresh_unit_reads_the_environment(tmp_path, v):
    unit = named(
        metadata_refresh(server(tmp_path, distribution=ALMA), v), "file /etc/systemd/system/dnf-makecache.service.d/hive-proxy.conf"
    )
    assert "EnvironmentFile=-/etc/environment" in due(unit, "absent").apply
