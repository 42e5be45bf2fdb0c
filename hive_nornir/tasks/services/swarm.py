"""Services of the swarm through Docker's API: what is asked and what is changed, typed, and with our logins to registries."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import docker
from docker.auth import AuthConfig

from hive_nornir.tasks.services.logins import Login, login_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Found", "SwarmServices", "with_replicas"]

Found = Mapping[str, Any]
_OUT_OF_SEQUENCE, _TRIES = "out of sequence", 3


class SwarmServices:
    """The services of a swarm, as a manager knows them.

    :param client: of the manager; others may use it too.
    :param logins: registry -> login, which the nodes that run a service are given with it, and store nowhere.
    """

    def __init__(self, client: docker.DockerClient, logins: Mapping[str, Login]) -> None:
        self._api = cast("Any", client.api)
        self._logins = logins
        if logins:
            # Its methods for services take logins from nowhere else; without this they would send those of this machine's user.
            self._api._auth_configs = AuthConfig({"auths": dict(logins)})

    def find(self, name: str) -> Found | None:
        """A service, None if there is none."""
        try:
            found: Found = self._api.inspect_service(name)
        except docker.errors.NotFound:
            return None
        return found if found["Spec"]["Name"] == name else None  # the engine takes the beginning of an id for a name too

    def labelled(self, label: str) -> list[str]:
        """The names of all services with a label."""
        return sorted(str(each["Spec"]["Name"]) for each in self._api.services(filters={"label": label}))

    def tasks(self, name: str) -> list[Found]:
        """The tasks of a service, those of the past too, as far as the swarm has them."""
        return cast("list[Found]", self._api.tasks(filters={"service": name}))

    def tasks_of_removed(self, service_id: str) -> list[Found]:
        """The tasks of a service that is no more."""
        return [task for task in self._api.tasks() if task["ServiceID"] == service_id]

    def nodes(self) -> list[Found]:
        """The swarm's nodes."""
        return cast("list[Found]", self._api.nodes())

    def networks(self) -> dict[str, str]:
        """Id -> name of the swarm's networks."""
        return {str(each["Id"]): str(each["Name"]) for each in self._api.networks(filters={"scope": "swarm"})}

    def digest(self, reference: str) -> str:
        """The digest that an image's registry has for it now.

        :raises docker.errors.APIError: the registry does not tell.
        """
        told = self._api.inspect_distribution(reference, auth_config=login_of(reference, self._logins))
        return str(told["Descriptor"]["digest"])

    def create(self, spec: Mapping[str, Any]) -> None:
        """Make a service.

        :param spec: a ServiceSpec.
        """
        self._api.create_service(
            spec["TaskTemplate"], name=spec["Name"], labels=spec["Labels"], mode=spec["Mode"], endpoint_spec=spec["EndpointSpec"]
        )

    def update(self, spec: Mapping[str, Any]) -> None:
        """Make a service what the spec says.

        What no attribute of ours says stays: how it is updated and rolled back, how often a restart was asked for; and the number of its
        tasks if the spec leaves that open.
        """
        for again in self._tries():
            found = self._api.inspect_service(spec["Name"])
            present = found["Spec"]
            wanted = _kept(spec, present)
            try:
                self._api.update_service(
                    found["ID"],
                    found["Version"]["Index"],
                    wanted["TaskTemplate"],
                    name=wanted["Name"],
                    labels=wanted["Labels"],
                    mode=wanted["Mode"],
                    endpoint_spec=wanted["EndpointSpec"],
                    update_config=present.get("UpdateConfig"),
                    rollback_config=present.get("RollbackConfig"),
                )
            except docker.errors.APIError as error:
                if _OUT_OF_SEQUENCE not in str(error) or not again:
                    raise
            else:
                return

    def remove(self, service_id: str) -> None:
        """Remove a service; its tasks end after that."""
        self._api.remove_service(service_id)

    @staticmethod
    def _tries() -> Iterator[bool]:
        """The swarm itself notes things in a service, so that what was read may be old already. Whether there is another try."""
        yield from (attempt < _TRIES for attempt in range(1, _TRIES + 1))


def with_replicas(spec: Mapping[str, Any], number: int) -> dict[str, Any]:
    """The spec, with this number of tasks if it leaves that open."""
    found = copy.deepcopy(dict(spec))
    if "Replicated" in found["Mode"]:
        found["Mode"]["Replicated"].setdefault("Replicas", number)
    return found


def _kept(spec: Mapping[str, Any], present: Mapping[str, Any]) -> dict[str, Any]:
    found = with_replicas(spec, (present["Mode"].get("Replicated") or {}).get("Replicas", 1))
    template, before = found["TaskTemplate"], present["TaskTemplate"]
    template["ForceUpdate"] = before.get("ForceUpdate", 0)
    image = str(before["ContainerSpec"]["Image"])
    if image.partition("@")[0] == template["ContainerSpec"]["Image"]:  # nobody could be asked for the digest
        template["ContainerSpec"]["Image"] = image
    return found
