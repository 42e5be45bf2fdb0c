"""Images and registries through a server's engine: digests, pulling, pushing; logins go with each request and are stored nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

import docker

from hive_nornir.errors import OperationFailed
from hive_nornir.tasks.services.logins import Login, login_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Registry", "digest_of"]


class Registry:
    """What a server's engine has and gets of images.

    :param client: of the engine.
    :param logins: registry -> login.
    """

    def __init__(self, client: docker.DockerClient, logins: Mapping[str, Login]) -> None:
        self._api: Any = client.api
        self._logins = logins

    def published(self, reference: str) -> str:
        """The digest that the image's registry has now, "" if it has none of this name.

        :raises docker.errors.APIError: it does not tell.
        """
        try:
            told = self._api.inspect_distribution(reference, auth_config=login_of(reference, self._logins))
        except docker.errors.NotFound:
            return ""
        return str(told["Descriptor"]["digest"])

    def local(self, reference: str) -> Mapping[str, Any] | None:
        """The image as the engine has it, None if it does not."""
        try:
            found: Mapping[str, Any] = self._api.inspect_image(reference)
        except docker.errors.ImageNotFound:
            return None
        return found

    def pull(self, reference: str) -> Mapping[str, Any]:
        """Have the engine get an image.

        :raises OperationFailed: it cannot.
        """
        repository, tag = _parts(reference)
        try:
            lines = self._api.pull(repository, tag=tag, stream=True, decode=True, auth_config=login_of(reference, self._logins))
            _read(f"cannot pull {reference}", lines)
        except docker.errors.APIError as error:
            raise OperationFailed(
                f"cannot pull {reference}: {_words(error)}", "is its name right, is its login in hive_ext_repositories?"
            ) from error
        return cast("Mapping[str, Any]", self._api.inspect_image(reference))

    def push(self, reference: str) -> str:
        """Give an image to its registry.

        :returns: its digest there.
        :raises OperationFailed: the registry does not take it.
        """
        repository, tag = _parts(reference)
        lines = self._api.push(repository, tag=tag, stream=True, decode=True, auth_config=login_of(reference, self._logins))
        digest = ""

        def read(line: Mapping[str, Any]) -> None:
            nonlocal digest
            digest = str((line.get("aux") or {}).get("Digest") or digest)

        _read(f"cannot push {reference}", lines, read)
        return digest


def digest_of(image: Mapping[str, Any] | None, reference: str) -> str:
    """The digest under which an engine knows an image in the repository of a reference, "" if it was never there."""
    if image is None:
        return ""
    repository = _parts(reference)[0]
    known = [str(each).partition("@") for each in image.get("RepoDigests") or []]
    return next((digest for name, _, digest in known if name == repository), "")


def _parts(reference: str) -> tuple[str, str]:
    """Repository, and tag or digest."""
    if "@" in reference:
        repository, _, digest = reference.partition("@")
        if ":" in repository.rpartition("/")[2]:
            repository = repository.rpartition(":")[0]
        return repository, digest
    before, colon, tag = reference.rpartition(":")
    return (before, tag) if colon and "/" not in tag else (reference, "latest")


def _read(doing: str, lines: Iterable[Mapping[str, Any]], each: Callable[[Mapping[str, Any]], None] = lambda _line: None) -> None:
    for line in lines:
        if "error" in line:
            raise OperationFailed(f"{doing}: {line['error']}")
        each(line)


def _words(error: docker.errors.APIError) -> str:
    return " ".join(str(error.explanation or error).split())
