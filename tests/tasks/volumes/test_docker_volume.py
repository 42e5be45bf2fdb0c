"""Docker volumes as they are compared and shown."""

from __future__ import annotations

import pytest

from hive_nornir.errors import UsageError
from hive_nornir.tasks.volumes.docker_volume import DockerVolume, only_mounts
from hive_nornir.tasks.volumes.drbd.definition import mounting
from hive_nornir.tasks.volumes.nfs import shared_volume
from tests.tasks.volumes.drbd.volumes import DATA


def test_options_are_text_as_docker_stores_them() -> None:
    definition = {"name": "v", "driver": "flocker", "driver_options": {"size": 20, "ro": True, "flag": None}}
    wanted = DockerVolume("v", "flocker", {"size": "20", "ro": "true", "flag": ""})
    assert DockerVolume.of(definition) == wanted
    assert DockerVolume.found({"Name": "v", "Driver": "flocker", "Options": {"flag": "", "ro": "true", "size": "20"}}) == wanted
    assert DockerVolume.found({"Name": "v", "Driver": "local", "Options": None}) == DockerVolume.of({"name": "v", "driver": "local"})


@pytest.mark.parametrize(
    ("volume", "mounts"),
    [
        (DockerVolume("v"), False),
        (DockerVolume("v", options={"type": "nfs", "o": "addr=10.0.0.9", "device": ":/v"}), True),
        (DockerVolume("v", "plugin", {"device": "x"}), False),
        (mounting(DATA), True),
    ],
)
def test_what_may_hold_data_by_itself(volume: DockerVolume, mounts: bool) -> None:
    assert only_mounts(volume) == mounts


def test_a_password_is_not_shown() -> None:
    shown = DockerVolume("v", options={"type": "cifs", "o": "addr=nas,username=u,password=s3cret,vers=3.0"}).lines()
    assert "o addr=nas,username=u,password=********,vers=3.0" in shown
    assert "s3cret" not in str(shown)


def test_a_replicated_volume_mounts_its_device() -> None:
    assert mounting(DATA) == DockerVolume("data", options={"type": "ext4", "device": "/dev/drbd1"})


def test_the_file_service_is_the_infrastructures() -> None:
    volume = shared_volume("pages", {"hive_provider": "sandbox"})
    assert volume.options == {"type": "none", "o": "bind", "device": "/mnt/hive_files/pages"}
    with pytest.raises(UsageError, match=r"no file service of provider prepared.*driver: local"):
        shared_volume("pages", {"hive_provider": "prepared"})
