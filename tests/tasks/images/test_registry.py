"""Images and their names, with an engine that only remembers what it was asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import docker
import pytest

from hive_nornir.errors import OperationFailed
from hive_nornir.tasks.images.registry import Registry, digest_of

LOGINS = {"r:5000": {"username": "hive", "password": "pw", "serveraddress": "r:5000"}}


class Engine:
    """Docker's API, of which the lines of pulls and pushes are given."""

    def __init__(self, *lines: dict[str, Any]) -> None:
        self.lines = lines
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.api = self

    def pull(self, repository: str, *, tag: str, auth_config: dict[str, str], **_: object) -> Iterator[dict[str, Any]]:
        self.asked.append((repository, tag, auth_config))
        return iter(self.lines)

    push = pull

    def inspect_image(self, reference: str) -> dict[str, str]:
        return {"Id": reference}


def registry(engine: Engine) -> Registry:
    return Registry(cast("docker.DockerClient", engine), LOGINS)


@pytest.mark.parametrize(
    ("reference", "repository", "tag", "user"),
    [
        ("r:5000/image_web:latest", "r:5000/image_web", "latest", "hive"),
        ("r:5000/image_web", "r:5000/image_web", "latest", "hive"),
        ("debian:12", "debian", "12", ""),
        ("debian:12@sha256:ab", "debian", "sha256:ab", ""),
    ],
)
def test_an_image_is_asked_for_by_its_parts_with_the_login_of_its_registry(reference: str, repository: str, tag: str, user: str) -> None:
    engine = Engine()
    registry(engine).pull(reference)
    [(asked, asked_tag, login)] = engine.asked
    assert (asked, asked_tag, login.get("username", "")) == (repository, tag, user)


def test_a_push_tells_the_digest_and_a_refusal_is_an_error() -> None:
    assert registry(Engine({"status": "x"}, {"aux": {"Digest": "sha256:ab"}})).push("r:5000/a:1") == "sha256:ab"
    with pytest.raises(OperationFailed, match="cannot push r:5000/a:1: denied"):
        registry(Engine({"error": "denied"})).push("r:5000/a:1")


def test_the_digest_is_that_of_the_same_repository() -> None:
    image = {"RepoDigests": ["debian@sha256:1", "r:5000/debian@sha256:2"]}
    assert digest_of(image, "r:5000/debian:12") == "sha256:2"
    assert digest_of(image, "alpine:3") == ""
    assert digest_of(None, "debian:12") == ""
