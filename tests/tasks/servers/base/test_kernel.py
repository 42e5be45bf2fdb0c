"""BASE-6, BASE-7, BASE-17: the kernel's packages and the cgroup mount, where the server has a kernel of its own."""

from __future__ import annotations

from hive_nornir.tasks.servers.base.kernel import cgroup, kernel, kernel_pending
from hive_nornir.tasks.servers.base.variables import BaseVariables
from tests.tasks.servers.servers import ALMA, UBUNTU, names, server
from tests.tasks.servers.targets import due, named

PLAIN = BaseVariables(hive_private_ip="10.1.0.4")
CHOSEN = BaseVariables(hive_private_ip="10.1.0.4", hive_kernel_version="5.14.0-503.el9.x86_64")


def test_a_container_host_gets_all_modules_of_the_running_kernel(tmp_path):
    host = server(tmp_path, distribution=UBUNTU, facts={"kernel": "6.8.0-45-generic"})
    assert names(kernel(host, PLAIN))[0] == "packages linux-image-6.8.0-45-generic, linux-modules-extra-6.8.0-45-generic"


def test_or_of_the_chosen_one_despite_the_exclusion(tmp_path):
    operation, held = kernel(server(tmp_path, distribution=ALMA), CHOSEN)
    change = due(operation, "")
    assert "--disableexcludes=main" in change.apply
    assert "kernel-modules-extra-5.14.0-503.el9.x86_64" in change.apply
    assert held.name == "held packages kernel*"


def test_a_chosen_kernel_that_does_not_run_asks_for_a_restart():
    assert "5.14.0-503.el9.x86_64" in kernel_pending(CHOSEN)
    assert kernel_pending(PLAIN) == ""


def test_the_repository_only_holds_its_kernel(tmp_path):
    assert names(kernel(server(tmp_path, groups=("repository", "servers")), PLAIN)) == ["held packages linux-image-*, linux-headers-*"]


def test_a_container_says_that_it_has_no_kernel_of_its_own(tmp_path):
    operations = [*kernel(server(tmp_path, facts={"virtualization": "docker"}), PLAIN)]
    operations += cgroup(server(tmp_path, facts={"virtualization": "docker"}))
    told = [name for name in names(operations) if "skipped" in name]
    assert told == [
        "kernel packages: skipped, a container has no kernel of its own",
        "cgroup2 without nsdelegate: skipped, the mount belongs to the machine that the container runs on",
    ]


def test_a_unit_takes_nsdelegate_off_before_docker_starts(tmp_path):
    operations = cgroup(server(tmp_path))
    unit = due(named(operations, "file /etc/systemd/system/hive-cgroup.service"), "absent").apply
    assert "Before=docker.service" in unit
    assert "WantedBy=sysinit.target" in unit
    assert operations[-1].name == "service hive-cgroup.service"


def test_there_is_nothing_to_take_off_in_version_1_nor_on_the_repository(tmp_path):
    assert cgroup(server(tmp_path, facts={"cgroup": "v1"})) == []
    assert cgroup(server(tmp_path, groups=("repository", "servers"))) == []
