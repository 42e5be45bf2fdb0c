"""A service of the swarm as it is defined, removed, or known to nobody (spec images-networks-volumes-services.md 4)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.api import ApiChange, ApiStep
from hive_nornir.tasks.services import differences
from hive_nornir.tasks.services.converge import converged, errors, gone, judged, lately
from hive_nornir.tasks.services.image import named_image, pinned
from hive_nornir.tasks.services.logins import login_of, logins
from hive_nornir.tasks.services.placement import suitable
from hive_nornir.tasks.services.spec import LABEL, service_spec
from hive_nornir.tasks.services.surroundings import surroundings
from hive_nornir.tasks.services.swarm import Found, SwarmServices, with_replicas

if TYPE_CHECKING:
    from hive_nornir.inventory.site_inventory import SiteInventory
    from hive_nornir.inventory.tag_mapping import TagMapping
    from hive_nornir.tasks.site_object import SiteObject

__all__ = ["deployed_service", "other_services", "planned_spec", "removed_service"]


def planned_spec(site: SiteInventory, name: str, mapping: TagMapping) -> dict[str, Any]:
    """What a service is to be, by the definitions alone: its image is called as they call it.

    :raises DefinitionErrors: the definition is wrong.
    """
    return service_spec(name, site.scope(name), surroundings(site), named_image(site, name, mapping))


def deployed_service(thing: SiteObject, mapping: TagMapping) -> None:
    """The service is in the swarm as it is defined, and its tasks run.

    Only what differs is updated. It runs the image that its registry has now, so a `latest` that is another one now is a difference.
    """
    known = logins(thing.site)
    swarm = SwarmServices(thing.swarm(), known)
    wanted = planned_spec(thing.site, thing.name, mapping)
    container = wanted["TaskTemplate"]["ContainerSpec"]
    login = login_of(container["Image"], known)
    container["Image"], note = pinned(thing, swarm, container["Image"], login, partial(_hives_for, thing.site.hives, swarm, wanted))
    if note:
        thing.through_api(_notice(note))
    _deploy(thing, swarm, wanted)


def _deploy(thing: SiteObject, swarm: SwarmServices, wanted: Mapping[str, Any]) -> None:
    networks = swarm.networks()
    goal = differences.fields(wanted, networks)

    def decide(found: Found | None) -> ApiChange | None:
        present = differences.fields(found["Spec"], networks) if found else {}
        differing = differences.compared(present, goal, thing.site.passwords)
        if not differing:
            return None
        if found and present["mode"] != goal["mode"]:
            raise OperationFailed(
                f"service {thing.name} is {present['mode']} and cannot become {goal['mode']} as it runs",
                f"remove it with `hive-nornir run deploy-services --destroy --limit {thing.name}`, then deploy it",
            )
        return ApiChange(differences.summary(differing) if found else "create", apply, differences.lines(differing))

    def apply() -> None:
        _networks_are_there(wanted, networks.values())
        _volumes_are_there(thing, _hives_for(thing.site.hives, swarm, wanted), wanted)
        earlier: set[str] = set()
        if swarm.find(thing.name) is None:
            swarm.create(with_replicas(wanted, 1))
        else:
            earlier = {str(task["ID"]) for task in swarm.tasks(thing.name)}
            swarm.update(wanted)
        converged(swarm, thing.name, _teller(thing), earlier=earlier)

    step = ApiStep(f"service {thing.name}", lambda: swarm.find(thing.name), decide)
    if thing.through_api(step)[step.name].status == "unchanged":
        _runs(thing, swarm)


def removed_service(thing: SiteObject) -> None:
    """The service is not in the swarm, and no task of it runs any more. Its volumes stay."""
    swarm = SwarmServices(thing.swarm(), {})

    def decide(found: Found | None) -> ApiChange | None:
        if found is None:
            return None

        def remove() -> None:
            grace = found["Spec"]["TaskTemplate"]["ContainerSpec"].get("StopGracePeriod") or 10_000_000_000
            swarm.remove(str(found["ID"]))
            gone(swarm, str(found["ID"]), grace / 1_000_000_000, _teller(thing))

        return ApiChange("remove", remove, f"- {thing.name}")

    thing.through_api(ApiStep(f"no service {thing.name}", lambda: swarm.find(thing.name), decide))


def other_services(thing: SiteObject, mapping: TagMapping) -> None:
    """Tell of services that were deployed from definitions and are not defined any more, and of mappings of tags. Nothing is done."""
    for name in SwarmServices(thing.swarm(), {}).labelled(LABEL):
        if name not in thing.site.services:
            thing.through_api(_notice(f"service {name} is not defined any more; `docker service rm {name}` on a hive removes it"))
    for old, new in mapping.applied().items():
        thing.through_api(_notice(f"tag-mapping.json: {new} is taken for {old}"))


def _runs(thing: SiteObject, swarm: SwarmServices) -> None:
    """A service that needed no change runs, or the run fails; a dry run tells of it."""
    service, tasks, nodes = swarm.find(thing.name), swarm.tasks(thing.name), swarm.nodes()
    if service is None:
        return
    now = judged(service, tasks, nodes)
    failed = lately(now.broken)
    if not thing.check:
        earlier = {str(task["ID"]) for task in tasks}
        converged(swarm, thing.name, _teller(thing), earlier=earlier, changed=bool(failed))
    elif not now.done or failed:
        thing.through_api(_notice(f"{now.words}{f'; {now.stopped}' if now.stopped else ''}{errors(failed, nodes)}"))


def _notice(words: str) -> ApiStep:
    return ApiStep(words, lambda: None, lambda _: None, notice=True)


def _teller(thing: SiteObject) -> Callable[[str], None]:
    """Tells the operator each thing once, and gives up when the run was interrupted."""
    said = ""

    def tell(words: str) -> None:
        nonlocal said
        if words != said or thing.run.stop.is_set():
            said = words
            thing.progress(words)

    return tell


def _hives_for(hives: list[str], swarm: SwarmServices, wanted: Mapping[str, Any]) -> list[str]:
    """The hives that can run a service, in the site's order."""
    hosts = {str(node["Description"]["Hostname"]) for node in suitable(swarm.nodes(), wanted)}
    return [name for name in hives if name.partition(".")[0] in hosts]


def _networks_are_there(wanted: Mapping[str, Any], names: Collection[str]) -> None:
    lacking = [each["Target"] for each in wanted["TaskTemplate"]["Networks"] if each["Target"] not in names]
    if lacking:
        raise OperationFailed(f"the swarm has no network {', '.join(lacking)}", "`hive-nornir run build-networks` makes it")


def _volumes_are_there(thing: SiteObject, hives: Iterable[str], wanted: Mapping[str, Any]) -> None:
    """Docker would make an empty local volume in place of one that is to be replicated or shared, and the service's data would go there."""
    mounted = [mount["Source"] for mount in wanted["TaskTemplate"]["ContainerSpec"]["Mounts"] if mount["Type"] == "volume"]
    made = set(thing.site.volumes).intersection(mounted)
    lacking = [f"{volume} on {hive}" for hive in hives if made for volume in sorted(made - _volumes(thing, hive))]
    if lacking:
        raise OperationFailed(f"there is no volume {', '.join(lacking)}", "`hive-nornir run build-volumes` makes it")


def _volumes(thing: SiteObject, hive: str) -> set[str]:
    return {str(volume.name) for volume in thing.docker(hive).volumes.list()}
