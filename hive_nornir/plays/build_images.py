"""The phase build-images: the images that services are made of, in the registry (spec images-networks-volumes-services.md 1)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hive_nornir.errors import DefinitionErrors, HiveError, Problem, UsageError
from hive_nornir.inventory.tag_mapping import FILE, TagMapping, normalised
from hive_nornir.plays.container_roles import ContainerRoles
from hive_nornir.plays.objects import NamedStep, ObjectPlay, chosen, run_plays
from hive_nornir.tasks.images.build import built_image

if TYPE_CHECKING:
    from hive_nornir.inventory.site_inventory import SiteInventory
    from hive_nornir.plays.phase import PhaseOptions
    from hive_nornir.runs.events import RunProcessor
    from hive_nornir.site import Site

__all__ = ["check", "levels", "run", "targets"]

AT_A_TIME = 3


def targets(site: Site, limit: Sequence[str] | None) -> tuple[str, ...]:
    """The stage's images, named by `--limit` as their services.

    :raises UsageError: a service that has none, or that is not there.
    """
    images = site.inventory.groups.get("images", [])
    names = chosen(limit, [name.removeprefix("image_") for name in images], "service with an image of its own", site.context.stage)
    return tuple(f"image_{name}" for name in names)


def check(site: Site, options: PhaseOptions) -> None:
    """Whether the options, the roles and the stage's tag mapping fit; touches nothing.

    :raises UsageError: an option does not.
    :raises DefinitionErrors: the definitions do not: an unknown role, a variable that a role cannot take.
    """
    if options.halt or options.destroy or options.roles is not None or options.servers is not None:
        raise UsageError("build-images only builds", "--limit SERVICE chooses images, --no-cache builds them from the beginning")
    site.check()
    TagMapping.load(site.context.context_dir)
    levels(site.inventory, options.hosts)


def run(site: Site, options: PhaseOptions, processor: RunProcessor) -> None:
    """Build what is not as it is defined, three images at a time; an image that another one starts from comes before that."""
    roles, mapping = ContainerRoles(site.context.root), TagMapping.load(site.context.context_dir)
    processor.report.notes += [
        f"{FILE}: nothing uses {entry}" for entry in mapping.unmatched(_references(site.inventory)) if not options.limited
    ]
    step = functools.partial(
        built_image,
        roles_of=lambda image: roles.all_of(site.inventory.scope(image).get("hive_roles")),
        mapping=mapping,
        no_cache=options.no_cache,
    )
    plays = [
        ObjectPlay("build images" if number == 1 else f"build images {number}", names, [NamedStep("image", step)], AT_A_TIME)
        for number, names in enumerate(levels(site.inventory, options.hosts), 1)
    ]
    run_plays(site, options, processor, plays)


def levels(inventory: SiteInventory, images: Sequence[str]) -> list[tuple[str, ...]]:
    """The images in the order in which they can be built: those of a level need images of earlier levels only.

    :raises DefinitionErrors: images start from each other.
    """
    needs = {image: _parents(inventory, image) & set(images) for image in images}
    found: list[tuple[str, ...]] = []
    while needs:
        ready = tuple(image for image, parents in needs.items() if not parents & needs.keys())
        if not ready:
            raise DefinitionErrors([Problem(None, 0, f"the images {', '.join(needs)} start from each other, so none can be built first")])
        found.append(ready)
        needs = {image: parents for image, parents in needs.items() if image not in ready}
    return found


def _parents(inventory: SiteInventory, image: str) -> set[str]:
    variables = inventory.scope(image)
    start = normalised(str(variables["hive_from"]))
    return {other for other in inventory.groups.get("images", []) if start == f"{variables['hive_registry']}/{other}:latest"}


def _references(inventory: SiteInventory) -> list[str]:
    """Every image that the stage names, as far as its templates can be rendered now."""
    found: list[str] = []
    for name in [*inventory.groups.get("images", []), *inventory.services]:
        scope = inventory.scope(name)
        try:
            found += [str(scope[key]) for key in ("hive_from", "hive_pull_from", "hive_image") if key in scope]
            found += [f"{scope['hive_registry']}/{scope['hive_image_name']}:latest"] if "hive_image_name" in scope else []
        except HiveError:
            continue
    return found
