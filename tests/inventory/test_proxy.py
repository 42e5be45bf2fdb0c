"""The proxy that the mother sees, as a port of each server (spec operations.md 14)."""

import pytest

from hive_nornir.errors import UsageError
from hive_nornir.inventory.proxy import ProxyForward, proxy_address

SERVER = {"hive_private_ip": "10.1.0.4", "hive_http_proxy": "proxy.example:8080", "hive_http_proxy_port": "3128"}


def test_a_proxy_has_a_host_and_a_port():
    assert proxy_address("proxy.example:8080") == ("proxy.example", 8080)
    assert proxy_address("[fe80::1]:3128") == ("fe80::1", 3128)


@pytest.mark.parametrize("text", ["proxy", "proxy:", "proxy:0", "proxy:99999", "http://proxy:80", "user:pw@proxy:80", "a b:1", "fe80::1"])
def test_what_is_no_proxy(text):
    with pytest.raises(UsageError, match=r"host:port.*proxy\.example:8080"):
        proxy_address(text)
    with pytest.raises(UsageError, match="host:port"):
        ProxyForward.of({**SERVER, "hive_http_proxy": text})


def test_a_servers_variables_say_which_port_leads_where():
    forward = ProxyForward.of(SERVER)
    assert forward == ProxyForward(3128, "proxy.example:8080", "10.1.0.4")
    assert forward.destination == ("proxy.example", 8080)
    assert ProxyForward.of({**SERVER, "hive_http_proxy": None}) is None
    assert ProxyForward.of({"hive_private_ip": "10.1.0.4"}) is None
    with pytest.raises(UsageError, match="http_proxy_port must be a port, not 'many'"):
        ProxyForward.of({**SERVER, "hive_http_proxy_port": "many"})
