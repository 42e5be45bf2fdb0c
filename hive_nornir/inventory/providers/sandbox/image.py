"""The root filesystem of a server, made of Debian packages once and kept as an image of the engine."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_nornir.errors import ProviderError, nearest
from hive_nornir.inventory.providers.sandbox import machine
from hive_nornir.inventory.providers.sandbox.engine import DATA, Progress, apt_install

if TYPE_CHECKING:
    import docker

__all__ = ["DATA_FILES", "DEFAULT", "REPOSITORY", "Recipe", "ensure", "names", "recipe"]

DEFAULT = "debian-12"
REPOSITORY = "hive-nornir/sandbox"
DATA_FILES = Path(__file__).parents[3] / "data" / "sandbox"
HOST_INIT = "/usr/lib/hive-sandbox/host-init"
_DEADLINE = 600.0


@dataclass(frozen=True)
class Recipe:
    """What a server's root filesystem is made of (data/sandbox/images.yaml).

    :param suite: Debian release, `bookworm`.
    :param packages: Debian packages, beside minbase.
    :param folders: laid over the root filesystem in this order; each has `files/`, and a program
        `customize` that runs inside.
    :param command: what a container of it runs, "" for nothing of its own.
    """

    name: str
    suite: str
    packages: tuple[str, ...]
    folders: tuple[Path, ...]
    command: str = HOST_INIT

    @classmethod
    def of(cls, name: str, entry: dict[str, Any], command: str = HOST_INIT) -> Recipe:
        """From its entry in a YAML file."""
        return cls(name, entry["suite"], tuple(entry["packages"]), tuple(DATA_FILES / folder for folder in entry["folders"]), command)


def _recipes() -> dict[str, dict[str, Any]]:
    import yaml

    loaded: dict[str, dict[str, Any]] = yaml.safe_load((DATA_FILES / "images.yaml").read_text())
    return loaded


def names() -> list[str]:
    """The images that `hive_vm_image_name` can name."""
    return sorted(_recipes())


def recipe(name: str) -> Recipe:
    """The recipe of an image.

    :raises ProviderError: nobody knows it; names the nearest.
    """
    known = _recipes()
    if name not in known:
        raise ProviderError(f"the sandbox has no image {name!r}", nearest(name, known))
    return Recipe.of(name, known[name])


def ensure(client: docker.DockerClient, wanted: Recipe, progress: Progress) -> str:
    """The tag of an image; builds it when the engine does not have exactly this one: its name carries a hash of all that it is made of.

    :returns: tag for the engine, `hive-nornir/sandbox:debian-12-0123456789ab`.
    :raises ProviderError: no Debian archive, or mmdebstrap failed; with its last words.
    """
    from filelock import FileLock

    archives = machine.debian_archives(lambda: apt_install([], progress, _DEADLINE))
    sources = machine.sources_list(archives, wanted.suite)
    with tempfile.TemporaryDirectory(prefix="hive-sandbox-") as folder:
        overlay = Path(folder)
        overlay.chmod(0o755)
        _lay_out(wanted, overlay)
        tag = f"{REPOSITORY}:{wanted.name}-{_digest(wanted, sources, overlay)}"
        if not _has(client, tag):
            DATA.mkdir(mode=0o711, parents=True, exist_ok=True)
            with FileLock(DATA / f"image-{wanted.name}.lock", timeout=_DEADLINE):
                if not _has(client, tag):
                    _build(client, wanted, sources, overlay, tag, progress)
    return tag


def _has(client: docker.DockerClient, tag: str) -> bool:
    return bool(client.images.list(name=tag))


def _lay_out(wanted: Recipe, overlay: Path) -> None:
    """Collect the files that are laid over the root filesystem: the recipe's own, and what the machine gives."""
    for number, folder in enumerate(wanted.folders):
        shutil.copytree(folder / "files", overlay, dirs_exist_ok=True)
        work = overlay / ".customize" / f"{number}-{folder.name}"
        shutil.copytree(folder, work, ignore=lambda path, _names, top=str(folder): ["files"] if path == top else [])
    authorities = {f"usr/local/share/ca-certificates/machine-{n}.crt": pem for n, pem in enumerate(machine.extra_authorities())}
    given = {**authorities, "etc/pip.conf": machine.pip_settings()}
    for path, text in given.items():
        (overlay / path).parent.mkdir(parents=True, exist_ok=True)
        (overlay / path).write_text(text)
    # An installed package may have lost its files' modes, and what is laid over the root filesystem brings its own.
    for entry in overlay.rglob("*"):
        entry.chmod(0o755 if entry.is_dir() or entry.name == "customize" else 0o644)


