"""BASE-2: /var grows into what is free, and nothing else is touched."""

from __future__ import annotations

import pytest

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Observed
from hive_nornir.tasks.servers.base.disk import decide_growth, grow_var
from hive_nornir.tasks.servers.base.variables import BaseVariables
from tests.tasks.servers.servers import ALMA, RHEL, server

# A disk of 128 GiB with Azure's layout for 64 GiB; numbers are sectors.
DISK = (
    "pv /dev/sda4\ndisk sda {disk}\npartition sda1 1 2048 1024000 \npartition sda2 2 1026048 1024000 \n"
    "partition sda4 4 {start} {size} \npartition sda15 15 {fifteenth} 1013760 \nfree {free}\n"
)


def seen(disk=268435456, start=4000000, size=130215936, fifteenth=2050048, free=0):
    return Observed(DISK.format(disk=disk, start=start, size=size, fifteenth=fifteenth, free=free))


def test_partition_volume_and_file_system_grow():
    change = decide_growth(seen())
    assert change is not None
    assert change.apply.splitlines()[:4] == [
        "echo ', +' | sfdisk --no-reread --force -N 4 /dev/sda",
        "partx -u --nr 4 /dev/sda",
        "pvresize /dev/sda4",
        "lvextend -r -l +100%FREE /dev/rootvg/varlv",
    ]
    assert "/dev/sda4 + 65" in change.summary


def test_a_full_disk_is_left_alone():
    assert decide_growth(seen(disk=4000000 + 130215936 + 4096)) is None


def test_free_extents_are_used_without_touching_the_partition():
    change = decide_growth(seen(disk=4000000 + 130215936, free=512))
    assert change is not None
    assert "sfdisk" not in change.apply


def test_a_partition_with_another_one_behind_it_is_not_grown():
    assert decide_growth(seen(fifteenth=200000000)) is None


@pytest.mark.parametrize("text", ["", "pv \ndisk  \nfree \n", "pv /dev/sdb\ndisk sdb 100\nfree 0\n"])
def test_an_unknown_layout_is_refused(text):
    with pytest.raises(OperationFailed, match="cannot be grown"):
        decide_growth(Observed(text))


def test_it_is_for_rhel_on_azure_with_a_disk_size(tmp_path):
    v = BaseVariables(hive_private_ip="10.1.0.4", hive_provider="azure", hive_disk_size=128)
    assert len(grow_var(server(tmp_path, distribution=RHEL), v)) == 1
    assert grow_var(server(tmp_path, distribution=ALMA), v) == []
    assert grow_var(server(tmp_path, distribution=RHEL), BaseVariables(hive_private_ip="10.1.0.4", hive_disk_size=128)) == []
