"""The role's steps, and its module on several kernels."""

from __future__ import annotations

import pytest

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Observed
from hive_nornir.tasks.servers.drbd import DrbdVariables, drbd
from hive_nornir.tasks.servers.drbd.module import module
from tests.tasks.servers.servers import ALMA, DEBIAN, names, server

SUM = "b" * 64


def variables(**more) -> DrbdVariables:
    return DrbdVariables(hive_mirrored_disk_size=20, hive_private_ip="10.1.0.4", **more)


KERNEL = "5.14.0-503.el9.x86_64"


def due(tmp_path, said: str, distribution=ALMA, sha256: str = SUM, kernel: str = KERNEL, **facts):
    *_, operation = module(server(tmp_path, distribution=distribution, facts={"kernel": KERNEL, **facts}), "auto", kernel, "", sha256)
    return operation.decide(Observed(said))


def test_a_module_of_version_9_is_enough_and_the_kernels_own_8_4_is_not(tmp_path):
    assert due(tmp_path, "9.2.13\n\n9.2.13\n") is None
    change = due(tmp_path, "8.4.11\n\n\n")
    assert "the kernel's own drbd 8.4.11 is too old" in change.summary
    assert SUM in change.apply
    assert change.apply.endswith("modprobe drbd")


@pytest.mark.parametrize(("loaded", "summary"), [("", "load drbd 9.2.13"), ("8.4.11", "load drbd 9.2.13 instead of 8.4.11")])
def test_the_running_kernel_loads_it(tmp_path, loaded, summary):
    assert due(tmp_path, f"9.2.13\n\n{loaded}\n").summary == summary


def test_another_kernel_loads_it_when_it_runs(tmp_path):
    assert due(tmp_path, "9.2.13\n\n8.4.11\n", kernel="5.14.0-570.el9.x86_64") is None
    change = due(tmp_path, "\n\n8.4.11\n", kernel="5.14.0-570.el9.x86_64")
    assert "there is no drbd for 5.14.0-570.el9.x86_64" in change.summary
    assert "modprobe" not in change.apply


def test_without_a_checksum_the_error_says_what_is_there_and_what_to_do(tmp_path):
    with pytest.raises(OperationFailed, match=r"the kernel's own drbd 8\.4\.11 is too old; .* checksum is not known") as raised:
        due(tmp_path, "8.4.11\n\n\n", distribution=DEBIAN, sha256="")
    assert "hive_drbd_download_sha256" in raised.value.hint


def test_with_secure_boot_an_unsigned_module_stops_before_anything_is_changed(tmp_path):
    for said in ("9.2.13\n\n\n", "8.4.11\n\n\n", "\n\n\n"):
        with pytest.raises(OperationFailed, match="signed"):
            due(tmp_path, said, secure_boot=True)
    assert due(tmp_path, "9.2.13\nSomebody\n9.2.13\n", secure_boot=True) is None


def test_only_container_hosts_get_it(tmp_path):
    [operation] = drbd.function(server(tmp_path, groups=("repository", "servers")), variables())
    assert "skipped" in operation.name


def test_a_container_host_gets_everything(tmp_path):
    found = names(drbd.function(server(tmp_path), variables(hive_drbd_download_sha256=SUM)))
    for start in (
        "module drbd for",
        "file /etc/drbd.d/global_common.conf",
        "volume group drbdvg",
        "firewall set drbd",
        "file /usr/bin/waitdevice",
    ):
        assert any(name.startswith(start) for name in found), start


def test_a_server_without_a_disk_of_its_own_has_no_volume_group(tmp_path):
    for name in ("hive_no_mirrored_device", "hive_no_mirrored_devices"):
        assert not any("volume group" in found for found in names(drbd.function(server(tmp_path), variables(**{name: True}))))


def test_the_next_volume_group_is_chosen_a_disk_for_after_the_first_has_its_own(tmp_path):
    devices = ({"vgname": "one"}, {"vgname": "two"})
    operations = drbd.function(server(tmp_path), variables(hive_mirrored_disk_devices=devices))
    found = {operation.name: operation.disturbs for operation in operations if operation.name.startswith("volume group")}
    assert found == {"volume group one": "its disk is taken", "volume group two": ""}


def test_selinux_gets_a_policy_where_the_distribution_has_one(tmp_path):
    def has(distribution, mode):
        host = server(tmp_path, distribution=distribution, facts={"selinux": mode})
        return any("SELinux policy" in name for name in names(drbd.function(host, variables())))

    assert has(ALMA, "enforcing")
    assert not has(ALMA, "disabled")
    assert not has(DEBIAN, "permissive")


def test_the_site_says_whether_it_applies():
    assert drbd._when(variables())
    assert not drbd._when(DrbdVariables(hive_private_ip="10.1.0.4"))
    assert drbd._when(DrbdVariables(hive_private_ip="10.1.0.4", hive_provider="kickstart"))
    assert not drbd._when(variables(hive_drbd_source="none"))
