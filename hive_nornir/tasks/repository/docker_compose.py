"""Role docker-compose: Compose on the repository server (spec setup-hosts.md 4.21)."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from hive_nornir.errors import OperationFailed, UsageError
from hive_nornir.operations import packages
from hive_nornir.operations.core import Change, Observed, Operation, quote
from hive_nornir.tasks.preconditions import needed
from hive_nornir.tasks.programs import VENV
from hive_nornir.tasks.role import Target, Variables, role
from hive_nornir.tasks.servers.docker.source import Source

__all__ = ["DockerComposeVariables", "docker_compose"]

_DATA = Path(__file__).parents[2] / "data" / "compose.yaml"


class DockerComposeVariables(Variables):
    """What docker-compose reads."""

    hive_docker_source: Source = Field("auto", description="Where Docker's packages come from; Compose's come from there too.")
    hive_compose_version: str = Field(
        "",
        description="Version of Compose's package, or of its release where it has none; the newest, or the pinned one, without it.",
    )
    hive_compose_sha256: str = Field("", description="SHA-256 of the program of that release, if it is not the pinned one.")
    hive_safe_admin: str = Field("admin", description="The administrator's account, for which it must work.")
    hive_home_dir: str = Field(description="Its home; hive-builder kept version 1 in the environment there.")

    @model_validator(mode="after")
    def _a_checksum_has_a_version(self) -> DockerComposeVariables:
        if self.hive_compose_sha256 and not self.hive_compose_version:
            raise ValueError("hive_compose_sha256 needs hive_compose_version beside it")
        return self


@role()
def docker_compose(host: Target, v: DockerComposeVariables) -> list[Operation]:
    """Install Docker Compose as a plugin of the docker command, and remove version 1.

    It comes as a package where there is one, else as the release's program, whose checksum is known beforehand.
    """
    compose, manager = host.os.docker.compose, host.os.manager
    own = v.hive_docker_source != "distribution" or host.os.docker.source == "vendor"
    names = compose.packages if own else compose.fallback
    return [
        needed(host, "Docker", "command -v docker", "docker"),
        *([packages.absent(manager, compose.v1)] if compose.v1 else []),  # CMP-2
        _no_v1([f"{v.hive_home_dir}/docker", VENV]),
        *([_package(manager, names, v.hive_compose_version)] if names else [_release(host, v)]),
        _works(v.hive_safe_admin),  # CMP-1
    ]


def _package(manager: str, names: tuple[str, ...], version: str) -> Operation:
    between = "=" if manager == "apt" else "-"
    return packages.present(manager, [f"{name}{between}{version}" if version else name for name in names])


def _release(host: Target, v: DockerComposeVariables) -> Operation:
    """The release's program as a plugin of the docker command, exactly the one whose checksum we know."""
    data = _release_data()
    version = v.hive_compose_version or data["version"]
    known = data["sha256"] if version == data["version"] else {}
    checksum = v.hive_compose_sha256 or known.get(host.facts.architecture, "")
    if not checksum:
        raise UsageError(
            f"{host.name}: there is no package of Compose, and of its release {version} for {host.facts.architecture} no checksum is known",
            "set hive_compose_version and hive_compose_sha256",
        )
    url = quote(data["url"].format(version=version, architecture=host.facts.architecture))
    path = f"{host.os.docker.plugin_folder}/docker-compose"
    fetch = (
        f"mkdir -p -- {quote(host.os.docker.plugin_folder)}; hv_fetched=$(mktemp); trap 'rm -f \"$hv_fetched\"' EXIT\n"
        f'if command -v curl >/dev/null; then curl -fsSL -m 300 -o "$hv_fetched" {url}\n'
        f'else wget -q -T 60 -O "$hv_fetched" {url}; fi\n'
        f'hv_write {quote(path)} 755 root:root "" {checksum} <"$hv_fetched"'
    )

    def decide(seen: Observed) -> Change | None:
        present = seen.text.partition(" ")[0].strip()
        return None if present == checksum else Change(f"fetch release {version}", fetch, f"- {present or 'none'}\n+ {checksum}")

    disturbs = "Compose is installed"
    return Operation(f"program {path}", f"sha256sum -- {quote(path)} 2>/dev/null || :", decide, disturbs=disturbs, deadline=420)


@functools.cache
def _release_data() -> dict[str, Any]:
    import yaml

    found: dict[str, Any] = yaml.safe_load(_DATA.read_text("utf-8"))
    return found


def _no_v1(environments: list[str]) -> Operation:
    """CMP-2: version 1, which is a Python package, in no environment and not beside the system's own packages."""
    places = " ".join(f"{quote(place)}/lib/python3*/*-packages/docker_compose-1*" for place in [*environments, "/usr/local"])

    def decide(seen: Observed) -> Change | None:
        found = seen.text.split()
        if not found:
            return None
        remove = [
            f'hv_p={quote(re.sub("/lib/python3.*", "/bin/python", path))}; [ -x "$hv_p" ] || hv_p=python3\n'
            'PIP_BREAK_SYSTEM_PACKAGES=1 "$hv_p" -m pip --no-input --disable-pip-version-check uninstall -q -y docker-compose'
            for path in found
        ]
        return Change("remove it", "\n".join(remove), "\n".join(f"- {path}" for path in found))

    return Operation("no Compose version 1", f"ls -d {places} 2>/dev/null || :", decide, disturbs="Compose version 1 is removed")


def _works(admin: str) -> Operation:
    """CMP-1: the administrator's `docker compose` is version 2 or newer."""

    def decide(seen: Observed) -> Change | None:
        found = re.match(r"v?(\d+)\.", seen.text.strip())
        if found and int(found[1]) >= 2:
            return None
        raise OperationFailed(f"`docker compose version` of {admin} says {seen.text.strip() or 'nothing'}, and version 2 is wanted")

    return Operation(f"Compose works for {admin}", f"runuser -u {quote(admin)} -- docker compose version --short 2>&1 || :", decide)
