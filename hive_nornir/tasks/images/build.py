"""Building an image: roles in a container of the repository, a commit, a push (spec images-networks-volumes-services.md 1)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import docker

from hive_nornir.connections.container import ContainerTransport
from hive_nornir.errors import HiveError, OperationFailed
from hive_nornir.operations.api import ApiChange, ApiStep
from hive_nornir.tasks.container_target import ContainerTarget
from hive_nornir.tasks.images.configuration import committed, container_of
from hive_nornir.tasks.images.container import BuildContainer
from hive_nornir.tasks.images.inputs import Inputs
from hive_nornir.tasks.images.proxy import proxy_environment
from hive_nornir.tasks.images.registry import Registry, digest_of
from hive_nornir.tasks.images.settings import ImageSettings
from hive_nornir.tasks.services.logins import logins

if TYPE_CHECKING:
    from hive_nornir.connections.shell import SshTransport
    from hive_nornir.inventory.tag_mapping import TagMapping
    from hive_nornir.tasks.role import Role
    from hive_nornir.tasks.site_object import SiteObject

__all__ = ["ROLE_FILES", "built_image", "container_name"]

# A commit or a push may be silent for minutes.
_ENGINE_SECONDS = 1800
_KEPT_TAGS = 5
# What our operations keep in a container; nothing of it belongs into the image.
ROLE_FILES = ("/run/hive-nornir", "/var/lib/hive-nornir")
_CLEAR = f"rm -rf {' '.join(ROLE_FILES)}"


def container_name(image: str) -> str:
    """The build container's, `build_image_web`."""
    return f"build_{image}"


def built_image(thing: SiteObject, *, roles_of: Callable[[str], Sequence[Role]], mapping: TagMapping, no_cache: bool) -> str | None:
    """The registry has the image as it is defined now; it is built if something that it is made of changed.

    :param roles_of: the roles of an image.
    :param no_cache: it is built in any case.
    :returns: why nothing is built, or None.
    """
    variables = thing.variables
    if thing.site.context.stage in (variables.get("hive_pull_on") or []):
        return f"stage {thing.site.context.stage} takes {variables['hive_pull_from']}"
    _Build(thing, roles_of(thing.name), mapping, no_cache).run()
    return None


@dataclass(frozen=True)
class _State:
    """What there is.

    :param wanted: what the image has to be made of.
    :param published: its digest in the registry, "" if it is not there.
    :param present: what it is made of there; None if the engine does not have that image to look at.
    """

    wanted: Inputs
    published: str
    present: Inputs | None


