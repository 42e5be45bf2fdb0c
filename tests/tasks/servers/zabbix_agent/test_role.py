"""The role zabbix-agent without servers: where its package comes from, what it writes on which server, and what it lets nobody do."""

from __future__ import annotations

import re
import shlex

import pytest
from pydantic import ValidationError

from hive_nornir.errors import UsageError
from hive_nornir.inventory.ca import SiteCA
from hive_nornir.inventory.shared_hosts import SharedHosts
from hive_nornir.operations.core import Change, Observed
from hive_nornir.tasks.servers.zabbix_agent import ZabbixAgentVariables, zabbix_agent
from hive_onhost.__main__ import COMMANDS
from tests.tasks.servers.servers import names, server
from tests.tasks.servers.targets import due, named, settled

HIVE, REPOSITORY = "p-hive0.example.com", "p-hive2.example.com"
KEY = "4C3D6F2CC75F5146754FC374D913219AB5333005"


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("context")
    SiteCA.load_or_create(folder / "ca", "example.com")
    return folder


def operations(context, name=HIVE, *, facts=None, distribution=("debian", "13"), **values):
    groups = ("hives", "servers") if name == HIVE else ("repository", "servers")
    host = server(context, name=name, groups=groups, facts=facts, distribution=distribution)
    return next(zabbix_agent.function(host, ZabbixAgentVariables.model_validate(values)))


def written(found, path):
    """The text of a file that the role writes."""
    [file] = [operation for operation in found if operation.name == f"file {path}"]
    change: Change = due(file, "absent")
    return "\n".join(line[1:] for line in change.diff.splitlines() if line.startswith("+") and not line.startswith("+++"))


@pytest.mark.parametrize(
    ("distribution", "package", "url"),
    [
        (("debian", "12"), "zabbix-agent=1:7.0.*+debian*", "https://repo.zabbix.com/zabbix/7.0/debian\nSuites: bookworm"),
        (("ubuntu", "24.04"), "zabbix-agent=1:7.0.*+ubuntu*", "https://repo.zabbix.com/zabbix/7.0/ubuntu\nSuites: noble"),
        (("almalinux", "9.4"), "zabbix-agent-7.0.*-release*", "https://repo.zabbix.com/zabbix/7.0/rhel/9/$basearch/"),
        (("amzn", "2"), "zabbix-agent-7.0.*-release*", "https://repo.zabbix.com/zabbix/7.0/rhel/7/$basearch/"),
        (("amzn", "2023"), "zabbix-agent-7.0.*-release*", "https://repo.zabbix.com/zabbix/7.0/amazonlinux/2023/$basearch/"),
    ],
)
def test_the_makers_package_is_taken_from_their_repository_by_their_one_key(context, distribution, package, url):
    codename = {"12": "bookworm", "24.04": "noble"}.get(distribution[1], "")
    found = operations(context, distribution=distribution, facts={"codename": codename})
    assert f"packages {package}" in names(found)
    key = named(found, "key ")
    assert KEY in due(key, "").summary
    [source] = [name for name in names(found) if name.endswith(("zabbix.sources", "zabbix.repo"))]
    text = written(found, source.removeprefix("file "))
    assert url in text
    assert key.name.removeprefix("key ") in text
    assert "gpgcheck=1" in text or "Signed-By:" in text
    assert names(found).index(key.name) < names(found).index(source) < names(found).index(f"packages {package}")


def test_a_packages_version_tells_whether_it_is_the_makers(context):
    deb = named(operations(context, distribution=("debian", "13")), "packages zabbix-agent=")
    assert settled(deb, "installed zabbix-agent:amd64 1:7.0.22-1+debian13\n")
    assert due(deb, "installed zabbix-agent:amd64 1:7.0.22+dfsg-1~deb13u1\n")  # Debian's own
    assert due(deb, "installed zabbix-agent:amd64 1:7.2.1-1+debian13\n")
    other = operations(context, distribution=("debian", "13"), hive_zabbix_version=7.2)
    assert "packages zabbix-agent=1:7.2.*+debian*" in names(other)


@pytest.mark.parametrize(("distribution", "line"), [(("debian", "13"), ""), (("debian", "12"), "6.0"), (("ubuntu", "22.04"), "5.0")])
def test_the_distributions_package_is_told_when_it_is_of_another_line_than_the_server(context, distribution, line):
    found = operations(context, distribution=distribution, hive_zabbix_source="distribution")
    assert "packages zabbix-agent" in names(found)
    assert not [name for name in names(found) if name.startswith("key /etc")]
    told = [re.findall(r"agent is (\S+), not 7\.0", each.name) for each in found if each.notice and "agent is" in each.name]
    assert told == [[line]] * bool(line)
    assert "Include=/etc/zabbix/zabbix_agentd.conf.d/*.conf" in written(found, "/etc/zabbix/zabbix_agentd.conf")


