"""The roles that work in containers: of images (`roles`) and of services (`initialize_roles`)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_nornir.ansible.roles import AnsibleRole, ansible_folder, ansible_version, ways_out
from hive_nornir.errors import DefinitionErrors, Problem, nearest
from hive_nornir.plays.own_roles import OVERRIDES, of_package, role_of_file
from hive_nornir.tasks.images.certificate import hive_certificate
from hive_nornir.tasks.images.python_aptk import python_aptk
from hive_nornir.tasks.images.syslog import hive_syslog
from hive_nornir.tasks.images.trust import hive_trust_ca

if TYPE_CHECKING:
    from hive_nornir.site import Site
    from hive_nornir.tasks.role import Role

__all__ = ["BUILTIN", "ContainerRoles", "ansible_notes"]

BUILTIN = {role.name: role for role in (python_aptk, hive_trust_ca, hive_certificate, hive_syslog)}


class ContainerRoles:
    """Roles by their names; those of a site stand for built-in ones of the same name.

    :param root: the site's folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def find(self, name: str) -> Role:
        """A role: the site's `roles/NAME.py`, then its role of Ansible, then a built-in one, then another package's.

        :param name: hyphens and underscores are the same, but of Ansible's roles.
        :raises DefinitionErrors: there is none, or the site's file is wrong, or it is Ansible's and ansible-core is not installed.
        """
        file = self.root / "roles" / f"{name.replace('-', '_')}.py"
        if "/" not in name and file.is_file():
            return role_of_file(file)
        if (folder := ansible_folder(self.root, name)) is not None:
            return self._of_ansible(folder)
        plain = name.replace("_", "-")
        if plain in BUILTIN:
            return BUILTIN[plain]
        for point in entry_points(group="hive_nornir.roles"):
            if point.name.replace("_", "-") == plain:
                return of_package(point.name, point.load())
        raise DefinitionErrors([Problem(None, 0, f"there is no role {name!r}", self._hint(name))])

    def _of_ansible(self, folder: Path) -> Role:
        if not ansible_version():
            message = f"role {folder.name!r} is one of Ansible, roles/{folder.name}/tasks, and ansible-core is not installed"
            raise DefinitionErrors([Problem(None, 0, message, ways_out(folder.name))])
        return AnsibleRole(folder)

    def _hint(self, name: str) -> str:
        files = [file.stem for file in (self.root / "roles").glob("*.py") if file.stem not in OVERRIDES]
        packages = [point.name for point in entry_points(group="hive_nornir.roles")]
        known = nearest(name, [*files, *BUILTIN, *packages])
        return f"{known}; or write roles/{name.replace('-', '_')}.py" if known else f"write roles/{name.replace('-', '_')}.py"

    def all_of(self, names: object) -> list[Role]:
        """The roles of a list.

        :raises DefinitionErrors: one of them is not there.
        """
        return [self.find(str(name)) for name in names] if isinstance(names, (list, tuple)) else []

    def ansible_roles(self, site: Site) -> list[str]:
        """The roles of the stage's images and services that ansible-core runs."""
        inventory = site.inventory
        lists = [inventory.scope(name).get("hive_roles") for name in inventory.groups.get("images", [])]
        lists += [inventory.scope(name).get("hive_initialize_roles") for name in inventory.services]
        names = dict.fromkeys(str(name) for each in lists if isinstance(each, (list, tuple)) for name in each)
        return [name for name in names if isinstance(self._known(name), AnsibleRole)]

    def _known(self, name: str) -> Role | None:
        with contextlib.suppress(DefinitionErrors):
            return self.find(name)
        return None

    def problems(self, site: Site) -> Iterator[Problem]:
        """What is wrong with the roles of the stage's images and services: unknown names, wrong files, values that a role cannot take."""
        inventory = site.inventory
        for name, service in inventory.definitions.services.items():
            if name not in inventory.services:
                continue
            yield from self._of(site, name, "hive_initialize_roles", service.place, ("initialize_roles",))
            if service.builds_image and site.context.stage not in service.definition.image.pull_on:  # type: ignore[union-attr] # a map, then
                yield from self._of(site, f"image_{name}", "hive_roles", service.place, ("image", "roles"))

    def _of(self, site: Site, name: str, variable: str, place: Any, steps: tuple[str, ...]) -> Iterator[Problem]:
        scope = site.inventory.scope(name)
        for index, each in enumerate(scope.get(variable) or []):
            written = place.raw
            for step in steps:
                written = written.get(step) if isinstance(written, dict) else None
            where = (*steps, index) if isinstance(written, list) else steps
            try:
                role = self.find(str(each))
            except DefinitionErrors as error:
                for problem in error.problems:
                    yield problem if problem.file else place.problem(problem.message, *where, hint=problem.hint)
                continue
            for wrong, problem in role.problems(scope, name):
                yield site.inventory.located(problem, name, wrong)


def ansible_notes(site: Site) -> list[str]:
    """What an operator should know of the site's roles of Ansible: which ansible-core runs, which are left out."""
    root = site.context.root
    own = [name for name in OVERRIDES if ansible_folder(root, name) is not None]
    if not ansible_version():
        return [f"the role {name} of Ansible is left out, ansible-core is not installed: {ways_out(name)}" for name in own]
    run = [*own, *ContainerRoles(root).ansible_roles(site)]
    return [f"ansible-core {ansible_version()} runs the roles {', '.join(run)}"] if run else []
