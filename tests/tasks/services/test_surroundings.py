"""What every service is told of the site."""

from __future__ import annotations

from pathlib import Path

from hive_nornir.tasks.services.surroundings import surroundings
from tests.hosts.sites import write_site


def test_services_know_the_servers_and_send_their_logs_to_the_repository(tmp_path: Path) -> None:
    site = write_site(tmp_path, 2)
    found = surroundings(site.inventory)
    assert list(found.servers) == site.inventory.servers
    assert found.networks == ("hive_default_network",)
    assert found.log_options == {"syslog-address": f"udp://{site.inventory.repository}:10514", "syslog-facility": "local0"}
    assert found.proxy == {}


def test_with_tls_the_hives_own_daemon_sends_them_so_that_containers_start_while_the_repository_is_down(tmp_path: Path) -> None:
    site = write_site(tmp_path, 2)
    site.context.persistents.set("tls_logging", "true")
    assert surroundings(site.inventory).log_options == {"syslog-facility": "local0"}


def test_services_have_the_proxy_of_the_first_hive(tmp_path: Path) -> None:
    site = write_site(tmp_path, 2, variables="hive_pip_index_url: http://pip.example/simple\n")
    site.context.persistents.set("http_proxy", "proxy.example:8080")
    address = site.inventory.scope(site.inventory.hives[0])["hive_private_ip"]
    found = surroundings(site.inventory).proxy
    assert found["https_proxy"] == found["HTTP_PROXY"] == f"http://{address}:3128"
    assert found["NO_PROXY"].split(",") == ["localhost", "127.0.0.1", *site.inventory.servers, "web"]
    assert found["PIP_CERT"] == "/etc/cacert_pip.pem"
    assert found["PIP_INDEX_URL"] == "http://pip.example/simple"
