"""Servers on one machine, for trying and testing: each is a container that runs systemd and sshd, with an address of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from hive_nornir.errors import ProviderError
from hive_nornir.inventory.keys import ensure_admin_key
from hive_nornir.inventory.providers.base import ConnectionData, ProviderSite, Resource, ServerSpec
from hive_nornir.inventory.providers.parallel import in_parallel
from hive_nornir.inventory.providers.sandbox import engine, image, machine, mirror, names, network, server

if TYPE_CHECKING:
    import docker

__all__ = ["Sandbox"]

BOOT_SECONDS = 180.0


class Sandbox:
    """Servers that are containers on this machine. They share its kernel, disks and memory: for trying and testing, not for a service."""

    name = "sandbox"
    extra = ""
    description = "real servers (systemd, sshd, own addresses) as containers on this machine; for trying and testing"

    def plan(self, site: ProviderSite) -> list[Resource]:
        """Every resource of the stage with its state; starts and installs nothing."""
        url = engine.find()
        if url is None:
            wanted = [("engine", "docker"), ("network", names.network(site)), *([("mirror", mirror.NAME)] if mirror.wanted(site) else [])]
            wanted += [("server", spec.name) for spec in site.servers]
            return [Resource(kind, name, "missing") for kind, name in wanted]
        with engine.connect(url) as client:
            state = "missing" if network.find(client, site) is None else "present"
            servers = [_server_resource(client, site, spec) for spec in site.servers]
            offered = [mirror.resource(client, site)] if mirror.wanted(site) else []
            return [Resource("network", names.network(site), state, str(network.subnet(site))), *offered, *servers, *_strays(client, site)]

    def build(self, site: ProviderSite) -> bool:
        """Create the network and the servers that are missing, start those that are stopped, and wait until all take SSH."""
        public_key = ensure_admin_key(site.context_dir).with_suffix(".pub").read_text().strip()
        with engine.connect(engine.start(site.progress)) as client:
            _refuse_replacement(client, site)
            machine.allow_many_servers(site.progress)
            tags, mirror_tag = _images(client, site)
            changed = network.create(client, site)
            changed = (mirror.join(client, site, mirror_tag) if mirror_tag else mirror.leave(client, site)) or changed

            def one(spec: ServerSpec) -> bool:
                return _build_server(client, site, spec, tags[server.image_name(spec)], public_key)

            return any(in_parallel(one, site.servers)) or changed

    def halt(self, site: ProviderSite) -> bool:
        """Stop the servers; their disks, addresses and host keys stay."""
        url = engine.find()
        if url is None:
            return False
        with engine.connect(url) as client:
            running = [container for container in _containers(client, site) if container.status != "exited"]

            def one(container: Any) -> None:
                site.progress(container.labels[names.HOST], "stopping")
                container.stop(timeout=server.STOP_SECONDS)

            in_parallel(one, running)
            return bool(running)

    def destroy(self, site: ProviderSite) -> bool:
        """Delete the stage's servers, their volumes and the network, by their labels; the images stay for the next build."""
        url = engine.find()
        if url is None:
            return False
        with engine.connect(url) as client:
            found = _containers(client, site)

            def one(container: Any) -> None:
                site.progress(container.labels[names.HOST], "deleting")
                container.remove(force=True, v=True)

            in_parallel(one, found)
            volumes = [volume for volume in client.volumes.list(filters=names.filters(site)) if names.is_mine(site, volume.attrs["Labels"])]
            for volume in volumes:
                volume.remove(force=True)
            left = mirror.leave(client, site)
            networks = [entry for entry in client.networks.list(filters=names.filters(site)) if names.is_mine(site, entry.attrs["Labels"])]
            for entry in networks:
                entry.remove()
            return bool(found or volumes or networks or left)

    def connection(self, site: ProviderSite, server_spec: ServerSpec) -> ConnectionData:
        """How to reach a running server, with the host keys that it shows through the engine."""
        url = engine.find()
        if url is None:
            raise ProviderError(f"{server_spec.name} does not run: no Docker engine answers", "build the stage first")
        with engine.connect(url) as client:
            container = server.find(client, site, server_spec)
            if container is None or container.status != "running":
                raise ProviderError(f"{server_spec.name} does not run", "build the stage first")
            seen = server.look(container, server_spec)
        return ConnectionData(server_spec.private_ip, server.admin(server_spec), seen.port, seen.host_keys)


