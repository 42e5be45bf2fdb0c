"""The container in which an image is built (spec images-networks-volumes-services.md 1.1, 1.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import docker

from hive_nornir.errors import OperationFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BuildContainer"]

_STOP_SECONDS = 60


class BuildContainer:
    """A container of an engine, by its name.

    :param client: of the engine.
    :param name: `build_image_web`.
    """

    def __init__(self, client: docker.DockerClient, name: str) -> None:
        self._api: Any = client.api
        self.name = name

    def found(self) -> Mapping[str, Any] | None:
        """It as it is, None if it is not there."""
        try:
            return cast("Mapping[str, Any]", self._api.inspect_container(self.name))
        except docker.errors.NotFound:
            return None

    def made(self, configuration: Mapping[str, Any], *, fresh: bool) -> tuple[str, bool]:
        """It exists and runs.

        :param configuration: `ContainerCreate` of Docker's API.
        :param fresh: one that is there is thrown away; else it is gone on with if it has the same labels.
        :returns: its id, and whether it was there.
        :raises OperationFailed: it does not start.
        """
        there = self.found()
        if there is not None and (fresh or not _same(there, configuration)):
            self.remove()
            there = None
        if there is None:
            there = self._api.create_container_from_config(dict(configuration), self.name)
            known = False
        else:
            known = True
        try:
            self._api.start(there["Id"])  # nothing happens to one that runs
        except docker.errors.APIError as error:
            said = " ".join(str(error.explanation or error).split())
            if "/bin/sh" in said:
                raise OperationFailed(f"the base image has no /bin/sh, so no role can work in it: {said}", "take another one") from error
            raise OperationFailed(f"{self.name} does not start: {said}") from error
        return str(there["Id"]), known

    def stop(self, *, standalone: bool) -> None:
        """End its processes: of an init system in an orderly way."""
        if standalone:
            self._api.stop(self.name, timeout=_STOP_SECONDS)
        elif (there := self.found()) is not None and there["State"]["Running"]:
            self._api.kill(self.name)
            self._api.wait(self.name, timeout=_STOP_SECONDS)

    def commit(self, repository: str, tags: Sequence[str], configuration: Mapping[str, Any]) -> None:
        """Make it an image.

        :param tags: the image's names.
        :param configuration: what differs from the container's own.
        """
        image = self._api.commit(self.name, conf=dict(configuration))["Id"]
        for tag in tags:
            self._api.tag(image, repository, tag)

    def remove(self) -> None:
        """Throw it away, with its volumes that have no name."""
        try:
            self._api.remove_container(self.name, v=True, force=True)
        except docker.errors.NotFound:
            return


def _same(there: Mapping[str, Any], configuration: Mapping[str, Any]) -> bool:
    """Whether it was made of the same inputs: its labels are their checksums."""
    labels = there["Config"].get("Labels") or {}
    return all(labels.get(name) == value for name, value in configuration["Labels"].items())
