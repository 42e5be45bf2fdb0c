"""A Docker volume on every hive (spec images-networks-volumes-services.md 3.7): made, compared, removed.

Docker takes the order to create a volume that is there with other options for done (pitfall 8), so they are compared here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.api import ApiChange, ApiStep
from hive_nornir.tasks.volumes.hives import short

if TYPE_CHECKING:
    import docker

    from hive_nornir.tasks.site_object import SiteObject

__all__ = ["DockerVolume", "docker_volume", "no_docker_volume", "only_mounts", "users_of"]


@dataclass(frozen=True)
class DockerVolume:
    """A volume as Docker knows it.

    :param options: text alone, as Docker stores them.
    """

    name: str
    driver: str = "local"
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, definition: Mapping[str, Any]) -> DockerVolume:
        """What a volume with `driver` and `driver_options` says."""
        options = definition.get("driver_options") or {}
        return cls(definition["name"], str(definition["driver"]), {str(key): _word(value) for key, value in options.items()})

    @classmethod
    def found(cls, attributes: Mapping[str, Any]) -> DockerVolume:
        """What the API shows."""
        return cls(attributes["Name"], attributes["Driver"], dict(attributes.get("Options") or {}))

    def lines(self) -> list[str]:
        """It, a line an attribute, for diffs; of an option that carries credentials only the name."""
        return [f"driver {self.driver}", *(f"{key} {_shown(value)}" for key, value in sorted(self.options.items()))]


def docker_volume(thing: SiteObject, server: str, wanted: DockerVolume) -> None:
    """The volume is on the server as it is defined.

    One that differs is made anew if it only mounts something and nobody uses it.

    :raises OperationFailed: it differs and holds data, or is used; nothing was changed.
    """
    client = thing.docker(server)

    def decide(found: DockerVolume | None) -> ApiChange | None:
        if found is None:
            return ApiChange("create", lambda: _create(client, wanted), "\n".join(f"+ {line}" for line in wanted.lines()))
        if found == wanted:
            return None
        before, after = found.lines(), wanted.lines()
        diff = "\n".join([*(f"- {line}" for line in before if line not in after), *(f"+ {line}" for line in after if line not in before)])
        where = f"volume {wanted.name} on {short(server)} differs from its definition"
        if not only_mounts(found):
            raise OperationFailed(
                f"{where} and may hold data, so it is not made anew\n{diff}",
                f"set the definition back, or save the data and remove it: "
                f"`hive-nornir run build-volumes --destroy --limit {wanted.name}`, then build-volumes",
            )
        if users := users_of(thing, server, wanted.name):
            raise OperationFailed(
                f"{where} and cannot be changed while it is used by {', '.join(users)}\n{diff}",
                "remove the services (`hive-nornir run deploy-services --destroy --limit SERVICE,...`), then build-volumes",
            )

        def anew() -> None:
            client.api.remove_volume(wanted.name)
            _create(client, wanted)

        return ApiChange("make it anew; it only mounts something", anew, diff)

    thing.through_api(ApiStep(f"volume {wanted.name} on {short(server)}", lambda: _find(client, wanted.name), decide))


def no_docker_volume(thing: SiteObject, server: str, name: str) -> None:
    """The volume is not on the server any more. Whoever uses it was asked for before (`users_of`); Docker refuses those of its containers.

    :raises OperationFailed: a container uses it.
    """
    client = thing.docker(server)

    def decide(found: DockerVolume | None) -> ApiChange | None:
        if found is None:
            return None
        what = "remove" if only_mounts(found) else "remove, with what is in it"
        return ApiChange(what, lambda: client.api.remove_volume(name), f"- {name}")

    thing.through_api(ApiStep(f"no volume {name} on {short(server)}", lambda: _find(client, name), decide))


def only_mounts(found: DockerVolume) -> bool:
    """Whether a volume is but the order to mount something: its data, if any, are elsewhere and stay (Docker's driver `local`)."""
    return found.driver == "local" and bool(found.options.get("device"))


def users_of(thing: SiteObject, server: str, name: str) -> list[str]:
    """Who uses a volume, in words: the server's containers, also those that have ended, and the swarm's services."""
    client = thing.docker(server)
    containers = client.containers.list(all=True, filters={"volume": name}, ignore_removed=True)
    found = set()
    for each in containers:
        service = each.labels.get("com.docker.swarm.service.name")
        found.add(f"service {service}" if service else f"container {each.name} on {short(server)}")
    if client.info()["Swarm"]["LocalNodeState"] != "inactive":
        found |= {f"service {each.name}" for each in thing.swarm().services.list() if name in _mounted(each.attrs["Spec"])}
    return sorted(found)


def _mounted(spec: Mapping[str, Any]) -> set[str]:
    mounts = spec["TaskTemplate"].get("ContainerSpec", {}).get("Mounts") or []
    return {each.get("Source", "") for each in mounts if each.get("Type") == "volume"}


def _find(client: docker.DockerClient, name: str) -> DockerVolume | None:
    import docker

    try:
        return DockerVolume.found(client.api.inspect_volume(name))
    except docker.errors.NotFound:
        return None


def _create(client: docker.DockerClient, wanted: DockerVolume) -> None:
    client.api.create_volume(wanted.name, wanted.driver, dict(wanted.options))


def _word(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _shown(value: str) -> str:
    """A mount option `password=…`, of CIFS, is nobody's to read."""
    return ",".join(
        f"{part.partition('=')[0]}=********" if part.partition("=")[0].strip().lower() in ("password", "passwd", "pass") else part
        for part in value.split(",")
    )
