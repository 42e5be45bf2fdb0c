"""A site's roles of Ansible: which there are, and each as a role of ours."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

from hive_nornir.ansible.outcomes import TaskOutcomes
from hive_nornir.ansible.process import run_playbook
from hive_nornir.ansible.project import INVENTORY, PLAYBOOK, Place, environment, write_project
from hive_nornir.errors import HiveError, OperationFailed, UsageError
from hive_nornir.runs.redact import Redactor
from hive_nornir.tasks.container_target import ContainerTarget
from hive_nornir.tasks.role import Role, Variables, sub_result

if TYPE_CHECKING:
    from hive_nornir.connections.shell import SshTransport
    from hive_nornir.operations.core import Operation, Outcome
    from hive_nornir.tasks.role import Target

__all__ = ["AnsibleRole", "ansible_folder", "ansible_version", "ways_out"]

ROLE_SECONDS = 1800.0
_LOOKED_AT_OTHERS = re.compile(rb"\bhostvars\b")


def ansible_folder(root: Path, name: str) -> Path | None:
    """The folder of a site's role of Ansible, None if it has none of that name.

    :param name: as Ansible, which takes hyphens and underscores for different things.
    """
    folder = root / "roles" / name
    known = any((folder / "tasks" / f"main.{ending}").is_file() for ending in ("yml", "yaml"))
    return folder if known and "/" not in name else None


@cache
def ansible_version() -> str:
    """The version of ansible-core that is installed, "" without any."""
    if importlib.util.find_spec("ansible") is None:
        return ""
    try:
        return importlib.metadata.version("ansible-core")
    except importlib.metadata.PackageNotFoundError:
        return ""


def ways_out(name: str) -> str:
    """What to do about a role of Ansible where ansible-core is not installed."""
    module = name.replace("_", "-")
    return (
        f"`pip install 'hive-nornir[ansible]'` runs it as it is; "
        f"or write roles/{name.replace('-', '_')}.py, as `hive-nornir new role {module}` begins it: docs/migration.md"
    )


class AnsibleRole(Role):
    """A role of Ansible, run by ansible-core on a server or in a container.

    :param folder: `roles/NAME` of the site.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(_as_it_is, None, "always")
        self.folder = folder
        self.name = self.__name__ = folder.name
        self.__doc__ = f"Ansible's role {folder.name}, as it is."

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Names and contents of the files that it is made of, those of the site's roles and modules that it names too."""
        roots = [self.folder]
        for folder in roots:
            for file in sorted(folder.rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    content = file.read_bytes()
                    yield str(file.relative_to(self.folder.parent.parent)), content
                    roots += [other for other in self._named(content) if other not in roots]

    def _named(self, content: bytes) -> list[Path]:
        """Other roles and modules of the site of which a file has the name."""
        words = {word.decode() for word in re.findall(rb"[A-Za-z][\w-]*", content)}
        site = self.folder.parent.parent
        found = [folder for folder in sorted(self.folder.parent.glob("*/")) if folder.name in words]
        modules = any(file.stem in words for folder in ("lib", "library") for file in (site / folder).glob("*.py"))
        return found + [site / folder for folder in ("lib", "library") if modules and (site / folder).is_dir()]

    def _run(self, target: Target, values: Variables) -> list[Outcome]:  # noqa: ARG002 - Ansible is given all variables
        return run_on(target, self)


def run_on(target: Target, role: AnsibleRole) -> list[Outcome]:
    """Run a role of Ansible and show each of its tasks as a sub-result.

    :returns: an outcome for each task; a failed one is the last.
    :raises HiveError: it could not be run, or took too long, or the run was interrupted.
    """
    from hive_nornir.runs.runner import outlives_its_run

    if shutil.which("ssh") is None:
        raise UsageError("roles of Ansible need OpenSSH's client on this machine", "install openssh-client")
    outcomes = TaskOutcomes(check=target.check, masked=Redactor(target.site.passwords))
    place = _place(target)
    folder = Path(tempfile.mkdtemp(prefix="hive-nornir-"))  # 0700
    arguments = ["-i", INVENTORY, "--limit", place.name, "--diff", *(["--check"] if target.check else []), PLAYBOOK]
    others = any(_LOOKED_AT_OTHERS.search(content) for _, content in role.files())
    error: HiveError | None = None
    try:
        write_project(target.site, place, role.folder.name, folder, other_objects=others)
        run_playbook(
            folder,
            arguments,
            environment(target.site, folder),
            outcomes,
            deadline=ROLE_SECONDS,
            stopped=lambda: target.options.stop.is_set() or outlives_its_run(),
        )
    except HiveError as raised:
        error = raised
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        target.forget_facts()
    for outcome in outcomes.found:
        if isinstance(outcome.error, HiveError):
            outcome.error = _explained(outcome.error, place)
        target.task.results.append(sub_result(target.task, outcome))
    if error is not None:
        raise _explained(error, place)
    return outcomes.found


def _place(target: Target) -> Place:
    if isinstance(target, ContainerTarget):
        inside = target.inside
        server = cast("SshTransport", inside.shell).target
        return Place(target.name, server.name, inside.container, server.username != "root", inside.environment)
    return Place(target.name, target.name, sudo=target.transport.target.username != "root")


_NO_PYTHON = re.compile(r"module interpreter '[^']*' was not found|No python interpreters found|python3?: not found")
_NO_MODULE = re.compile(r"couldn't resolve module/action '([\w.]+)'")


def _explained(error: HiveError, place: Place) -> HiveError:
    """With what is to be done about what Ansible needs and does not find."""
    stderr = getattr(error, "stderr", "")
    said = f"{error.message} {stderr}"
    if found := _NO_MODULE.search(said):
        message = f"Ansible's module {found[1]} is not part of ansible-core"
        return OperationFailed(message, "install its collection with ansible-galaxy, or do without it", stderr=stderr)
    if _NO_PYTHON.search(said):
        who = "the image role python-aptk installs it" if place.container else "run the role pip-venv, which installs it"
        return OperationFailed(f"{place.name} has no Python, which Ansible needs", who, stderr=stderr)
    return error


def _as_it_is(host: Target, v: Variables) -> list[Operation]:
    raise NotImplementedError("Ansible runs it")
