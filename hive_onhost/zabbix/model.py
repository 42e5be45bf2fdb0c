"""What Zabbix should be, as the mother has written it, and what it is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Difference", "Model"]


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it should be.

    :param text: in plain words.
    :param mend: makes it so.
    """

    text: str
    mend: Callable[[], object]


class Model:
    """The file's contents.

    :ivar url: of the API.
    :ivar owner: value of the tag `hive` by which our hosts are known: the hive's name.
    :ivar groups: host groups that exist.
    :ivar unwanted: hosts that do not exist.
    :ivar export: the templates, as configuration.import takes them.
    :ivar macros: of each a `template`, a `macro` and its `value`.
    :ivar hosts: of each its `name`, `address`, `groups` and `templates`.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.url: str = given["url"]
        self.owner: str = given["owner"]
        self.groups: list[str] = given["groups"]
        self.unwanted: list[str] = given["unwanted"]
        self.export: dict[str, Any] = given["export"]
        self.macros: list[dict[str, str]] = given["macros"]
        self.hosts: list[dict[str, Any]] = given["hosts"]
        self._secrets = Path(given["secrets"])

    @property
    def password(self) -> str:
        """Of the user Admin."""
        return (self._secrets / "admin_password").read_text().strip()

    @property
    def token_file(self) -> Path:
        """Where the API token is."""
        return self._secrets / "api_token"

    @property
    def template_group(self) -> str:
        """The group of our templates, and of nobody else's."""
        return str(self.export["zabbix_export"]["template_groups"][0]["name"])

    @property
    def templates(self) -> list[str]:
        """The names of our templates."""
        return [each["template"] for each in self.export["zabbix_export"]["templates"]]
