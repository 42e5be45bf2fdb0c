"""What the image becomes of the build container's configuration (spec images-networks-volumes-services.md 1.1)."""

from __future__ import annotations

from typing import Any

import pytest

from hive_nornir.errors import UsageError
from hive_nornir.tasks.images.configuration import committed, container_of
from hive_nornir.tasks.images.settings import ImageSettings

LABELS = {"hive-nornir.base": "sha256:1"}
BASE = {"Entrypoint": ["/entry"], "Cmd": ["serve"], "Env": ["PATH=/bin"]}


def settings(**attributes: Any) -> ImageSettings:
    return ImageSettings.of("image_web", {"hive_from": "debian", **{f"hive_{name}": value for name, value in attributes.items()}})


@pytest.mark.parametrize(
    ("attributes", "base", "entrypoint", "command"),
    [
        ({}, BASE, ["/entry"], ["serve"]),
        ({"command": ["other"]}, BASE, ["/entry"], ["other"]),
        ({"entrypoint": "/own 'with words'"}, BASE, ["/own", "with words"], ["serve"]),
        ({}, {"Entrypoint": None, "Cmd": ["bash"]}, [], ["bash"]),
        ({}, {"Entrypoint": None, "Cmd": None}, ["/bin/sh", "-c", 'exec "$@"', "sh"], []),
        ({"command": "run it"}, {}, [], ["run", "it"]),
    ],
)
def test_entrypoint_and_command_are_the_definitions_or_the_bases(
    attributes: dict[str, Any], base: dict[str, Any], entrypoint: list[str], command: list[str]
) -> None:
    found = committed(settings(**attributes), base, LABELS)
    assert (found["Entrypoint"], found["Cmd"]) == (entrypoint, command)


def test_only_what_is_set_replaces_the_working_directory_and_ports() -> None:
    assert committed(settings(), BASE, LABELS).keys() == {"Labels", "Entrypoint", "Cmd"}
    found = committed(settings(working_dir="/srv", expose=[80, "53/udp", "8000-8001"]), BASE, LABELS)
    assert found["WorkingDir"] == "/srv"
    assert list(found["ExposedPorts"]) == ["80/tcp", "53/udp", "8000/tcp", "8001/tcp"]


def test_a_standalone_image_keeps_its_init() -> None:
    own = settings(standalone=True, privileged=True, entrypoint="/never", working_dir="/srv")
    assert committed(own, BASE, LABELS) == {"Labels": LABELS, "WorkingDir": "/srv"}
    made = container_of(own, image="sha256:2", hostname="image_web", labels=LABELS)
    assert "Cmd" not in made
    assert made["HostConfig"]["Privileged"] is True


def test_the_build_container_waits_and_ends_when_it_is_asked_to() -> None:
    made = container_of(settings(env={"A": "it's", "ON": True}, user=33, stop_signal="SIGQUIT"), image="i", hostname="h", labels=LABELS)
    assert made["Entrypoint"] == []
    assert "trap 'exit 0'" in made["Cmd"][2]
    assert (made["User"], made["StopSignal"], made["Env"]) == ("33", "SIGQUIT", ["A=it's", "ON=true"])


@pytest.mark.parametrize("port", ["0", "70000", "80-79", "http", "80/icmp"])
def test_what_is_no_port_is_told(port: str) -> None:
    with pytest.raises(UsageError, match="is no port"):
        settings(expose=[port])
