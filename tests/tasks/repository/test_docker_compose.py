"""The role docker-compose: its package by distribution, the release where there is none, version 1 gone."""

import pytest
from pydantic import ValidationError

from hive_nornir.errors import OperationFailed, UsageError
from hive_nornir.operations.core import Observed
from hive_nornir.tasks.repository.docker_compose import DockerComposeVariables, docker_compose
from tests.tasks.servers.servers import names, server
from tests.tasks.servers.targets import due, named, settled

PINNED = "dba9d98e1ba5bfe11d88c99b9bd32fc4a0624a30fafe68eea34d61a3e42fd372"


def operations(context, distribution=("debian", "13"), architecture="x86_64", **values):
    host = server(context, distribution=distribution, facts={"architecture": architecture})
    return docker_compose.function(host, DockerComposeVariables.model_validate({"hive_home_dir": "/home/admin", **values}))


@pytest.mark.parametrize(
    ("distribution", "source", "package"),
    [
        (("debian", "12"), "auto", "packages docker-compose-plugin"),
        (("debian", "13"), "auto", "packages docker-compose-plugin"),
        (("debian", "13"), "distribution", "packages docker-compose"),
        (("ubuntu", "24.04"), "distribution", "packages docker-compose-v2"),
        (("almalinux", "9.4"), "auto", "packages docker-compose-plugin"),
        (("amzn", "2023"), "auto", "program /usr/libexec/docker/cli-plugins/docker-compose"),
        (("amzn", "2"), "distribution", "program /usr/libexec/docker/cli-plugins/docker-compose"),
        (("debian", "12"), "distribution", "program /usr/libexec/docker/cli-plugins/docker-compose"),
    ],
)
def test_compose_comes_from_where_the_engine_comes(tmp_path, distribution, source, package):
    assert package in names(operations(tmp_path, distribution, hive_docker_source=source))


def test_a_version_of_the_package_can_be_asked_for(tmp_path):
    assert "packages docker-compose-plugin=2.40.*" in names(operations(tmp_path, hive_compose_version="2.40.*"))
    found = names(operations(tmp_path, ("almalinux", "9.4"), hive_compose_version="2.40.3"))
    assert "packages docker-compose-plugin-2.40.3" in found


def test_the_release_is_fetched_when_it_is_not_the_one_whose_checksum_is_known(tmp_path):
    program = named(operations(tmp_path, ("amzn", "2023")), "program ")
    assert settled(program, f"{PINNED}  /usr/libexec/docker/cli-plugins/docker-compose\n")
    change = due(program, "0000  /usr/libexec/docker/cli-plugins/docker-compose\n")
    assert "/v2.40.3/docker-compose-linux-x86_64" in change.apply
    assert PINNED in change.apply


def test_another_release_needs_its_checksum(tmp_path):
    with pytest.raises(UsageError, match="set hive_compose_version and hive_compose_sha256"):
        operations(tmp_path, ("amzn", "2023"), hive_compose_version="5.4.0")
    program = named(operations(tmp_path, ("amzn", "2023"), hive_compose_version="5.4.0", hive_compose_sha256="f" * 64), "program ")
    assert "/v5.4.0/" in due(program, "").apply
    with pytest.raises(UsageError, match="for riscv64 no checksum"):
        operations(tmp_path, ("amzn", "2023"), architecture="riscv64")
    with pytest.raises(ValidationError, match="hive_compose_sha256 needs hive_compose_version"):
        operations(tmp_path, hive_compose_sha256="f" * 64)


def test_version_1_goes_wherever_pip_has_put_it(tmp_path):
    gone = named(operations(tmp_path), "no Compose version 1")
    assert settled(gone, "")
    change = due(gone, "/home/admin/docker/lib/python3.9/site-packages/docker_compose-1.29.2.dist-info\n")
    assert "hv_p=/home/admin/docker/bin/python;" in change.apply
    assert "no packages docker-compose" not in names(operations(tmp_path, ("debian", "13")))
    assert "no packages docker-compose" in names(operations(tmp_path, ("debian", "12")))


@pytest.mark.parametrize(
    ("said", "well"), [("2.26.1-4\n", True), ("v2.40.3\n", True), ("5.4.0\n", True), ("1.29.2\n", False), ("unknown\n", False)]
)
def test_the_administrators_command_is_tried(tmp_path, said, well):
    works = named(operations(tmp_path), "Compose works for admin")
    if well:
        assert settled(works, said)
    else:
        with pytest.raises(OperationFailed, match="version 2 is wanted"):
            works.decide(Observed(said))
