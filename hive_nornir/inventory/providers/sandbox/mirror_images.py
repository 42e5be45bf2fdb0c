"""Stand-ins for Docker Hub's images, made of Debian packages (data/sandbox/mirror): built once, kept as images of the engine."""

from __future__ import annotations

import functools
import hashlib
import io
import tarfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_nornir.errors import ProviderError
from hive_nornir.inventory.providers.sandbox import image
from hive_nornir.inventory.providers.sandbox.engine import Progress

if TYPE_CHECKING:
    import docker

__all__ = ["HubImage", "build", "hub_images"]

REPOSITORY = "hive-nornir/mirror"
_FOLDER = image.DATA_FILES / "mirror"


@dataclass(frozen=True)
class HubImage:
    """A stand-in.

    :param folder: with its Dockerfile; its name is the stand-in's.
    :param names: on Docker Hub, `library/mariadb:11.8`.
    """

    folder: Path
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        """What we call it, `mariadb`."""
        return self.folder.name


@functools.cache
def _described() -> dict[str, Any]:
    import yaml

    found: dict[str, Any] = yaml.safe_load((_FOLDER / "images.yaml").read_text())
    return found


def hub_images() -> list[HubImage]:
    """All stand-ins that there are."""
    return [HubImage(_FOLDER / folder, tuple(names)) for folder, names in _described()["images"].items()]


def build(client: docker.DockerClient, progress: Progress) -> dict[str, str]:
    """The stand-ins' tags in the engine; builds those that it does not have as they are described now.

    :returns: our name -> tag, `hive-nornir/mirror:mariadb-0123456789ab`.
    :raises ProviderError: one cannot be built; with the last words of its builder.
    """
    root = image.ensure(client, image.Recipe.of("mirror", _described()["root"], command=""), progress)
    return {each.name: _ensure(client, each, root, progress) for each in hub_images()}


def _ensure(client: docker.DockerClient, wanted: HubImage, root: str, progress: Progress) -> str:
    context = _context(wanted.folder)
    tag = f"{REPOSITORY}:{wanted.name}-{hashlib.sha256(root.encode() + context).hexdigest()[:12]}"
    if not client.images.list(name=tag):
        import docker

        progress("mirror", f"building {wanted.names[0]}")
        try:
            client.images.build(
                fileobj=io.BytesIO(context),
                custom_context=True,
                buildargs={"ROOT": root},
                tag=tag,
                network_mode="none",
                rm=True,
                forcerm=True,
            )
        except docker.errors.BuildError as error:
            said = [line for step in error.build_log if (line := step.get("stream", "").strip())]
            raise ProviderError(f"cannot build {wanted.names[0]} for the mirror: {error.msg}: {' / '.join(said[-3:])}") from error
        _forget_older(client, wanted.name, tag)
    return tag


def _context(folder: Path) -> bytes:
    """The folder as the engine's builder takes it: the same bytes for the same files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for file in sorted(folder.iterdir()):
            entry = tarfile.TarInfo(file.name)
            data = file.read_bytes()
            entry.size = len(data)
            # An installed package may have lost its files' modes.
            entry.mode = 0o755 if file.name == "entrypoint" else 0o644
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def _forget_older(client: docker.DockerClient, name: str, tag: str) -> None:
    """Remove what earlier versions have left; the engine keeps an image that a container still uses."""
    import docker

    for older in (each for found in client.images.list(name=REPOSITORY) for each in found.tags):
        if older.startswith(f"{REPOSITORY}:{name}-") and older != tag:
            with suppress(docker.errors.APIError):
                client.images.remove(older)
