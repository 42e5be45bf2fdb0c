"""A mirror of Docker Hub for servers that cannot reach it: one container for all sites of the engine, at a fixed address in each."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hive_nornir.errors import ProviderError
from hive_nornir.inventory.providers.base import ProviderSite, Resource
from hive_nornir.inventory.providers.sandbox import mirror_images, names, network
from hive_nornir.inventory.providers.sandbox.engine import DATA, Progress

if TYPE_CHECKING:
    import docker
    from filelock import FileLock

__all__ = ["NAME", "address", "join", "leave", "prepare", "resource", "wanted"]

# Of the container, of the volume with what was pushed, and of the network through which the engine pushes.
NAME = "hive-nornir-mirror"
LABEL = "hive-nornir.mirror"
PORT = 5000
# Written into the volume when all stand-ins were pushed.
_PUSHED = "/var/lib/registry/pushed"
_LOCK_SECONDS = 900.0
_START_SECONDS = 30.0


def address(site: ProviderSite) -> str:
    """The mirror's address in the stage's network: its third."""
    return str(network.subnet(site).network_address + 3)


def wanted(site: ProviderSite) -> bool:
    """Whether the site's servers are to use the mirror: `hive_registry_mirror` names its address.

    :raises ProviderError: it names the address with another port or protocol, or a server has the address.
    """
    ours = f"http://{address(site)}:{PORT}"
    named = {str(spec.variables.get("hive_registry_mirror") or "").rstrip("/") for spec in site.servers} - {""}
    wrong = [url for url in named if url != ours and urlsplit(url).hostname == address(site)]
    if wrong:
        raise ProviderError(f"hive_registry_mirror is {wrong[0]}, the sandbox's mirror is {ours}", f"make it {ours}")
    if ours not in named:
        return False
    taken = [spec.name for spec in site.servers if spec.private_ip == address(site)]
    if taken:
        raise ProviderError(f"{taken[0]} has the address {address(site)} of the mirror", "give the server another address")
    return True


def prepare(client: docker.DockerClient, progress: Progress) -> str:
    """Build what the mirror offers, and let it offer it. Takes minutes the first time, then nothing.

    :returns: tag of the image that the mirror itself runs.
    :raises ProviderError: something cannot be built or pushed.
    """
    with _lock():
        tags = mirror_images.build(client, progress)
        container = _started(client, tags["registry"])
        mark = hashlib.sha256(repr([(each.names, tags[each.name]) for each in mirror_images.hub_images()]).encode()).hexdigest()
        if container.exec_run(["cat", _PUSHED]).output.decode().strip() != mark:
            _push(client, container, tags, progress)
            container.exec_run(["sh", "-c", f"echo {mark} >{_PUSHED}"])
    return tags["registry"]


def join(client: docker.DockerClient, site: ProviderSite, tag: str) -> bool:
    """Give the mirror its address in the stage's network.

    :param tag: as `prepare` returns it.
    :returns: whether it had none.
    """
    with _lock():
        container = _started(client, tag)
        if _address_in(container, site) == address(site):
            return False
        _leave(client, container, site)
        client.networks.get(names.network(site)).connect(container, ipv4_address=address(site))
    return True


def leave(client: docker.DockerClient, site: ProviderSite) -> bool:
    """Take the mirror out of the stage's network; out of the last one, it goes itself. What was built and pushed stays for the next.

    :returns: whether it was in that network.
    """
    if _find(client) is None:
        return False
    with _lock():
        container = _find(client)
        if container is None:
            return False
        left = _leave(client, container, site)
        container.reload()
        if set(container.attrs["NetworkSettings"]["Networks"]) <= {NAME}:
            container.remove(force=True)
            for own in client.networks.list(names=[f"^{NAME}$"]):
                own.remove()
    return left


def resource(client: docker.DockerClient, site: ProviderSite) -> Resource:
    """The mirror as this stage sees it."""
    container = _find(client)
    if container is None or _address_in(container, site) != address(site):
        return Resource("mirror", NAME, "missing", f"Docker Hub's stand-in at {address(site)}")
    return Resource("mirror", NAME, "present" if container.status == "running" else "stopped", address(site))


def _lock() -> FileLock:
    from filelock import FileLock

    DATA.mkdir(mode=0o711, parents=True, exist_ok=True)
    return FileLock(DATA / "mirror.lock", timeout=_LOCK_SECONDS)


def _find(client: docker.DockerClient) -> Any | None:
    found = client.containers.list(all=True, filters={"name": f"^/{NAME}$", "label": LABEL})
    return found[0] if found else None


def _address_in(container: Any, site: ProviderSite) -> str:
    attached = container.attrs["NetworkSettings"]["Networks"].get(names.network(site)) or {}
    return str((attached.get("IPAMConfig") or {}).get("IPv4Address") or "")


def _leave(client: docker.DockerClient, container: Any, site: ProviderSite) -> bool:
    if names.network(site) not in container.attrs["NetworkSettings"]["Networks"]:
        return False
    client.networks.get(names.network(site)).disconnect(container, force=True)
    return True


def _started(client: docker.DockerClient, tag: str) -> Any:
    """The registry's container, running; a newer image takes over the addresses of an older one."""
    container, addresses = _find(client), {}
    if container is not None and container.labels[LABEL] != tag:
        attached = container.attrs["NetworkSettings"]["Networks"]
        addresses = {name: entry["IPAMConfig"]["IPv4Address"] for name, entry in attached.items() if name != NAME}
        container.remove(force=True)
        container = None
    if container is None:
        container = _create(client, tag)
        for name, own in addresses.items():
            client.networks.get(name).connect(container, ipv4_address=own)
    if container.status != "running":
        container.start()
    end = time.monotonic() + _START_SECONDS
    while container.status != "running" or container.exec_run(["bash", "-c", f": </dev/tcp/127.0.0.1/{PORT}"]).exit_code:
        if time.monotonic() > end:
            raise ProviderError(f"the mirror does not start: {container.logs(tail=3).decode(errors='replace')}")
        time.sleep(0.1)
        container.reload()
    return container


def _create(client: docker.DockerClient, tag: str) -> Any:
    from docker.types import LogConfig

    if not client.networks.list(names=[f"^{NAME}$"]):
        client.networks.create(NAME, driver="bridge", labels={LABEL: ""})
    client.volumes.create(NAME, labels={LABEL: ""})
    return client.containers.create(
        tag,
        name=NAME,
        hostname=NAME,
        labels={LABEL: tag},
        network=NAME,
        # The engine trusts a registry without TLS on its own machine's loopback, and nowhere else.
        ports={f"{PORT}/tcp": ("127.0.0.1", 0)},
        volumes={NAME: {"bind": "/var/lib/registry", "mode": "rw"}},
        restart_policy={"Name": "always"},
        log_config=LogConfig(type="json-file", config={"max-size": "1m"}),
    )


def _push(client: docker.DockerClient, container: Any, tags: dict[str, str], progress: Progress) -> None:
    container.reload()
    port = container.attrs["NetworkSettings"]["Ports"][f"{PORT}/tcp"][0]["HostPort"]
    for each in mirror_images.hub_images():
        for name in each.names:
            progress("mirror", f"offering {name}")
            repository, _, version = f"127.0.0.1:{port}/{name}".rpartition(":")
            client.api.tag(tags[each.name], repository, version)
            try:
                for line in client.images.push(repository, tag=version, stream=True, decode=True):
                    if "error" in line:
                        raise ProviderError(f"cannot push {name} to the mirror: {line['error']}")
            finally:
                client.images.remove(f"{repository}:{version}")
