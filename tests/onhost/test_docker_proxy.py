"""The proxy in docker's own configuration."""

import json

import pytest

from hive_onhost.docker_proxy import configuration, login_environment
from hive_onhost.failure import Failure

PROXY = {"HTTP_PROXY": "http://u:secret@proxy:3128", "NO_PROXY": "a,b"}
AUTHS = {"auths": {"registry:5000": {"auth": "eDp5"}}}


def test_only_what_the_login_has_is_written_and_logins_to_registries_stay():
    found = json.loads(configuration(json.dumps(AUTHS), PROXY))
    assert found == AUTHS | {"proxies": {"default": {"httpProxy": "http://u:secret@proxy:3128", "noProxy": "a,b"}}}


def test_a_file_that_is_as_it_should_be_stays_byte_for_byte():
    text = configuration("", PROXY).replace("\t", "     ")
    assert configuration(text, PROXY) == text
    assert configuration("", {}) == ""
    assert configuration("{ }", {"NO_PROXY": "x"}) == "{ }"


def test_a_withdrawn_proxy_goes_and_nothing_else():
    mixed = {**AUTHS, "proxies": {"default": {"httpProxy": "x", "ftpProxy": "f"}, "tcp://other:2376": {"httpProxy": "y"}}}
    assert json.loads(configuration(json.dumps(mixed), {}))["proxies"] == {
        "default": {"ftpProxy": "f"},
        "tcp://other:2376": {"httpProxy": "y"},
    }
    assert json.loads(configuration(configuration(json.dumps(AUTHS), PROXY), {})) == AUTHS


@pytest.mark.parametrize("text", ["{", "[]", '{"proxies": 1}'])
def test_what_is_no_configuration_is_refused_without_being_shown(text):
    with pytest.raises(Failure, match="no JSON object"):
        configuration(text, PROXY)


def test_the_login_is_the_process_whose_parent_is_sshd(tmp_path):
    for process, parent, name, environment in [
        ("30", "20", "python", ""),
        ("20", "10", "sudo", "HTTP_PROXY=http://p\0X=a=b\0"),
        ("10", "1", "sshd-session", ""),
        ("1", "0", "systemd", ""),
    ]:
        folder = tmp_path / process
        folder.mkdir()
        (folder / "status").write_text(f"Name:\t{name}\nPPid:\t{parent}\n")
        (folder / "comm").write_text(f"{name}\n")
        (folder / "environ").write_text(environment)
    assert login_environment("30", tmp_path) == {"HTTP_PROXY": "http://p", "X": "a=b"}
    assert login_environment("10", tmp_path) == {}