@pytest.mark.parametrize("distribution", [("almalinux", "9.4"), ("ubuntu", "24.04")])
def test_a_distribution_without_a_package_says_so(context, distribution):
    with pytest.raises(UsageError, match="no package of Zabbix' agent"):
        operations(context, distribution=distribution, hive_zabbix_source="distribution")


@pytest.mark.parametrize("version", ["7", "7.0.22", "latest"])
def test_a_version_is_a_line(context, version):
    with pytest.raises(ValidationError):
        operations(context, hive_zabbix_version=version)


def settings(found):
    text = written(found, "/etc/zabbix/zabbix_agentd.conf")
    return dict(line.split("=", 1) for line in text.splitlines() if not line.startswith("#"))


def test_a_hives_agent_is_asked_by_the_repository_and_tells_it(context):
    assert settings(operations(context)) == {
        "PidFile": "/run/zabbix/zabbix_agentd.pid",
        "LogFile": "/var/log/zabbix/zabbix_agentd.log",
        "LogFileSize": "0",
        "Hostname": HIVE,
        "Server": f"localhost,{REPOSITORY}",
        "ServerActive": f"{REPOSITORY}:10051",
        "Timeout": "30",
        "Include": "/etc/zabbix/zabbix_agentd.d/*.conf",
    }


@pytest.mark.parametrize(("cidr", "address"), [("172.31.252.0/22", "172.31.255.130"), (None, "172.21.0.2")])
def test_the_repositorys_agent_is_asked_by_the_servers_container(context, cidr, address):
    found = operations(context, REPOSITORY, hive_internal_cidr=cidr)
    known = settings(found)
    assert (known["Server"], known["ServerActive"]) == (f"localhost,{address}", f"{REPOSITORY}:10051")
    rules = due(named(found, "firewall set zabbix_tcp"), "@@has-v6\n").apply.splitlines()
    sources = [line.split()[3] for line in rules if line.startswith("-A HIVE-SERVICE")]
    assert sources == [f"{each}/32" for each in ("10.1.0.4", "10.1.0.5", "10.1.0.6", address)]
    assert all("--dports 10050 " in line for line in rules if line.startswith("-A HIVE-SERVICE"))


def test_with_a_network_of_their_own_the_servers_are_let_in_by_that(context):
    found = operations(context, hive_internal_net_addr="192.168.9.0", hive_internal_net_cidr=24)
    rules = due(named(found, "firewall set zabbix_tcp"), "@@has-v6\n").apply.splitlines()
    assert [line.split()[3] for line in rules if line.startswith("-A HIVE-SERVICE")] == ["172.21.0.2/32", "192.168.9.0/24"]


def shared(tmp_path):
    hosts = SharedHosts(tmp_path / "shared")
    for hive, name, address in (
        ("example.com", "p-hive0.example.com", "10.1.0.4"),
        ("example.com", REPOSITORY, "10.1.0.6"),
        ("other.com", "p-hive0.other.com", "10.9.0.4"),
    ):
        hosts.record(hive, name, address, is_hive=True, write=True)
    return {"hive_shared_repository": {"context_dir": tmp_path / "shared"}, "hive_zabbix_hive_names": ["example.com", "other.com"]}


def test_a_shared_repositorys_agent_serves_several_hives(context, tmp_path):
    found = operations(context, REPOSITORY, hive_internal_cidr="172.31.252.0/22", **shared(tmp_path))
    known = settings(found)
    assert known["Hostname"] == "shared-repository"
    assert (known["Server"], known["ServerActive"]) == ("localhost,172.31.255.130,10.1.0.6", "172.31.255.129:10051")
    text = written(found, "/etc/zabbix/zabbix_agentd.d/docker-service.conf")
    assert "--discover p-hive0.other.com\n" in text
    assert "--discover p-hive0.example.com p-hive1.example.com\n" in text
    script = written(found, "/etc/systemd/system/zabbix-agent-cache-builder.service")
    assert script.count("--dispose 2") == 2
    words = shlex.split(next(line for line in script.splitlines() if line.startswith("ExecStart=")).removeprefix("ExecStart="))
    assert words[:2] == ["/bin/sh", "-c"]
    assert len(words) == 3


def test_a_shared_repositorys_address_is_needed(context, tmp_path):
    with pytest.raises(UsageError, match="is not known"):
        operations(context, REPOSITORY, hive_shared_repository={"context_dir": tmp_path})


# Zabbix: a key is made of these and may have [*]; what follows the comma is the command.
PARAMETER = re.compile(r"UserParameter=([0-9A-Za-z_.-]+)(\[\*\])?,(?:HOME=\S+ )?(\S+)( .*)?")