def _images(client: docker.DockerClient, site: ProviderSite) -> tuple[dict[str, str], str]:
    """The images of the servers and, where the site uses it, of the mirror, made side by side.

    :returns: tags of the servers' images by name; tag of the mirror's, "" without one.
    """
    server_images = sorted({server.image_name(spec) for spec in site.servers})
    recipes = [image.recipe(name) for name in server_images]
    jobs: list[Callable[[], str]] = [partial(image.ensure, client, recipe, site.progress) for recipe in recipes]
    if mirror.wanted(site):
        jobs.append(partial(mirror.prepare, client, site.progress))
    tags = in_parallel(lambda job: job(), jobs)
    return dict(zip(server_images, tags, strict=False)), tags[-1] if len(tags) > len(recipes) else ""


def _containers(client: docker.DockerClient, site: ProviderSite) -> list[Any]:
    return [found for found in client.containers.list(all=True, filters=names.filters(site)) if names.is_mine(site, found.labels)]


def _build_server(client: docker.DockerClient, site: ProviderSite, spec: ServerSpec, tag: str, public_key: str) -> bool:
    container = server.find(client, site, spec)
    new = container is None
    if container is None:
        site.progress(spec.name, f"creating from {server.image_name(spec)} with address {spec.private_ip}")
        container = server.create(client, site, spec, tag, public_key)
    stopped = container.status != "running"
    if stopped:
        site.progress(spec.name, "starting")
        container.start()
    began = time.monotonic()
    started = server.wait(container, spec, public_key, began + BOOT_SECONDS)
    failed = f"; failed units: {', '.join(started.failed)}" if started.failed else ""
    site.progress(spec.name, f"answers over SSH after {time.monotonic() - began:.1f} s{failed}")
    return new or stopped


def _differences(container: Any, site: ProviderSite, spec: ServerSpec) -> str:
    attached = container.attrs["NetworkSettings"]["Networks"].get(names.network(site)) or {}
    address = (attached.get("IPAMConfig") or {}).get("IPv4Address", "none")
    memory = container.attrs["HostConfig"].get("Memory", 0) >> 20
    pairs = [
        ("image", container.labels.get(names.IMAGE, ""), server.image_name(spec)),
        ("address", address, spec.private_ip),
        ("memory limit (MiB)", str(memory), str(int(spec.variables.get("hive_memory_size") or 0))),
    ]
    return "; ".join(f"{what} is {is_}, should be {should}" for what, is_, should in pairs if is_ != should)


def _server_resource(client: docker.DockerClient, site: ProviderSite, spec: ServerSpec) -> Resource:
    container = server.find(client, site, spec)
    if container is None:
        return Resource("server", spec.name, "missing", f"{server.image_name(spec)}, {spec.private_ip}")
    differences = _differences(container, site, spec)
    if differences:
        return Resource("server", spec.name, "differs", differences)
    return Resource("server", spec.name, "present" if container.status == "running" else "stopped", spec.private_ip)


def _strays(client: docker.DockerClient, site: ProviderSite) -> list[Resource]:
    """Servers of this site and stage that the definitions no longer name."""
    wanted = {spec.name for spec in site.servers}
    found = [container.labels[names.HOST] for container in _containers(client, site)]
    return [Resource("server", name, "unknown", "not in the definitions any more") for name in sorted(set(found) - wanted)]


def _refuse_replacement(client: docker.DockerClient, site: ProviderSite) -> None:
    """A server that has become another one by definition is never replaced silently: its disk would be lost (spec build-infra.md 13)."""
    resources = [_server_resource(client, site, spec) for spec in site.servers]
    differing = [f"{resource.name}: {resource.detail}" for resource in resources if resource.state == "differs"]
    if differing:
        raise ProviderError("; ".join(differing), "destroy the stage, then build it anew")
