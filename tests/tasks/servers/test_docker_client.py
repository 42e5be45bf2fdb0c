"""The roles docker-client and docker-client-proxy, without a server."""

import pytest

from hive_nornir.errors import OperationFailed
from hive_nornir.inventory.ca import SiteCA
from hive_nornir.operations.core import Observed
from hive_nornir.tasks.servers.docker_client import DockerClientVariables, docker_client
from hive_nornir.tasks.servers.docker_client_proxy import DockerClientProxyVariables, docker_client_proxy
from tests.tasks.servers.servers import server
from tests.tasks.servers.targets import due, named, settled


def client(folder, *, check=False, **variables):
    SiteCA.load_or_create(folder / "ca", "example.com")
    host = server(folder, check=check, site_groups={"first_hive": ["p-hive1.example.com"]})
    v = DockerClientVariables.model_validate({"hive_home_dir": "/home/admin", **variables})
    return next(docker_client.function(host, v))


def test_the_administrator_gets_a_folder_of_its_own_and_the_commands(tmp_path):
    found = client(tmp_path)
    assert "700 admin:admin" in due(named(found, "folder /home/admin/.docker"), "absent").apply
    names = [operation.name for operation in found]
    assert [name for name in names if name.startswith("link /usr/bin/")] == [
        "link /usr/bin/dexec",
        "link /usr/bin/dsh",
        "link /usr/bin/dcp",
    ]
    assert {"key /home/admin/.docker/key.pem", "certificate /home/admin/.docker/cert.pem", "packages ncurses-bin"} <= set(names)


def test_the_commands_know_the_first_hive_and_the_site(tmp_path):
    text = due(named(client(tmp_path), "file /etc/hive/onhost.json"), "absent").apply
    assert '"docker_host": "p-hive1.example.com:2376"' in text
    assert '"hive_name": "example.com"' in text


@pytest.mark.parametrize(("start", "role"), [("folder for certificates", "tls-certificate"), ("Docker SDK", "pip-venv")])
def test_what_is_missing_names_its_role(tmp_path, start, role):
    with pytest.raises(OperationFailed, match=f"run the role {role} first"):
        named(client(tmp_path), start).decide(Observed(""))
    assert role in due(named(client(tmp_path, check=True), start), "").summary


def test_a_home_elsewhere_is_told(tmp_path):
    operation = named(client(tmp_path), "home of admin")
    assert settled(operation, "/home/admin\n")
    with pytest.raises(OperationFailed, match="the home of admin is /srv/admin"):
        operation.decide(Observed("/srv/admin\n"))


def proxy(folder, **environment):
    host = server(folder, facts={"admin_environment": environment})
    v = DockerClientProxyVariables.model_validate({"hive_home_dir": "/home/admin", "hive_admin_group": "ops"})
    return named(docker_client_proxy.function(host, v), "proxy in /home/admin/.docker/config.json")


def test_the_proxy_is_written_on_the_host_where_it_differs(tmp_path):
    operation = proxy(tmp_path, HTTP_PROXY="http://***")
    assert settled(operation, "same")
    change = due(operation, "differs")
    assert "hv_write /home/admin/.docker/config.json 600 admin:ops" in change.apply
    assert change.diff == ""


def test_a_plan_of_a_fresh_server_goes_by_the_login(tmp_path):
    assert due(proxy(tmp_path, HTTP_PROXY="http://***"), "unknown").summary == "the proxy of the login"
    assert settled(proxy(tmp_path), "unknown")


def test_a_broken_file_is_told(tmp_path):
    with pytest.raises(OperationFailed, match="no JSON object"):
        proxy(tmp_path).decide(Observed("refused hive-docker-proxy: docker's configuration is no JSON object: x\n"))