class _Build:
    def __init__(self, thing: SiteObject, roles: Sequence[Role], mapping: TagMapping, no_cache: bool) -> None:
        self.thing = thing
        self.roles = roles
        self.server = thing.site.repository
        self.settings = ImageSettings.of(thing.name, thing.variables)
        self.base = mapping.resolve(self.settings.base)
        self.repository = f"{thing.variables['hive_registry']}/{thing.name}"
        self.reference = f"{self.repository}:latest"
        self.logins = logins(thing.site)
        self.registry = Registry(thing.docker(self.server), self.logins)
        self.base_digest = ""
        self.forced = no_cache

    def run(self) -> None:
        if self.base != self.settings.base:
            self.thing.progress(f"{self.settings.base} is mapped to {self.base}")
        self.thing.through_api(ApiStep(f"image {self.reference}", self.look, self.decide))

    def look(self) -> _State:
        self.base_digest = self.base_digest or self._known_base()
        wanted = Inputs.of(self.thing.site, self.thing.variables, self.settings, self.base_digest, self.roles, self.thing.site.context.root)
        published = self._published()
        local = self.registry.local(self.reference)
        if published and digest_of(local, self.reference) != published:
            local = None if self.thing.check else self.registry.pull(self.reference)
        return _State(wanted, published, Inputs.from_labels(local["Config"].get("Labels")) if local else None)

    def _published(self) -> str:
        try:
            return self.registry.published(self.reference)
        except docker.errors.APIError as error:
            said = " ".join(str(error.explanation or error).split())
            raise OperationFailed(f"the registry does not tell whether it has {self.reference}: {said}", "setup-hosts makes it") from error

    def _known_base(self) -> str:
        """The base image's digest: the registry's, else that of the engine, else "" for one that is still to be pulled."""
        with contextlib.suppress(docker.errors.APIError):
            if digest := self.registry.published(self.base):
                return digest
        local = self.registry.local(self.base)
        return digest_of(local, self.base) or str((local or {}).get("Id", ""))

    def decide(self, state: _State) -> ApiChange | None:
        if not state.published:
            reasons = ["never built"]
        elif state.present is None:
            reasons = [f"{self.server} does not have what the registry has to compare it with"]
        else:
            reasons = state.wanted.differences(state.present)
        if self.forced:
            reasons = ["--no-cache"]
        return ApiChange(f"build: {', '.join(reasons)}", self.apply) if reasons else None

    def apply(self) -> None:
        base = self._base_image()
        inputs = Inputs.of(self.thing.site, self.thing.variables, self.settings, self.base_digest, self.roles, self.thing.site.context.root)
        wanted = container_of(self.settings, image=str(base["Id"]), hostname=self.thing.name, labels=inputs.labels)
        with self._engine() as (shell, client):
            container = BuildContainer(client, container_name(self.thing.name))
            identity, known = container.made(wanted, fresh=self.forced)
            self.thing.progress(f"{'going on in' if known else 'building in'} {container.name} on {self.server}")
            self._work(shell, identity)
            self.thing.progress("committing")
            container.stop(standalone=self.settings.standalone)
            stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
            container.commit(self.repository, ["latest", stamp], committed(self.settings, base["Config"], inputs.labels))
            self._publish(Registry(client, self.logins), stamp)
        self.forced = False
        self._forget_older()

    def _base_image(self) -> Mapping[str, Any]:
        local = self.registry.local(self.base)
        if local is None or digest_of(local, self.base) != self.base_digest:
            self.thing.progress(f"pulling {self.base}")
            try:
                local = self.registry.pull(self.base)
            except OperationFailed:
                if local is None or self.base_digest != local["Id"]:  # one that never was in a registry
                    raise
        self.base_digest = digest_of(local, self.base) or str(local["Id"])
        return local

    @contextlib.contextmanager
    def _engine(self) -> Iterator[tuple[SshTransport, docker.DockerClient]]:
        """A shell and an engine's client for this image alone."""
        from hive_nornir.connections.docker_api import docker_client

        with (
            self.thing.own_shell(self.server) as shell,
            contextlib.closing(docker_client(shell.target, timeout=_ENGINE_SECONDS)) as client,
        ):
            yield shell, client

    def _work(self, shell: SshTransport, container: str) -> None:
        """Apply the roles; what they leave of ours goes."""
        inside = ContainerTransport(shell, container, f"{self.thing.name} on {self.server}", proxy_environment(self.thing, self.server))
        target = ContainerTarget(self.thing, inside)
        target.forget_facts()
        doing = "start"
        try:
            if self.settings.standalone:
                inside.run(
                    'read -r hv_init </proc/1/comm; [ "$hv_init" != systemd ] || systemctl is-system-running --wait || :', deadline=120
                )
            for role in self.roles:
                doing = f"role {role.name}"
                self.thing.progress(doing)
                role.apply(target)
            doing = "clearing up"
            inside.run(_CLEAR, deadline=60)
        except HiveError as error:
            raise self._kept(doing, error) from error

    def _kept(self, doing: str, error: HiveError) -> OperationFailed:
        service = self.thing.name.removeprefix("image_")
        enter = f"the container is left as it is: `hive-nornir image shell {service}` enters it"
        hint = f"{error.hint}; {enter}" if error.hint else enter
        return OperationFailed(f"{doing}: {error.message}", hint, stderr=getattr(error, "stderr", ""))

    def _publish(self, registry: Registry, stamp: str) -> None:
        for tag in (stamp, "latest"):  # so that what `latest` is has a name of its own whatever happens
            self.thing.progress(f"pushing {self.repository}:{tag}")
            digest = registry.push(f"{self.repository}:{tag}")
        self.thing.progress(f"{self.reference} is now {self.repository}:{stamp}, {digest}")

    def _forget_older(self) -> None:
        """The engine keeps the last few of our names; the registry has all of them."""
        client = self.thing.docker(self.server)
        tags = sorted(tag for image in client.images.list(name=self.repository) for tag in image.tags)
        ours = [tag for tag in tags if tag.startswith(f"{self.repository}:2")]
        for tag in ours[:-_KEPT_TAGS]:
            with contextlib.suppress(docker.errors.APIError):
                client.images.remove(tag)