def _digest(wanted: Recipe, sources: list[str], overlay: Path) -> str:
    digest = hashlib.sha256(json.dumps([wanted.suite, wanted.packages, sources, machine.apt_settings()]).encode())
    for file in sorted(path for path in overlay.rglob("*") if path.is_file()):
        digest.update(f"\0{file.relative_to(overlay)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def _build(client: docker.DockerClient, wanted: Recipe, sources: list[str], overlay: Path, tag: str, progress: Progress) -> None:
    if shutil.which("mmdebstrap") is None:
        apt_install(["mmdebstrap"], progress, _DEADLINE)
    progress(wanted.name, "building the root filesystem (once, about a minute)")
    with tempfile.TemporaryFile() as log:
        command = _command(wanted, sources, overlay)
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)  # noqa: S603 - a list, no shell
        try:
            image = _import(client, process, wanted)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
        log.seek(0)
        words = [line for line in log.read().decode(errors="replace").splitlines() if line.strip()]
    if process.returncode or image is None:
        if image is not None:
            client.images.remove(image)
        raise ProviderError(
            f"cannot build the image {wanted.name}: {' / '.join(words[-4:])}", "the machine's apt sources must be reachable"
        )
    client.api.tag(image, REPOSITORY, tag.rpartition(":")[2])
    _forget_older(client, wanted.name, tag)
    progress(wanted.name, "root filesystem built")


def _command(wanted: Recipe, sources: list[str], overlay: Path) -> list[str]:
    return [
        "timeout",
        str(int(_DEADLINE)),
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        f"--include={','.join(wanted.packages)}",
        *(f"--aptopt={line}" for line in machine.apt_settings().splitlines()),
        f"--customize-hook=sync-in {overlay} /",
        '--customize-hook=for d in "$1"/.customize/*; do chroot "$1" "/.customize/${d##*/}/customize" || exit; done; rm -r "$1/.customize"',
        wanted.suite,
        "-",
        *sources,
    ]


def _forget_older(client: docker.DockerClient, name: str, tag: str) -> None:
    """Remove what earlier versions of the recipe have left; the engine keeps an image that a server still uses."""
    import docker

    tags = [each for image in client.images.list(name=REPOSITORY) for each in image.tags]
    for older in tags:
        if older.startswith(f"{REPOSITORY}:{name}-") and older != tag:
            with suppress(docker.errors.APIError):
                client.images.remove(older)


def _import(client: docker.DockerClient, process: subprocess.Popen[bytes], wanted: Recipe) -> str | None:
    """Stream a root filesystem into the engine, untagged: half of one must never be taken for a whole.

    :returns: the image's id; None when the engine refused it.
    """
    if process.stdout is None:
        return None

    def chunks(stream: Any) -> Iterator[bytes]:
        while chunk := stream.read(1 << 20):
            yield chunk
        process.wait()

    changes = [f"LABEL hive-nornir.image={wanted.name}", *([f'CMD ["{wanted.command}"]'] if wanted.command else [])]
    answer = client.api.import_image_from_stream(chunks(process.stdout), changes=changes)
    process.stdout.close()
    statuses = [json.loads(line).get("status", "") for line in answer.splitlines() if line.strip()]
    return next((status for status in reversed(statuses) if status.startswith("sha256:")), None)