@pytest.mark.parametrize(
    ("name", "selinux", "kinds"),
    [
        (HIVE, "", {"hive-server", "drbd-resource", "userparameter_systemd_services"}),
        (HIVE, "permissive", {"hive-server", "drbd-resource", "userparameter_systemd_services", "ausearch"}),
        (REPOSITORY, "", {"hive-server", "docker-service", "docker-volume"}),
        (REPOSITORY, "disabled", {"hive-server", "docker-service", "docker-volume"}),
    ],
)
def test_each_server_has_the_user_parameters_of_its_kind_and_no_others(context, name, selinux, kinds):
    found = operations(context, name, facts={"selinux": selinux})
    folder = "/etc/zabbix/zabbix_agentd.d/"
    files = {each.removeprefix(f"file {folder}").removesuffix(".conf") for each in names(found) if each.startswith(f"file {folder}")}
    absent = {each.removeprefix(f"no file {folder}").removesuffix(".conf") for each in names(found) if each.startswith(f"no file {folder}")}
    assert files == kinds
    assert files | absent == {
        "hive-server",
        "drbd-resource",
        "userparameter_systemd_services",
        "ausearch",
        "docker-service",
        "docker-volume",
    }
    assert not files & absent
    triggers = set(names(found[-1].triggered_by))
    assert {f"file {folder}{kind}.conf" for kind in kinds} < triggers
    for kind in kinds:
        for line in written(found, f"{folder}{kind}.conf").splitlines()[1:]:
            parameter = PARAMETER.fullmatch(line)
            assert parameter, line
            assert parameter[3].rpartition("/")[2] in COMMANDS
            assert bool(parameter[2]) == ('"$1"' in line)


def test_only_the_repositorys_agent_has_a_certificate_for_dockers_api(context):
    found = names(operations(context, REPOSITORY))
    assert "certificate /var/lib/zabbix/.docker/cert.pem" in found
    folder = named(operations(context, REPOSITORY), "folder /var/lib/zabbix/.docker")
    assert settled(folder, "directory|750|root|zabbix|0|102|4096")
    other = operations(context, HIVE)
    assert not [name for name in names(other) if name.startswith(("certificate ", "key /var"))]
    # P-7: hive-builder left the server's own key there.
    assert (
        "find /var/lib/zabbix/.docker"
        in due(named(other, "no file /var/lib/zabbix/.docker"), "directory|775|zabbix|zabbix|100|102|4096").apply
    )


def allowed(found):
    text = due(named(found, "file /etc/sudoers.d/zabbix"), "absent").apply
    [line] = [line for line in text.splitlines() if line.startswith("zabbix ")]
    return line


def test_root_lets_the_agent_run_exact_commands_and_no_others(context):
    drbd = "/usr/sbin/drbdadm sh-resources, /usr/sbin/drbdsetup status --json"
    assert allowed(operations(context)) == f"zabbix ALL=(root) NOPASSWD: {drbd}"
    audit = r"/usr/sbin/ausearch --input-logs -m AVC\,USER_AVC\,SELINUX_ERR\,USER_SELINUX_ERR -ts today"
    assert allowed(operations(context, facts={"selinux": "enforcing"})) == f"zabbix ALL=(root) NOPASSWD: {drbd}, {audit}"
    assert allowed(operations(context, REPOSITORY, facts={"selinux": "enforcing"})) == f"zabbix ALL=(root) NOPASSWD: {audit}"
    # Also what hive-builder left: everything.
    assert due(named(operations(context, REPOSITORY), "no file /etc/sudoers.d/zabbix"), "regular file|440|root|root|0|0|40")


def test_selinux_is_told_what_the_probes_need_where_it_is_on(context):
    found = operations(context, distribution=("almalinux", "9.4"), facts={"selinux": "permissive"})
    assert "SELinux boolean zabbix_run_sudo" in names(found)
    policy = named(found, "SELinux policy hive_zabbix")
    assert settled(policy, "hive_zabbix\n")
    assert (
        due(policy, "").apply
        == due(policy, "hive_zabbix\n", triggered=True).apply
        == "semodule -i /etc/hive-nornir/selinux/hive_zabbix.cil"
    )
    assert not [name for name in names(operations(context, distribution=("almalinux", "9.4"))) if "SELinux" in name]


def test_the_agent_reads_the_systems_log_on_the_repository_and_is_restarted_for_it(context):
    found = operations(context, REPOSITORY)
    member = named(found, "zabbix in group adm")
    assert member in found[-1].triggered_by
    assert found[-1].name == "service zabbix-agent.service"
    assert "zabbix in group adm" not in names(operations(context))
    assert "zabbix in group adm" not in names(operations(context, REPOSITORY, distribution=("almalinux", "9.4")))


def test_an_old_configuration_becomes_a_link(context):
    link = named(operations(context), "link /etc/zabbix_agentd.conf")
    assert settled(link, "done\n")
    assert "ln -sfn -- /etc/zabbix/zabbix_agentd.conf /etc/zabbix_agentd.conf" in due(link, "due\n").apply


def test_what_it_needs_of_other_roles_is_looked_at_first(context):
    found = operations(context, REPOSITORY)
    for start, role in (("Docker SDK", "pip-venv"), ("folder for certificates", "tls-certificate"), ("chain HIVE-SERVICE", "iptables")):
        operation = named(found[:3], start)
        with pytest.raises(Exception, match=f"run the role {role} first"):
            operation.decide(Observed(""))
