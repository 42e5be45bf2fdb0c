"""BASE-6, BASE-7, BASE-17: the kernel's packages and the cgroup mount, where the server has a kernel of its own."""

from __future__ import annotations

import pytest

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Observed
from hive_nornir.tasks.servers.base.kernel import cgroup, kernel, kernel_pending
from hive_nornir.tasks.servers.base.variables import BaseVariables
from tests.tasks.servers.servers import ALMA, UBUNTU, names, server
from tests.tasks.servers.targets import due, named, settled

PLAIN = BaseVariables(hive_private_ip="10.1.0.4")
CHOSEN = BaseVariables(hive_private_ip="10.1.0.4", hive_kernel_version="5.14.0-503.el9.x86_64")


def test_a_container_host_gets_all_modules_of_the_running_kernel(tmp_path):
    host = server(tmp_path, distribution=UBUNTU, facts={"kernel": "6.8.0-45-generic"})
    assert names(kernel(host, PLAIN))[0] == "packages linux-image-6.8.0-45-generic, linux-modules-extra-6.8.0-45-generic"


def test_or_of_the_chosen_one_despite_the_exclusion(tmp_path):
    operation, held, _ = kernel(server(tmp_path, distribution=ALMA), CHOSEN)
    change = due(operation, "")
    assert "--disableexcludes=main" in change.apply
    assert "kernel-modules-extra-5.14.0-503.el9.x86_64" in change.apply
    assert held.name == "held packages kernel*"


def test_a_chosen_kernel_that_does_not_run_asks_for_a_restart_where_it_can_run(tmp_path):
    assert "5.14.0-503.el9.x86_64" in kernel_pending(server(tmp_path), CHOSEN)
    assert kernel_pending(server(tmp_path), PLAIN) == ""
    assert kernel_pending(server(tmp_path, facts={"virtualization": "docker"}), CHOSEN) == ""
    assert kernel_pending(server(tmp_path, groups=("repository", "servers")), CHOSEN) == ""


OTHER = "5.14.0-570.el9.x86_64"


def next_start(tmp_path):
    return named(kernel(server(tmp_path, distribution=ALMA), CHOSEN), "kernel of the next start")


def test_the_chosen_kernel_is_the_one_that_the_next_start_brings(tmp_path):
    operation, chosen = next_start(tmp_path), CHOSEN.hive_kernel_version
    assert settled(operation, f"{OTHER}\ncomplete\ngrubby\n{chosen}")
    change = due(operation, f"{OTHER}\ncomplete\ngrubby\n{OTHER}")
    assert change.apply == f"grubby --set-default=/boot/vmlinuz-{chosen}"
    assert settled(operation, f"{OTHER}\ncomplete\n\n{chosen}")
    assert settled(operation, f"{chosen}\ncomplete\n\n{OTHER}")  # somebody has set up the boot loader


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (f"{OTHER}\ncomplete\n\n{OTHER}", f"the next start brings the kernel {OTHER}"),
        (f"{OTHER}\n\ngrubby\n{CHOSEN.hive_kernel_version}", "has no module xt_addrtype"),
    ],
)
def test_nobody_restarts_for_a_kernel_that_would_not_come_or_would_not_do(tmp_path, said, why):
    with pytest.raises(OperationFailed, match=why):
        next_start(tmp_path).decide(Observed(said))


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
