"""What an image is made of, as checksums: the same inputs make the same image, so it is built only when one of them changed."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import inspect
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_nornir.ansible.roles import AnsibleRole
from hive_nornir.errors import HiveError
from hive_nornir.tasks.images.certificate import renewal_period
from hive_nornir.tasks.images.trust import trusted

if TYPE_CHECKING:
    from hive_nornir.inventory.site_inventory import SiteInventory
    from hive_nornir.tasks.images.settings import ImageSettings
    from hive_nornir.tasks.role import Role

__all__ = ["Inputs", "role_files"]

_PREFIX = "hive-nornir."
# `host.variables["page_title"]`, and whatever begins as our own variables do.
_NAME = re.compile(rb"""\bhive_\w+|(?<=["'])[A-Za-z_]\w*(?=["'])""")
_WORD = re.compile(rb"[A-Za-z_]\w*")
# What a role takes from elsewhere than its variables and files: the authority, the time.
_MORE: dict[str, Callable[[SiteInventory, Mapping[str, Any]], object]] = {
    "python-aptk": lambda site, _variables: trusted(site),
    "hive-trust-ca": lambda site, _variables: trusted(site),
    "hive-syslog": lambda site, _variables: [trusted(site), str(site.scope(site.repository).get("hive_private_ip"))],
    "hive-certificate": lambda site, variables: [trusted(site), renewal_period(variables, time.time())],
}


@dataclass(frozen=True)
class Inputs:
    """Checksums of what an image is made of; its labels.

    :param base: the base image's digest, "" while it is unknown.
    :param attributes: of its definition.
    :param roles: names and files of its roles.
    :param variables: the values that its roles read.
    """

    base: str
    attributes: str
    roles: str
    variables: str

    @classmethod
    def of(
        cls, site: SiteInventory, variables: Mapping[str, Any], settings: ImageSettings, base: str, roles: Sequence[Role], root: Path
    ) -> Inputs:
        """Those of an image as it is defined now.

        :param variables: of the image.
        :param base: the base image's digest.
        :param root: the site's folder.
        """
        attributes = {**dataclasses.asdict(settings), "roles": None, "base": None}
        files = [(role.name, [(name, content) for name, content in role_files(role, root)]) for role in roles]
        values = _values(variables, {name for role in roles for name in _names(role, root)})
        more = {role.name: _MORE[role.name](site, variables) for role in roles if role.name in _MORE}
        return cls(base, _checksum(attributes), _checksum(files), _checksum([values, more]))

    @classmethod
    def from_labels(cls, labels: Mapping[str, str] | None) -> Inputs:
        """Those of an image that exists."""
        found = labels or {}
        return cls(*(str(found.get(f"{_PREFIX}{field.name}", "")) for field in dataclasses.fields(cls)))

    @property
    def labels(self) -> dict[str, str]:
        """As the image and its build container carry them."""
        return {f"{_PREFIX}{name}": value for name, value in dataclasses.asdict(self).items()}

    def differences(self, other: Inputs) -> list[str]:
        """What changed since another image was built, in plain words."""
        words = {"base": "base image", "attributes": "definition", "roles": "role files", "variables": "variables of its roles"}
        return [f"{word} changed" for name, word in words.items() if getattr(self, name) != getattr(other, name)]


def role_files(role: Role, root: Path) -> Iterator[tuple[str, bytes]]:
    """The files that a role is made of: its module, and for a role of the site everything in `roles/NAME/`.

    :returns: name and content of each, in order.
    """
    if isinstance(role, AnsibleRole):
        yield from role.files()
        return
    module = Path(str(inspect.getsourcefile(role.function)))
    yield module.name, module.read_bytes()
    if module.parent == root / "roles":
        folder = module.with_suffix("")
        for file in sorted(folder.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                yield str(file.relative_to(folder)), file.read_bytes()


def _names(role: Role, root: Path) -> set[str]:
    """What may be a variable that a role reads: those that it declares, and words in its files (of `host.variables`)."""
    pattern = _WORD if isinstance(role, AnsibleRole) else _NAME  # in Ansible's roles variables stand without signs of their own
    named = {name.decode() for _, content in role_files(role, root) for name in pattern.findall(content)}
    return {*role.variables.model_fields, *named}


def _values(variables: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in sorted(names):
        with contextlib.suppress(HiveError):  # a role that reads a variable that cannot be rendered tells so itself
            if name in variables:
                found[name] = variables[name]
    return found


def _checksum(value: object) -> str:
    text = json.dumps(value, sort_keys=True, default=lambda each: each.hex() if isinstance(each, bytes) else str(each))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]
