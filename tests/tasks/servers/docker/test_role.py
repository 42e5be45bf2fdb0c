"""The role docker as a whole: its order, where its packages come from, whom it lets in."""

import pytest
from pydantic import ValidationError

from hive_nornir.errors import OperationFailed, UsageError
from hive_nornir.operations.core import Observed
from hive_nornir.tasks.servers.docker import DockerVariables, docker
from tests.tasks.servers.targets import due, named, settled, target


def operations(context, *, distribution=("debian", "12"), name="p-hive0.example.com", check=False, **values):
    v = DockerVariables.model_validate({"hive_private_ip": "10.1.0.4", **values})
    return next(docker.function(target(context, distribution=distribution, name=name, check=check), v))


def names(found):
    return [operation.name for operation in found]


def place(found, start):
    return names(found).index(named(found, start).name)


def test_ports_and_ranges_are_looked_at_before_the_engine_is_installed(tmp_path):
    found = operations(tmp_path)
    engine = place(found, "packages libseccomp2")
    before = ["certificate of its own", "chain HIVE-SERVICE", "ranges of Docker", "firewall set docker_api_swarm"]
    assert all(place(found, start) < engine for start in before)
    assert found[-1].name == "service docker.service"
    assert set(names(found[-1].triggered_by)) == {
        "file /etc/ssl/hive/certs/hive-api-client-ca.pem",
        "file /etc/docker/daemon.json",
        "unit file /etc/systemd/system/docker.service.d/hive.conf",
        "daemon-reload after unit file /etc/systemd/system/docker.service.d/hive.conf",
        "proxy of docker.service",
    }


@pytest.mark.parametrize(("start", "role"), [("certificate of its own", "tls-certificate"), ("chain HIVE-SERVICE", "iptables")])
def test_what_is_missing_names_its_role_and_in_a_plan_is_to_come(tmp_path, start, role):
    operation = named(operations(tmp_path), start)
    assert settled(operation, "there\n")
    with pytest.raises(OperationFailed, match=f"run the role {role} first"):
        operation.decide(Observed(""))
    assert role in due(named(operations(tmp_path, check=True), start), "").summary


@pytest.mark.parametrize(
    ("distribution", "source", "packages", "repository"),
    [
        (("debian", "12"), "auto", "docker-ce", "file /etc/apt/sources.list.d/docker.sources"),
        (("debian", "12"), "distribution", "docker.io", ""),
        (("debian", "13"), "distribution", "docker.io, docker-cli", ""),
        (("ubuntu", "24.04"), "docker-ce", "docker-ce", "file /etc/apt/sources.list.d/docker.sources"),
        (("almalinux", "9"), "auto", "docker-ce", "file /etc/yum.repos.d/docker.repo"),
        (("amzn", "2023"), "auto", "docker", ""),
    ],
)
def test_the_packages_come_from_one_source(tmp_path, distribution, source, packages, repository):
    found = operations(tmp_path, distribution=distribution, hive_docker_source=source)
    assert f", {packages}" in named(found, "packages ").name
    assert [name for name in names(found) if "sources.list.d" in name or "yum.repos.d" in name] == [repository] * bool(repository)
    assert named(found, "held packages")
    if repository:
        key = named(found, "key /")
        assert place(found, "key /") < place(found, repository)
        wanted = "9DC858229FC7DD38854AE2D88D81803C0EBFCD88" if "apt" in repository else "060A61C51B558A7F742B77AAC52FEB6B621E9F35"
        assert wanted in due(key, "").summary
        assert key.name.removeprefix("key ") in due(named(found, repository), "absent").apply


def test_a_distribution_without_a_package_says_so(tmp_path):
    with pytest.raises(UsageError, match="no Docker package of its own"):
        operations(tmp_path, distribution=("almalinux", "9"), hive_docker_source="distribution")


def test_only_engine_and_client_get_the_wanted_version(tmp_path):
    deb = named(operations(tmp_path, hive_docker_version="5:29.1.*"), "packages ").name
    assert "docker-ce=5:29.1.*, docker-ce-cli=5:29.1.*, containerd.io," in deb
    packages = named(operations(tmp_path, distribution=("almalinux", "9"), hive_docker_version="29.1.3"), "packages ")
    assert "--disableexcludes=main" in due(packages, "").apply  # an earlier run holds another version back
    rpm = packages.name
    assert "docker-ce-29.1.3, docker-ce-cli-29.1.3, containerd.io," in rpm


def rules(operation):
    return [line for line in due(operation, "@@has-v6\n").apply.splitlines() if line.startswith("-A HIVE-SERVICE")]


