"""Services of a systemd, this host's or one inside of a container: which are worth watching, which have failed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from hive_onhost.failure import USAGE, Failure
from hive_onhost.probes.answers import log

__all__ = ["Lists", "Run", "discover", "failed", "properties", "shown", "unit"]

BLACKLIST = Path("/etc/zabbix/service_discovery_blacklist")
WHITELIST = Path("/etc/zabbix/service_discovery_whitelist")

Run = Callable[[Sequence[str]], str]
"""Runs a command and returns what it prints."""

_LIST = ("systemctl", "--no-pager", "--no-legend", "--plain", "--type=service")
# One after the other: a unit that systemctl stumbles over keeps it from telling of those after it (PRB-5).
_SHOW = 'for unit; do systemctl show --no-pager -p Id -p Type -p UnitFileState -- "$unit" || :; echo; done'


class Lists:
    """The optional white list and the black list: regular expressions, one a line, found anywhere in a unit's name."""

    def __init__(self, white: Iterable[re.Pattern[str]] | None, black: Iterable[re.Pattern[str]]) -> None:
        self._white = None if white is None else list(white)
        self._black = list(black)

    @classmethod
    def read(cls, white: Path = WHITELIST, black: Path = BLACKLIST) -> Lists:
        """Read both files; one that is not there lets everything through.

        :raises Failure: a line is no regular expression.
        """
        return cls(_patterns(white) if white.exists() else None, _patterns(black) if black.exists() else [])

    def listed(self, name: str) -> bool:
        """Whether a service is watched; both lists count."""
        return (self._white is None or any(each.search(name) for each in self._white)) and not self.ignored(name)

    def ignored(self, name: str) -> bool:
        """Whether the black list names a service."""
        return any(each.search(name) for each in self._black)


def discover(run: Run, lists: Lists) -> list[str]:
    """The units of services that start at boot and go on running."""
    names = [name for name in _first_words(run([*_LIST, "list-unit-files", "--state=enabled"])) if "@." not in name]
    # Instances have no file of their own.
    names += [name for name in _first_words(run([*_LIST, "list-units", "--all"])) if "@" in name and "@." not in name]
    found = []
    for block in run(["sh", "-c", _SHOW, "sh", *dict.fromkeys(names)]).split("\n\n"):
        told = properties(block)
        name = told.get("Id", "")
        if name and told.get("UnitFileState") == "enabled" and told.get("Type") not in ("oneshot", "dbus") and lists.listed(name):
            found.append(name)
    return list(dict.fromkeys(found))


def failed(run: Run, lists: Lists) -> list[str]:
    """The units of services that have failed and that the black list does not name."""
    return [name for name in _first_words(run([*_LIST, "list-units", "--state=failed"])) if not lists.ignored(name)]


def shown(name: str) -> str:
    """A name as Zabbix' agent lets it be asked for: without @."""
    return name.replace("@", "%")


def unit(name: str) -> str:
    """The unit of a name that was shown so."""
    found = name.replace("%", "@")
    return found if found.endswith(".service") else f"{found}.service"


def properties(text: str) -> Mapping[str, str]:
    """What `systemctl show` printed of one unit."""
    return {key: value for key, between, value in (line.partition("=") for line in text.splitlines()) if between}


def _first_words(text: str) -> list[str]:
    # Before systemd 228, --plain leaves the dot before units that have failed.
    return [words[0] for words in (line.replace("\u25cf", " ").split() for line in text.splitlines()) if words]


def _patterns(file: Path) -> list[re.Pattern[str]]:
    lines = [line.strip() for line in file.read_text("utf-8").splitlines()]
    try:
        return [re.compile(line) for line in lines if line and not line.startswith("#")]
    except re.error as error:
        log(f"{file}: {error}")
        raise Failure(f"{file}: {error.pattern!r} is no regular expression: {error}", USAGE) from error
