"""The phase build-infra: servers that exist, run and let us in (spec build-infra.md 1)."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, Any

from hive_nornir.errors import HiveError, HostKeyChanged, UsageError
from hive_nornir.runs.events import Event, role_finished
from hive_nornir.runs.report import RoleReport

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hive_nornir.inventory.known_hosts import KnownHosts
    from hive_nornir.inventory.providers.base import ConnectionData, ProviderSite, Resource
    from hive_nornir.plays.phase import PhaseOptions
    from hive_nornir.runs.events import RunProcessor
    from hive_nornir.site import Site

__all__ = ["check", "run"]

_DUE = ("missing", "stopped", "differs")


def check(site: Site, options: PhaseOptions) -> None:
    """Whether the options fit; touches nothing.

    :raises UsageError: they do not.
    """
    if options.roles is not None:
        raise UsageError("build-infra has no roles to choose from")
    if options.halt and options.destroy:
        raise UsageError("--halt and --destroy exclude each other")
    if set(options.hosts) != set(site.inventory.servers):
        raise UsageError("build-infra works on the whole stage", "leave out --limit")


def run(site: Site, options: PhaseOptions, processor: RunProcessor) -> None:
    """Build the stage's servers, or halt or destroy them."""
    step = "destroy" if options.destroy else "halt" if options.halt else "build"
    processor.emit(Event("play-started", options.phase, step, hosts=options.hosts, roles=(step,)))
    started = time.monotonic()
    try:
        changed = _planned(site, processor, step) if options.check else _done(site, processor, step)
    except HiveError as error:
        reports = {name: RoleReport(step, step, "failed", error=str(error)) for name in options.hosts}
    else:
        status = "would-change" if options.check else "changed"
        reports = {
            name: RoleReport(step, step, status if name in changed else "ok", changed=int(name in changed))  # type: ignore[arg-type]
            for name in options.hosts
        }
    for name, report in reports.items():
        report.seconds = time.monotonic() - started
        processor.report.hosts[name].roles[step] = report
        processor.report.hosts[name].seconds = report.seconds
        processor.emit(role_finished(options.phase, name, report))


def _planned(site: Site, processor: RunProcessor, step: str) -> set[str]:
    """The servers that the step would touch; what else it would touch goes to the report's notes."""
    resources = site.resources()
    if step == "build":
        due = [resource for resource in resources if resource.state in _DUE]
    elif step == "halt":
        due = [resource for resource in resources if resource.kind == "server" and resource.state in ("present", "differs")]
    else:
        due = [resource for resource in resources if resource.state != "missing"]
    servers = {resource.name for resource in due if resource.kind == "server"}
    others = [resource for resource in due if resource.name not in site.inventory.servers]
    processor.report.notes += [_described(resource, step) for resource in others]
    processor.report.other_changes = len(others)
    return servers


def _described(resource: Resource, step: str) -> str:
    detail = f" ({resource.detail})" if resource.detail else ""
    return f"would {step} {resource.kind} {resource.name}: {resource.state}{detail}"


def _done(site: Site, processor: RunProcessor, step: str) -> set[str]:
    """Do the step; the servers that it touched, as far as the provider tells: all or none."""

    def progress(name: str, text: str) -> None:
        processor.emit(Event("progress", "build-infra", step, host=name, text=text))

    provider_site = site.provider_site(progress)
    servers = set(site.inventory.servers)
    if step == "halt":
        return servers if site.provider.halt(provider_site) else set()
    if step == "destroy":
        changed = site.provider.destroy(provider_site)
        _forget(site)
        return servers if changed else set()
    site.context.prepare()
    site.inventory.allocate()
    changed = site.provider.build(provider_site)
    changed = _connection_files(site, provider_site) or changed
    site.certificate_authority(create=True)
    site.reload()
    _wait_for_entry(site, progress)
    return servers if changed else set()


def _connection_files(site: Site, provider_site: ProviderSite) -> bool:
    """Write ssh_config and pin the host keys that the provider knows."""
    from hive_nornir.inventory.known_hosts import KnownHosts
    from hive_nornir.inventory.proxy import ProxyForward
    from hive_nornir.inventory.ssh_files import JumpHost, SshHost, write_ssh_config

    known = KnownHosts(site.context.known_hosts)
    hosts, pinned = [], False
    for server in provider_site.servers:
        data = site.provider.connection(provider_site, server)
        key = site.private_key(server.variables)
        jump = server.variables.get("hive_ssh_jump")
        way = JumpHost.parse(str(jump), data.user) if jump else None
        forward = ProxyForward.of(server.variables)
        port_and_proxy = (forward.port, forward.proxy) if forward else None
        hosts.append(SshHost(server.name, data.hostname, data.user, data.port, key, port_and_proxy, way))
        pinned = _pin(known, [server.name, data.hostname], data) or pinned
    return write_ssh_config(site.context.ssh_config, hosts, site.context.known_hosts) or pinned


def _pin(known: KnownHosts, names: list[str], data: ConnectionData) -> bool:
    """Pin what the provider says; its word comes over a channel of its own and so replaces the pins of a server that it made anew."""
    try:
        return _pin_all(known, names, data)
    except HostKeyChanged:
        known.remove(names, port=data.port)
        return _pin_all(known, names, data)


def _pin_all(known: KnownHosts, names: list[str], data: ConnectionData) -> bool:
    pinned = False
    for key in data.host_keys:
        pinned = known.pin(names, key, port=data.port) or pinned
    return pinned


def _forget(site: Site) -> None:
    """Pins, addresses and certificates of servers that are gone would only stand in the way of their successors."""
    from hive_nornir.inventory.known_hosts import KnownHosts

    servers = site.inventory.servers
    addresses = [str(site.inventory.scope(name)["hive_private_ip"]) for name in servers]
    KnownHosts(site.context.known_hosts).remove([*servers, *addresses])
    site.context.ssh_config.unlink(missing_ok=True)
    shutil.rmtree(site.context.context_dir / "trust", ignore_errors=True)
    site.reload()


def _wait_for_entry(site: Site, progress: Any) -> None:
    """A fresh login and root on every server (spec build-infra.md 8).

    :raises HiveError: naming the servers that do not let us in, each with its reason.
    """
    from nornir.core.task import Result, Task

    def enter(task: Task) -> Result:
        task.host.get_connection("hive", task.nornir.config).run(":", deadline=30)
        progress(task.host.name, "lets us in")
        return Result(host=task.host)

    results = site.nornir.run(task=enter, name="entry")
    site.close()
    refused = [f"{name}: {_reason(results[name])}" for name in results if results[name].failed]
    if refused:
        raise HiveError("; ".join(refused), "the servers were built; run build-infra again when this is mended")


def _reason(results: Iterable[Any]) -> str:
    return next((str(result.exception) for result in results if result.exception), "no answer")