def test_the_api_is_open_to_the_servers_of_the_stage(tmp_path):
    found = rules(named(operations(tmp_path), "firewall set docker_api_swarm"))
    assert [line.split()[3] for line in found] == ["10.1.0.4/32", "10.1.0.5/32", "10.1.0.6/32"]
    assert all("--dports 2376,2377,7946 " in line for line in found)
    assert all("-p udp" in line and "4789,7946" in line for line in rules(named(operations(tmp_path), "firewall set docker_swarm_udp")))


def test_with_a_network_of_their_own_it_is_open_to_that(tmp_path):
    found = operations(tmp_path, hive_internal_net_addr="192.168.9.0", hive_internal_net_cidr=24)
    assert [line.split()[3] for line in rules(named(found, "firewall set docker_api_swarm"))] == ["192.168.9.0/24"]


def test_the_proxy_is_open_to_servers_and_containers_if_there_is_one(tmp_path):
    assert settled(named(operations(tmp_path), "firewall set http_proxy"), "@@has-v6\n")
    found = operations(tmp_path, hive_http_proxy="http://proxy:3128", hive_internal_cidr="172.31.252.0/22")
    sources = {line.split()[3] for line in rules(named(found, "firewall set http_proxy"))}
    assert sources == {"10.1.0.4/32", "10.1.0.5/32", "10.1.0.6/32", "172.31.254.0/25", "172.31.254.128/25"}


def test_the_daemon_listens_on_the_private_address_with_the_sites_certificate(tmp_path):
    text = due(named(operations(tmp_path), "file /etc/docker/daemon.json"), "absent").apply
    assert '"tcp://10.1.0.4:2376"' in text
    assert '"tlscacert": "/etc/ssl/hive/certs/hive-api-client-ca.pem"' in text
    assert '"tlskey": "/etc/ssl/hive/private/p-hive0.example.com_key.pem"' in text
    assert "storage-driver" not in text


def test_a_shared_repository_is_reached_from_everywhere_and_has_one_certificate(tmp_path):
    found = operations(tmp_path, name="p-hive2.example.com", hive_shared_repository={"context_dir": "/x"})
    text = due(named(found, "file /etc/docker/daemon.json"), "absent").apply
    assert '"tcp://0.0.0.0:2376"' in text
    assert "/etc/ssl/hive/private/shared-repository_key.pem" in text
    assert '"storage-driver": "vfs"' in text


def test_on_google_forwarding_is_allowed_at_once(tmp_path):
    assert not [name for name in names(operations(tmp_path)) if name.startswith("sysctl")]
    change = due(named(operations(tmp_path, hive_provider="gcp"), "sysctl"), "=0\n=0\n=0\n")
    assert "/proc/sys/net/ipv4/ip_forward" in change.apply


def test_el_10_needs_a_module_that_base_brings(tmp_path):
    operation = named(operations(tmp_path, distribution=("almalinux", "10")), "kernel module xt_addrtype")
    with pytest.raises(OperationFailed, match="run the role base first"):
        operation.decide(Observed(""))


@pytest.mark.parametrize("cidr", ["172.31.252.0/27", "nonsense"])
def test_a_range_that_cannot_be_cut_is_refused(tmp_path, cidr):
    with pytest.raises(ValidationError):
        operations(tmp_path, hive_internal_cidr=cidr)


def test_it_lets_in_whom_the_authority_of_clients_signed_and_makes_that_if_there_is_none(tmp_path):
    plan = due(named(operations(tmp_path, check=True), "file /etc/ssl/hive/certs/hive-api-client-ca.pem"), "absent")
    assert "yet to be made" in plan.summary
    assert list(tmp_path.iterdir()) == []

    text = due(named(operations(tmp_path), "file /etc/ssl/hive/certs/hive-api-client-ca.pem"), "absent").apply
    assert (tmp_path / "ca" / "api-client" / "cacert.pem").read_text() in text
    assert text.startswith("hv_write /etc/ssl/hive/certs/hive-api-client-ca.pem 644 root:root")


def test_when_it_is_done_the_mother_knows_whom_the_server_lets_in(tmp_path):
    steps = docker.function(target(tmp_path), DockerVariables.model_validate({"hive_private_ip": "10.1.0.4"}))
    next(steps)
    assert not (tmp_path / "trust").exists()
    assert next(steps, None) is None
    [record] = (tmp_path / "trust" / "api-client" / "servers").iterdir()
    assert record.name == "p-hive0.example.com.json"
