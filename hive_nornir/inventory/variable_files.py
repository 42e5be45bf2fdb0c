"""The site's `group_vars/` and `host_vars/`, found and read as Ansible does ("Organizing host and group variables")."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hive_nornir.errors import Problem, nearest
from hive_nornir.inventory.yaml_source import YamlSource, load_yaml

__all__ = ["VariableFiles", "load_variable_files"]

_ENDINGS = (".yml", ".yaml", ".json")


@dataclass
class VariableFiles:
    """Variables by owner, as written.

    :ivar groups: group -> variables.
    :ivar objects: object name -> variables.
    :ivar sources: every file that was read, in order.
    :ivar problems: what is wrong with the files.
    """

    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    sources: list[YamlSource] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def unknown_hive_variables(self, known: Collection[str]) -> list[Problem]:
        """Variables named `hive_…` that nobody knows, such as `hive_timezon`.

        :param known: every `hive_…` variable that the product or a template of the site reads.
        """
        return [
            source.problem((name,), f"nobody reads the variable {name}", nearest(name, known))
            for source in self.sources
            for name in source.data
            if name.startswith("hive_") and name not in known
        ]

    def place(self, owners: Sequence[str], variable: str) -> tuple[Path, int] | None:
        """Where a variable is defined, file and line.

        :param owners: the object and its groups, strongest first.
        :return: of the strongest of them; None when it is in no file.
        """
        for owner in owners:
            for source in self.sources:
                if variable in source.data and _owner(source.file) == owner:
                    return source.file, source.line((variable,))
        return None


def _owner(file: Path) -> str:
    """The group or object whose variables a file holds: it is named after it, or lies in a folder that is."""
    if file.parent.name not in ("group_vars", "host_vars"):
        return file.parent.name
    return file.stem if file.suffix in _ENDINGS else file.name


def load_variable_files(inventory: Path, groups: Collection[str], objects: Collection[str] | None) -> VariableFiles:
    """Read `group_vars/` and `host_vars/`.

    A file or folder for a group or object that does not exist is a problem: nobody would read it.

    :param inventory: the folder that holds both.
    :param groups: every group of the site, `all` too.
    :param objects: the names of all servers, services, images, volumes, networks and mothers; None when they cannot be known.
    """
    found = VariableFiles()
    wanted: list[tuple[str, Collection[str] | None, dict[str, dict[str, Any]]]]
    wanted = [("group_vars", groups, found.groups), ("host_vars", objects, found.objects)]
    for folder, owners, target in wanted:
        for owner, files in sorted(_files_by_owner(inventory / folder, owners, found.problems).items()):
            target[owner] = {}
            for file in files:
                target[owner].update(_read(file, found))
    return found


def _files_by_owner(folder: Path, owners: Collection[str] | None, problems: list[Problem]) -> dict[str, list[Path]]:
    kind = "group" if folder.name == "group_vars" else "object"
    paths: dict[str, Path] = {}
    for path in _entries(folder):
        # A host's name has dots of its own, so only Ansible's endings are endings.
        ending = path.suffix if path.suffix in _ENDINGS and path.is_file() else ""
        owner = path.name.removesuffix(ending)
        if owners is not None and owner not in owners:
            if ending or path.is_dir() or "." not in owner:  # else it is a README.md or the like
                problems.append(Problem(path, 0, f"there is no {kind} {owner!r}, so nobody reads this", nearest(owner, owners)))
        elif owner in paths:
            problems.append(
                Problem(path, 0, f"the variables of {owner} are in {paths[owner].name} too", "Ansible reads only one: merge them")
            )
        else:
            paths[owner] = path
    return {owner: list(_variable_files(path)) for owner, path in paths.items()}


def _entries(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and not path.name.endswith("~"))


def _variable_files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for entry in _entries(path):
        if entry.is_dir() and not entry.suffix:
            yield from _variable_files(entry)
        elif entry.is_file() and entry.suffix in ("", *_ENDINGS):
            yield entry


def _read(file: Path, found: VariableFiles) -> dict[str, Any]:
    source, problems = load_yaml(file)
    found.problems.extend(problems)
    if source.data is None:
        return {}
    if not isinstance(source.data, dict):
        vault = isinstance(source.data, str) and source.data.startswith("$ANSIBLE_VAULT")
        hint = (
            "files encrypted by ansible-vault cannot be read: keep secrets in files of their own and use lookup('file', …)" if vault else ""
        )
        found.problems.append(Problem(file, 1, "must be a map of variables", hint))
        return {}
    wrong = [name for name in source.data if not isinstance(name, str)]
    found.problems.extend(source.problem((name,), f"{name!r} is not a name of a variable") for name in wrong)
    if not wrong:
        found.sources.append(source)
    return {name: value for name, value in source.data.items() if isinstance(name, str)}
