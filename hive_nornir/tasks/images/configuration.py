"""How the build container is made, and what its configuration becomes in the image (spec images-networks-volumes-services.md 1.1). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hive_nornir.tasks.images.settings import ImageSettings

__all__ = ["committed", "container_of"]

# Waits for ever, and ends at once at the signal with which the engine asks (pitfall 11): a shell that is process 1 ignores it by default.
_WAITING = "trap 'exit 0' HUP INT QUIT TERM USR1 USR2; while :; do sleep 3600 & wait $!; done"
# An image whose entrypoint and command are both empty cannot be told from one that takes the container's.
_WRAPPER = ["/bin/sh", "-c", 'exec "$@"', "sh"]


def container_of(settings: ImageSettings, *, image: str, hostname: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """The build container, as Docker's API calls its parts (`ContainerCreate`). It has no variables of a proxy: roles are given them.

    :param image: the base image's id.
    """
    found: dict[str, Any] = {
        "Image": image,
        "Hostname": hostname,
        "Env": [f"{name}={value}" for name, value in settings.environment.items()],
        "ExposedPorts": {port: {} for port in settings.ports},
        "Labels": dict(labels),
        "HostConfig": {"Privileged": settings.privileged},
    }
    if settings.working_dir:
        found["WorkingDir"] = settings.working_dir
    if settings.user:
        found["User"] = settings.user
    if settings.stop_signal:
        found["StopSignal"] = settings.stop_signal
    if not settings.standalone:
        found |= {"Entrypoint": [], "Cmd": ["/bin/sh", "-c", _WAITING]}
    return found


def committed(settings: ImageSettings, base: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    """What is given to the engine at commit; everything else it takes from the container.

    :param base: the base image's configuration.
    """
    found: dict[str, Any] = {"Labels": dict(labels)}
    if settings.working_dir:
        found["WorkingDir"] = settings.working_dir
    if settings.ports:
        found["ExposedPorts"] = {port: {} for port in settings.ports}
    if settings.standalone:
        return found
    entrypoint = list(settings.entrypoint if settings.entrypoint is not None else base.get("Entrypoint") or [])
    command = list(settings.command if settings.command is not None else base.get("Cmd") or [])
    if not entrypoint and not command:
        entrypoint = list(_WRAPPER)
    return found | {"Entrypoint": entrypoint, "Cmd": command}
