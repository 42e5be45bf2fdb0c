"""What the definition of an image says, as Docker takes it (spec inventory.md 5.3)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hive_nornir.errors import UsageError

__all__ = ["ImageSettings"]


@dataclass(frozen=True)
class ImageSettings:
    """An image's attributes.

    :param base: the image to start from, as the definition names it.
    :param entrypoint: None where it is the base image's, and so with `command`, `working_dir`, `user` and `stop_signal`.
    :param ports: `80/tcp`.
    :param privileged: of the build container.
    :param standalone: the container has an init system of its own.
    """

    base: str
    environment: Mapping[str, str]
    entrypoint: tuple[str, ...] | None
    command: tuple[str, ...] | None
    working_dir: str | None
    user: str | None
    stop_signal: str | None
    ports: tuple[str, ...]
    privileged: bool
    standalone: bool
    roles: tuple[str, ...]

    @classmethod
    def of(cls, name: str, variables: Mapping[str, Any]) -> ImageSettings:
        """Those of an image.

        :param name: for messages.
        :param variables: of the image, `hive_from` and so on.
        :raises UsageError: a value is none that Docker takes.
        """
        return cls(
            base=str(variables["hive_from"]),
            environment={str(key): _word(value) for key, value in (variables.get("hive_env") or {}).items()},
            entrypoint=_words(variables.get("hive_entrypoint")),
            command=_words(variables.get("hive_command")),
            working_dir=_text(variables.get("hive_working_dir")),
            user=_text(variables.get("hive_user")),
            stop_signal=_text(variables.get("hive_stop_signal")),
            ports=_ports(name, variables.get("hive_expose")),
            privileged=bool(variables.get("hive_privileged", False)),
            standalone=bool(variables.get("hive_standalone", False)),
            roles=tuple(map(str, variables.get("hive_roles") or ())),
        )


def _text(value: object) -> str | None:
    return None if value in (None, "") else str(value)


def _word(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _words(value: object) -> tuple[str, ...] | None:
    if value is None or value == "":
        return None
    return tuple(shlex.split(value)) if isinstance(value, str) else tuple(map(_word, value))  # type: ignore[call-overload] # a list


def _ports(name: str, value: object) -> tuple[str, ...]:
    given = value if isinstance(value, list) else [] if value in (None, "") else [value]
    found: list[str] = []
    for each in (word for entry in given for word in str(entry).split()):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?(?:/(tcp|udp|sctp))?", each)
        if match is None or not 0 < int(match[1]) <= int(match[2] or match[1]) < 65536:
            raise UsageError(f"{name}: expose: {each!r} is no port", "80, 53/udp or 8000-8010")
        found += [f"{port}/{match[3] or 'tcp'}" for port in range(int(match[1]), int(match[2] or match[1]) + 1)]
    return tuple(dict.fromkeys(found))
